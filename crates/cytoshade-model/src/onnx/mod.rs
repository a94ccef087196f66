//! ONNX exports of a network.
//!
//! The file is decoded with a schema of the fields that are read. The weights are found by the structure of the graph and
//! not by names, which exporters and simplifiers change: a graph whose edges match a network computes what the network
//! computes. Other nodes are ignored.

mod graph;
mod schema;
mod tensor_data;
mod wire;

use cytoshade_core::Network;
use cytoshade_pickle::printable;
use prost::Message;
use prost::bytes::Bytes;

use crate::arch::unet;
use crate::budget::Budget;
use crate::external::ExternalData;
use crate::{Error, ReadLimits};
pub(crate) use graph::{Graph, Mismatch};
pub(crate) use schema::{Model, Node};

/// Whether the bytes begin as ONNX files do: field 1, the version of the format.
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=0x7f, ..])
}

/// A decoded model, whose weights may still lie beside it.
pub(crate) struct Onnx {
    model: Model,
}

impl Onnx {
    pub(crate) fn decode(bytes: &[u8], limits: &ReadLimits, budget: &mut Budget) -> Result<Self, Error> {
        wire::spend(bytes, limits, budget)?;
        budget.spend(bytes.len() as u64)?;
        let model = Model::decode(Bytes::copy_from_slice(bytes));
        let model = model.map_err(|error| Error::damaged(printable(&error.to_string())))?;
        Ok(Self { model })
    }

    /// Names of the parts that hold weights, as the file states them.
    pub(crate) fn external(&self) -> impl Iterator<Item = &str> {
        let initializers = self.model.graph.iter().flat_map(|graph| &graph.initializers);
        initializers.filter(|tensor| tensor.is_external()).filter_map(|tensor| tensor.external("location"))
    }

    /// The network in the graph, and what else is in it.
    pub(crate) fn network(
        &self,
        parts: &ExternalData,
        limits: &ReadLimits,
        budget: &mut Budget,
    ) -> Result<(Network, Vec<String>), Error> {
        let whole = self.model.graph.as_ref().ok_or_else(|| Error::damaged("the ONNX file holds no graph"))?;
        // The U-Net is the only architecture that is recognised by its graph.
        unet::onnx::network(&Graph::new(whole)?, &self.model, parts, limits, budget)
    }
}
