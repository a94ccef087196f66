//! Finds the U-Net in an ONNX graph by the graph's structure.

mod bind;
mod layers;
mod walk;

use cytoshade_core::Network;
use cytoshade_safe_io::Meter;

use crate::external::ExternalData;
use crate::onnx::{Graph, Model, Node};
use crate::{Error, ReadLimits};

/// Maximum number of candidates for the network's last node.
///
/// Exports have a handful; a hostile graph may have thousands, each with a long walk.
const MAX_HEADS: usize = 256;
/// Maximum number of nodes in one walk: 8 levels of some 40 nodes, each with pass-through nodes.
const STEPS_OF_A_WALK: u64 = 1000;

/// The network in a graph, and the kinds of nodes outside it.
///
/// # Errors
/// [`Error::Graph`] with the first differing node of the closest match, and those of reading the weights.
pub(crate) fn network<'m>(
    graph: &Graph<'m>,
    model: &'m Model<'m>,
    parts: &ExternalData,
    limits: &ReadLimits,
    meter: &mut Meter,
) -> Result<(Network, Vec<String>), Error> {
    let mut nearest = None;
    let mut networks = Vec::new();
    for head in graph.nodes().iter().filter(|node| is_head(graph, node)).take(MAX_HEADS) {
        if networks.len() > 1 {
            break;
        }
        meter.charge_steps(STEPS_OF_A_WALK)?;
        match walk::network(graph, head) {
            Ok(found) => networks.push((head, found)),
            Err((depth, mismatch)) if nearest.as_ref().is_none_or(|(most, _)| depth > *most) => {
                nearest = Some((depth, mismatch));
            }
            Err(_) => {}
        }
    }
    match networks.as_slice() {
        [(head, found)] => {
            let binder = bind::Binder { graph, model, parts, limits, meter };
            Ok((binder.network(found)?, graph.beside(head, found.input)))
        }
        [_, (second, _), ..] => Err(second.mismatch("a second network", "one network in the file").into()),
        [] => match nearest {
            Some((_, mismatch)) => Err(mismatch.into()),
            None => Err(no_head(graph)),
        },
    }
}

/// Whether a node may be the network's last: a 1x1 convolution after a ReLU.
fn is_head<'m>(graph: &Graph<'m>, node: &'m Node<'m>) -> bool {
    let after_relu = || graph.maker(node.input(0)).is_some_and(|node| node.is(&["Relu"]));
    node.is(&["Conv"]) && graph.kernel(node) == Some(1) && after_relu()
}

/// The error if no node can be the network's last. It names the node of the graph's first output.
fn no_head(graph: &Graph<'_>) -> Error {
    match graph.maker(graph.output()) {
        Some(node) => node.mismatch(node.op_type(), "a convolution 1x1 behind a Relu").into(),
        None => Error::damaged("the ONNX graph has no output that a node makes"),
    }
}
