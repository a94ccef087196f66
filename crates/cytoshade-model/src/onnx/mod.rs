//! ONNX exports of the network.
//!
//! The file is decoded with a schema of the fields that are read. The weights are bound by walking the graph, not by
//! names, which exporters and simplifiers change: a graph in which our network is found along the edges computes what
//! ours computes. Everything else in the graph is left alone.

mod bind;
mod decode;
mod graph;
mod layers;
mod node;
mod schema;
mod tensor_data;
mod walk;
mod wire;

use cytoshade_core::Network;
use cytoshade_pickle::Meter;

use crate::external::ExternalData;
use crate::{Error, ReadLimits};
use graph::Graph;
use node::Node;
use schema::Model;

/// Nodes that are tried as the network's last. Exports have a handful; a hostile graph may have thousands, each of
/// which would be followed a long way.
const MAX_HEADS: usize = 256;
/// Nodes that are visited on the way from one of them, at most: 8 levels of some 40 nodes, each with nodes that only pass
/// values on.
const STEPS_OF_A_WALK: u64 = 1000;

/// Whether the bytes begin as ONNX files do: field 1, the version of the format.
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=0x7f, ..])
}

/// A decoded model, whose weights may still lie beside it.
pub(crate) struct Onnx<'m> {
    model: Model<'m>,
}

impl<'m> Onnx<'m> {
    pub(crate) fn decode(bytes: &'m [u8], limits: &ReadLimits, meter: &mut Meter) -> Result<Self, Error> {
        Ok(Self { model: decode::model(bytes, limits, meter)? })
    }

    /// Names of the parts that hold weights, as the file states them.
    pub(crate) fn external(&self) -> impl Iterator<Item = &str> {
        let initializers = self.model.graph.iter().flat_map(|graph| &graph.initializers);
        initializers.filter(|tensor| tensor.is_external()).filter_map(|tensor| tensor.external("location"))
    }

    /// The network in the graph, and the other nodes in it, in words.
    pub(crate) fn network(
        &self,
        parts: &ExternalData,
        limits: &ReadLimits,
        meter: &mut Meter,
    ) -> Result<(Network, Vec<String>), Error> {
        let whole = self.model.graph.as_ref().ok_or_else(|| Error::damaged("the ONNX file holds no graph"))?;
        let (values, nodes) = node::intern(whole, meter)?;
        let graph = Graph::new(&values, &nodes, whole)?;
        let mut nearest = None;
        let mut networks = Vec::new();
        for head in graph.nodes().iter().filter(|node| is_head(&graph, node)).take(MAX_HEADS) {
            if networks.len() > 1 {
                break;
            }
            meter.charge_steps(STEPS_OF_A_WALK)?;
            match walk::network(&graph, head) {
                Ok(found) => networks.push((head, found)),
                Err((depth, mismatch)) if nearest.as_ref().is_none_or(|(most, _)| depth > *most) => {
                    nearest = Some((depth, mismatch));
                }
                Err(_) => {}
            }
        }
        match networks.as_slice() {
            [(head, found)] => {
                let binder = bind::Binder { graph: &graph, model: &self.model, parts, limits, meter };
                Ok((binder.network(found)?, graph.beside(head, found.input)))
            }
            [_, (second, _), ..] => Err(second.mismatch("a second network", "one network in the file").into()),
            [] => match nearest {
                Some((_, mismatch)) => Err(mismatch.into()),
                None => Err(no_head(&graph, whole)),
            },
        }
    }
}

/// Whether a node may be the network's last: a convolution 1x1 behind a ReLU.
fn is_head<'m>(graph: &Graph<'m>, node: &'m Node<'m>) -> bool {
    let after_relu = || graph.maker(node.input(0)).is_some_and(|node| node.is(&["Relu"]));
    node.is(&["Conv"]) && graph.kernel(node) == Some(1) && after_relu()
}

/// No node could be the network's last: the node that differs is the one that makes the graph's first output.
fn no_head<'m>(graph: &Graph<'m>, whole: &schema::Graph<'m>) -> Error {
    let output = whole.outputs.first().and_then(|output| graph.value(output));
    match output.and_then(|output| graph.maker(output)) {
        Some(node) => node.mismatch(node.op_type(), "a convolution 1x1 behind a Relu").into(),
        None => Error::damaged("the ONNX graph has no output that a node makes"),
    }
}
