//! Tensors by name: the result of every reader.

use std::collections::BTreeMap;

use cytoshade_safe_io::{Meter, ValueLimits, printable, reserve};
use half::{bf16, f16};

use crate::Error;

/// A tensor as f32, whatever its type in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Length of each dimension.
    pub shape: Vec<usize>,
    /// Finite values in row-major order, as many as the shape has elements.
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

/// Checks a tensor's shape and charges its values, before any of them is read. The number of elements.
pub(crate) fn charge(shape: &[u64], limits: &ValueLimits, meter: &mut Meter) -> Result<usize, Error> {
    let elements = limits.elements(shape)?;
    meter.charge_values::<f32>(elements)?;
    Ok(elements)
}

/// A floating-point type, stored little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Float {
    #[cfg(any(feature = "torch", feature = "onnx"))]
    F64,
    F32,
    F16,
    Bf16,
}

impl Float {
    /// Bytes of a number.
    pub(crate) fn size(self) -> usize {
        match self {
            #[cfg(any(feature = "torch", feature = "onnx"))]
            Float::F64 => 8,
            Float::F32 => 4,
            Float::F16 | Float::Bf16 => 2,
        }
    }

    /// Decodes the numbers in `bytes` as f32; drops an incomplete last one. The caller has charged them.
    pub(crate) fn decode(self, bytes: &[u8]) -> Result<Vec<f32>, Error> {
        let mut values = reserve(bytes.len() / self.size())?;
        match self {
            #[cfg(any(feature = "torch", feature = "onnx"))]
            Float::F64 => values.extend(bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b) as f32)),
            Float::F32 => values.extend(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b))),
            Float::F16 => values.extend(bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32())),
            Float::Bf16 => values.extend(bytes.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32())),
        }
        Ok(values)
    }
}
