//! Values of ONNX tensors: raw bytes, typed numbers, or external data.

use cytoshade_safe_io::{Meter, printable, quoted, reserve};
use half::{bf16, f16};

use super::schema::Tensor;
use crate::external::ExternalData;
use crate::tensor::{Float, charge};
use crate::{Error, ReadLimits};

/// `TensorProto.DataType`.
const FLOAT: i32 = 1;
const INT32: i32 = 6;
const INT64: i32 = 7;
const FLOAT16: i32 = 10;
const DOUBLE: i32 = 11;
const BFLOAT16: i32 = 16;

/// `TensorProto.DataLocation.EXTERNAL`.
const EXTERNAL: i32 = 1;

/// Maximum length of a list of axes, factors or exponents.
pub(super) const FEW: usize = 16;

impl Tensor<'_> {
    /// The shape; `None` if a size is negative.
    pub(crate) fn shape(&self) -> Option<Vec<usize>> {
        self.dims.iter().map(|&size| usize::try_from(size).ok()).collect()
    }

    /// The values of a weight, as f32.
    pub(crate) fn values(
        &self,
        parts: &ExternalData,
        limits: &ReadLimits,
        meter: &mut Meter,
    ) -> Result<Vec<f32>, Error> {
        let shape: Option<Vec<u64>> = self.dims.iter().map(|&size| u64::try_from(size).ok()).collect();
        let shape = shape.ok_or_else(|| self.damaged("has a negative size"))?;
        let elements = charge(&shape, &limits.values, meter)?;
        let values = match self.data_type {
            FLOAT if !self.float_data.is_empty() => self.converted(&self.float_data, elements, |&value| Some(value))?,
            FLOAT16 if !self.int32_data.is_empty() => self
                .converted(&self.int32_data, elements, |&bits| Some(f16::from_bits(bits.try_into().ok()?).to_f32()))?,
            BFLOAT16 if !self.int32_data.is_empty() => self
                .converted(&self.int32_data, elements, |&bits| Some(bf16::from_bits(bits.try_into().ok()?).to_f32()))?,
            DOUBLE if !self.double_data.is_empty() => {
                self.converted(&self.double_data, elements, |&value| Some(value as f32))?
            }
            other => {
                let float = float(other)
                    .ok_or_else(|| Error::Type { name: printable(self.name), found: format!("ONNX's {other}") })?;
                let bytes = self.bytes(parts)?;
                if Some(bytes.len()) != elements.checked_mul(float.size()) {
                    return Err(self.damaged(&format!("has {} bytes for {elements} elements", bytes.len())));
                }
                float.decode(bytes)?
            }
        };
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(Error::NotFinite { name: printable(self.name), value: values[index], index }),
            None => Ok(values),
        }
    }

    /// Converts typed numbers to f32. 16-bit ones are in the low half of an i32.
    fn converted<T>(&self, numbers: &[T], elements: usize, f32: impl Fn(&T) -> Option<f32>) -> Result<Vec<f32>, Error> {
        if numbers.len() != elements {
            return Err(self.damaged(&format!("has {} values for {elements} elements", numbers.len())));
        }
        let mut values = reserve(elements)?;
        for number in numbers {
            values.push(f32(number).ok_or_else(|| self.damaged("has a number of more than 16 bits"))?);
        }
        Ok(values)
    }

    /// A few numbers of any type; `None` if there are none or too many.
    pub(crate) fn few(&self) -> Option<Vec<f64>> {
        let few = |length: usize| (1..=FEW).contains(&length);
        if few(self.int64_data.len()) {
            return Some(self.int64_data.iter().map(|&value| value as f64).collect());
        } else if few(self.float_data.len()) {
            return Some(self.float_data.iter().map(|&value| f64::from(value)).collect());
        } else if few(self.double_data.len()) {
            return Some(self.double_data.clone());
        } else if self.data_type == INT32 && few(self.int32_data.len()) {
            return Some(self.int32_data.iter().map(|&value| f64::from(value)).collect());
        } else if self.data_type == FLOAT16 && few(self.int32_data.len()) {
            return Some(self.int32_data.iter().map(|&bits| f16::from_bits(bits as u16).to_f64()).collect());
        }
        let raw = self.raw_data;
        let values: Vec<f64> = match self.data_type {
            _ if raw.len() > 8 * FEW => return None,
            INT64 => raw.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes) as f64).collect(),
            INT32 => raw.as_chunks().0.iter().map(|&bytes| f64::from(i32::from_le_bytes(bytes))).collect(),
            other => float(other)?.decode(raw).ok()?.into_iter().map(f64::from).collect(),
        };
        few(values.len()).then_some(values)
    }

    /// Whether the values are in an external file.
    pub(crate) fn is_external(&self) -> bool {
        self.data_location == EXTERNAL
    }

    /// The position of the values in an external file: `location`, `offset` or `length`.
    pub(crate) fn external(&self, key: &str) -> Option<&str> {
        self.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value)
    }

    fn bytes<'a>(&'a self, parts: &'a ExternalData) -> Result<&'a [u8], Error> {
        if !self.is_external() {
            return Ok(self.raw_data);
        }
        let name = self.external("location");
        let name = name.ok_or_else(|| self.damaged("is in an external file without a name"))?;
        let number = |key: &str| match self.external(key) {
            None => Ok(None),
            Some(text) => text.parse::<usize>().map(Some).map_err(|_| {
                self.damaged(&format!("has the {key} {} in its external data, expected a number", quoted(text)))
            }),
        };
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        let part = parts.get(name).ok_or_else(|| crate::external::missing(name))?;
        let end = length.map_or(Some(part.len()), |length| offset.checked_add(length));
        let range = end.and_then(|end| part.get(offset..end));
        range.ok_or_else(|| Error::External {
            name: printable(name),
            reason: format!("it has {} bytes; the tensor {} is past its end", part.len(), quoted(self.name)),
        })
    }

    fn damaged(&self, what: &str) -> Error {
        Error::damaged(format!("the ONNX tensor {} {what}", quoted(self.name)))
    }
}

/// Whether a number of `TensorProto.DataType` is a floating-point type.
pub(super) fn is_float(data_type: i32) -> bool {
    float(data_type).is_some()
}

fn float(data_type: i32) -> Option<Float> {
    match data_type {
        FLOAT => Some(Float::F32),
        FLOAT16 => Some(Float::F16),
        BFLOAT16 => Some(Float::Bf16),
        DOUBLE => Some(Float::F64),
        _ => None,
    }
}
