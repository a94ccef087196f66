//! ONNX exports of a network.
//!
//! The decoder reads only the fields in its schema. The weights are found by the structure of the graph, not by names,
//! which exporters and simplifiers change: a graph whose edges match the network computes the network's function. Other
//! nodes are ignored.

mod decode;
mod graph;
mod node;
mod schema;
mod tensor_data;
mod wire;

use cytoshade_core::Network;
use cytoshade_pickle::Meter;

use crate::arch::unet;
use crate::external::ExternalData;
use crate::{Error, ReadLimits};
pub(crate) use graph::Graph;
pub(crate) use node::{Mismatch, Node, Value};
pub(crate) use schema::Model;

/// Whether the bytes begin as an ONNX file: field 1, the version of the format.
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=0x7f, ..])
}

/// A decoded model. Its weights may be in external files.
pub(crate) struct Onnx<'m> {
    model: Model<'m>,
}

impl<'m> Onnx<'m> {
    pub(crate) fn decode(bytes: &'m [u8], limits: &ReadLimits, meter: &mut Meter) -> Result<Self, Error> {
        Ok(Self { model: decode::model(bytes, limits, meter)? })
    }

    /// Names of the external files with weights, as stated in the model.
    pub(crate) fn external(&self) -> impl Iterator<Item = &str> {
        let initializers = self.model.graph.iter().flat_map(|graph| &graph.initializers);
        initializers.filter(|tensor| tensor.is_external()).filter_map(|tensor| tensor.external("location"))
    }

    /// The network in the graph, and a description of the other nodes.
    pub(crate) fn network(
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
