//! Tensors by name: the result of every reader.

use std::collections::BTreeMap;

use cytoshade_pickle::printable;
use half::{bf16, f16};

use crate::Error;

/// A tensor as f32, whatever the file stores.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Length of each dimension.
    pub shape: Vec<usize>,
    /// Finite values in row-major order, as many as the shape holds.
    pub values: Vec<f32>,
}

/// Tensors by their names.
pub type Tensors = BTreeMap<String, Tensor>;

impl Tensor {
    /// A tensor whose values are finite.
    pub(crate) fn new(name: &str, shape: Vec<usize>, values: Vec<f32>) -> Result<Self, Error> {
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(Error::NotFinite { name: printable(name), value: values[index], index }),
            None => Ok(Self { shape, values }),
        }
    }
}

/// How a floating-point number is stored, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Float {
    F64,
    F32,
    F16,
    Bf16,
}

impl Float {
    /// Bytes of a number.
    pub(crate) fn size(self) -> usize {
        match self {
            Float::F64 => 8,
            Float::F32 => 4,
            Float::F16 | Float::Bf16 => 2,
        }
    }

    /// The numbers in `bytes`, as f32; what is left over at the end is left out.
    pub(crate) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Float::F64 => bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b) as f32).collect(),
            Float::F32 => bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
            Float::F16 => bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
            Float::Bf16 => bytes.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32()).collect(),
        }
    }
}
