//! The safetensors container: 8 bytes of header length, a JSON header, the values.

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

use crate::error::printable;
use crate::state_dict::is_bookkeeping;
use crate::tensor::{Tensor, Tensors};
use crate::{Error, ReadLimits};

/// Whether the bytes begin as a safetensors file does: a header length and an opening brace.
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{')
}

/// Every float tensor of the file, as f32.
pub(crate) fn read(bytes: &[u8], limits: &ReadLimits) -> Result<Tensors, Error> {
    let header: Option<[u8; 8]> = bytes.get(..8).and_then(|length| length.try_into().ok());
    let header = u64::from_le_bytes(header.ok_or_else(|| damaged("it ends inside its header's length"))?);
    // The limit first: only then is the header parsed, which costs memory in proportion to its length.
    limits.check_header(header)?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(&printable(&error.to_string())))?;
    limits.check_tensors(file.len() as u64)?;
    let mut tensors = Tensors::new();
    for (name, view) in file.iter() {
        // Integer bookkeeping of the BatchNorm layers has no part in the network.
        if is_bookkeeping(name) {
            continue;
        }
        let data = view.data();
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => data.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
            Dtype::F16 => data.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
            Dtype::BF16 => data.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32()).collect(),
            other => return Err(Error::Type { name: printable(name), found: format!("{other:?}") }),
        };
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite { name: printable(name), value: values[index], index });
        }
        tensors.insert(name.to_string(), Tensor { shape: view.shape().to_vec(), values });
    }
    Ok(tensors)
}

fn damaged(reason: &str) -> Error {
    Error::Damaged { reason: reason.into() }
}
