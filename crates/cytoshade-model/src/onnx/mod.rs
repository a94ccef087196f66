//! ONNX exports of a network.
//!
//! The decoder reads only the fields in its schema. The weights are found by the structure of the graph, not by names,
//! which exporters and simplifiers change: a graph whose edges match the network computes the network's function. Other
//! nodes are ignored.

mod decode;
mod graph;
mod node;
mod parts;
mod schema;
mod tensor_data;
mod wire;

use cytoshade_core::Network;
use cytoshade_safe_io::{Meter, printable};

use crate::arch::unet;
use crate::external::ExternalData;
use crate::{Error, LoadOptions, ReadLimits};
pub(crate) use graph::Graph;
pub(crate) use node::{Mismatch, Node, Value};
pub(crate) use schema::Model;

/// The network in an ONNX file, with what its [`Origin`](crate::Origin) states.
pub(crate) struct OnnxFile {
    pub(crate) network: Network,
    /// Names of the parts beside the file that were read, printable.
    pub(crate) parts: Vec<String>,
    /// The nodes beside the network, in words.
    pub(crate) ignored: Vec<String>,
}

/// Reads the network in an ONNX file; `find` gives the parts beside it that the options do not hold.
pub(crate) fn read(
    bytes: &[u8],
    options: &LoadOptions,
    meter: &mut Meter,
    find: impl FnMut(&str) -> Result<Vec<u8>, Error>,
) -> Result<OnnxFile, Error> {
    let limits = &options.limits;
    let model = Onnx::decode(bytes, limits, meter)?;
    let parts = parts::gather(model.external(), options, find)?;
    let beside: u64 = parts.values().map(|part| part.len() as u64).sum();
    meter.extend(beside, &limits.cost);
    let (network, ignored) = model.network(&parts, limits, meter)?;
    Ok(OnnxFile { network, parts: parts.keys().map(printable).collect(), ignored })
}

/// A decoded model, whose weights may still lie beside it.
struct Onnx<'m> {
    model: Model<'m>,
}

impl<'m> Onnx<'m> {
    fn decode(bytes: &'m [u8], limits: &ReadLimits, meter: &mut Meter) -> Result<Self, Error> {
        Ok(Self { model: decode::model(bytes, limits, meter)? })
    }

    /// Names of the parts that hold weights, as the file states them.
    fn external(&self) -> impl Iterator<Item = &str> {
        let initializers = self.model.graph.iter().flat_map(|graph| &graph.initializers);
        initializers.filter(|tensor| tensor.is_external()).filter_map(|tensor| tensor.external("location"))
    }

    /// The network in the graph, and the other nodes in it, in words.
    fn network(
        &self,
        parts: &ExternalData,
        limits: &ReadLimits,
        meter: &mut Meter,
    ) -> Result<(Network, Vec<String>), Error> {
        let whole = self.model.graph.as_ref().ok_or_else(|| Error::damaged("the ONNX file holds no graph"))?;
        let (values, nodes) = node::intern(whole, meter)?;
        // The U-Net is the only architecture recognised in a graph.
        unet::onnx::network(&Graph::new(&values, &nodes, whole)?, &self.model, parts, limits, meter)
    }
}
