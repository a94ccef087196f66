//! The messages of ONNX (`onnx.proto`, IR version 13), with the fields in use.
//!
//! Names and raw data borrow from the file. No message contains itself: subgraphs of control flow are omitted, so there
//! is no recursion to bound.

#[derive(Debug, Default)]
pub(crate) struct Model<'m> {
    pub(crate) graph: Option<Graph<'m>>,
    pub(crate) metadata: Vec<Entry<'m>>,
}

#[derive(Debug, Default)]
pub(crate) struct Graph<'m> {
    pub(crate) nodes: Vec<Node<'m>>,
    pub(crate) initializers: Vec<Tensor<'m>>,
    pub(crate) outputs: Vec<&'m str>,
}

#[derive(Debug, Default)]
pub(crate) struct Node<'m> {
    pub(crate) inputs: Vec<&'m str>,
    pub(crate) outputs: Vec<&'m str>,
    pub(crate) name: &'m str,
    pub(crate) op_type: &'m str,
    pub(crate) domain: &'m str,
    pub(crate) attributes: Vec<Attribute<'m>>,
}

#[derive(Debug, Default)]
pub(crate) struct Attribute<'m> {
    pub(crate) name: &'m str,
    pub(crate) f: f32,
    pub(crate) i: i64,
    pub(crate) s: &'m [u8],
    pub(crate) t: Option<Tensor<'m>>,
    pub(crate) floats: Vec<f32>,
    pub(crate) ints: Vec<i64>,
}

#[derive(Debug, Default)]
pub(crate) struct Tensor<'m> {
    pub(crate) dims: Vec<i64>,
    pub(crate) data_type: i32,
    pub(crate) float_data: Vec<f32>,
    pub(crate) int32_data: Vec<i32>,
    pub(crate) int64_data: Vec<i64>,
    pub(crate) double_data: Vec<f64>,
    pub(crate) name: &'m str,
    pub(crate) raw_data: &'m [u8],
    pub(crate) external_data: Vec<Entry<'m>>,
    pub(crate) data_location: i32,
}

#[derive(Debug, Default)]
pub(crate) struct Entry<'m> {
    pub(crate) key: &'m str,
    pub(crate) value: &'m str,
}
