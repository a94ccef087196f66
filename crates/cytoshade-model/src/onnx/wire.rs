//! What decoding a model will cost, counted on its bytes before it is decoded.
//!
//! A message of two bytes becomes a structure of hundreds, so a small file could ask for much memory. This walk has
//! the same schema as the decoder and makes nothing.

use cytoshade_pickle::Input;

use super::schema;
use crate::budget::Budget;
use crate::{Error, ReadLimits};

/// A message that the decoder knows.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Named,
}

impl Kind {
    /// The message in a field, and the bytes of its structure.
    fn part(self, field: u64) -> Option<(Kind, usize)> {
        Some(match (self, field) {
            (Kind::Model, 7) => (Kind::Graph, size_of::<schema::Graph>()),
            (Kind::Graph, 1) => (Kind::Node, size_of::<schema::Node>()),
            (Kind::Graph, 5) | (Kind::Attribute, 5) => (Kind::Tensor, size_of::<schema::Tensor>()),
            (Kind::Node, 5) => (Kind::Attribute, size_of::<schema::Attribute>()),
            (Kind::Model, 14) | (Kind::Graph, 12) | (Kind::Tensor, 13) => (Kind::Named, size_of::<schema::Entry>()),
            _ => return None,
        })
    }

    /// Bytes in memory for a field of so many bytes that is no message.
    fn leaf(self, field: u64, length: u64) -> u64 {
        let value = match (self, field) {
            // A run of small numbers, of one byte each in the file.
            (Kind::Tensor, 1 | 5 | 7) | (Kind::Attribute, 8) => length.saturating_mul(8),
            // Not copied.
            (Kind::Tensor, 9) | (Kind::Attribute, 4) => 0,
            (Kind::Tensor, 4 | 8 | 10) | (Kind::Attribute, 1 | 7) | (Kind::Node, 1..=4 | 7) | (Kind::Named, 1 | 2) => {
                length
            }
            _ => return 0,
        };
        // The string or vector around it, in a vector that reserves twice what it holds.
        value.saturating_add(48)
    }
}

/// Spends what the model in `bytes` will cost.
pub(super) fn spend(bytes: &[u8], limits: &ReadLimits, budget: &mut Budget) -> Result<(), Error> {
    let mut counts = Counts { nodes: 0, tensors: 0 };
    message(bytes, Kind::Model, &mut counts, limits, budget)
}

struct Counts {
    nodes: u64,
    tensors: u64,
}

/// Recurses no deeper than the schema: model, graph, node, attribute, tensor, entry.
fn message(
    bytes: &[u8],
    kind: Kind,
    counts: &mut Counts,
    limits: &ReadLimits,
    budget: &mut Budget,
) -> Result<(), Error> {
    let mut input = Input::new(bytes, "the ONNX file");
    while !input.is_empty() {
        let key = varint(&mut input)?;
        let (field, wire_type) = (key >> 3, key & 7);
        let payload = match wire_type {
            0 => {
                varint(&mut input)?;
                &[]
            }
            1 => input.take(8)?,
            2 => {
                let length = varint(&mut input)?;
                input.take(length)?
            }
            5 => input.take(4)?,
            other => return Err(Error::damaged(format!("the ONNX file has a field of wire type {other}"))),
        };
        match kind.part(field) {
            Some((part, size)) if wire_type == 2 => {
                counts.nodes += u64::from(matches!(part, Kind::Node));
                counts.tensors += u64::from(matches!(part, Kind::Tensor));
                limits.check_nodes(counts.nodes)?;
                limits.check_tensors(counts.tensors)?;
                // A growing vector reserves twice what it holds.
                budget.spend(2 * size as u64)?;
                message(payload, part, counts, limits, budget)?;
            }
            _ => budget.spend(kind.leaf(field, payload.len() as u64))?,
        }
    }
    Ok(())
}

/// A number of seven bits a byte.
fn varint(input: &mut Input<'_>) -> Result<u64, Error> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = input.u8()?;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Error::damaged("the ONNX file has a number of more than ten bytes"))
}
