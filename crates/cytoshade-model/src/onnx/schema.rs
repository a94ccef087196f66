//! The messages of ONNX (`onnx.proto`, IR version 13), with the fields that are read.
//!
//! Names and raw data stay in the file's bytes. None of the messages holds itself: subgraphs of control flow are left
//! out, so there is no recursion to bound.

#[derive(Debug, Default)]
pub(super) struct Model<'m> {
    pub(super) graph: Option<Graph<'m>>,
    pub(super) metadata: Vec<Entry<'m>>,
}

#[derive(Debug, Default)]
pub(super) struct Graph<'m> {
    pub(super) nodes: Vec<Node<'m>>,
    pub(super) initializers: Vec<Tensor<'m>>,
    pub(super) outputs: Vec<&'m str>,
}

#[derive(Debug, Default)]
pub(super) struct Node<'m> {
    pub(super) inputs: Vec<&'m str>,
    pub(super) outputs: Vec<&'m str>,
    pub(super) name: &'m str,
    pub(super) op_type: &'m str,
    pub(super) domain: &'m str,
    pub(super) attributes: Vec<Attribute<'m>>,
}

#[derive(Debug, Default)]
pub(super) struct Attribute<'m> {
    pub(super) name: &'m str,
    pub(super) f: f32,
    pub(super) i: i64,
    pub(super) s: &'m [u8],
    pub(super) t: Option<Tensor<'m>>,
    pub(super) floats: Vec<f32>,
    pub(super) ints: Vec<i64>,
}

#[derive(Debug, Default)]
pub(super) struct Tensor<'m> {
    pub(super) dims: Vec<i64>,
    pub(super) data_type: i32,
    pub(super) float_data: Vec<f32>,
    pub(super) int32_data: Vec<i32>,
    pub(super) int64_data: Vec<i64>,
    pub(super) double_data: Vec<f64>,
    pub(super) name: &'m str,
    pub(super) raw_data: &'m [u8],
    pub(super) external_data: Vec<Entry<'m>>,
    pub(super) data_location: i32,
}

#[derive(Debug, Default)]
pub(super) struct Entry<'m> {
    pub(super) key: &'m str,
    pub(super) value: &'m str,
}
