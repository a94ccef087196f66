//! The safetensors container: 8 bytes of header length, a JSON header, the values.

use std::collections::BTreeMap;

use cytoshade_pickle::printable;
use safetensors::{Dtype, SafeTensors};

use crate::budget::Budget;
use crate::tensor::{Float, Tensor, Tensors};
use crate::tensor_filter::TensorFilter;
use crate::{Error, ReadLimits};

/// Entries of a file's metadata that are kept.
const METADATA: usize = 64;

/// Whether the bytes begin as a safetensors file does: a header length and an opening brace.
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{')
}

/// The network's tensors as f32, and what was left alone.
pub(crate) fn read(bytes: &[u8], limits: &ReadLimits, budget: &mut Budget) -> Result<(Tensors, Vec<String>), Error> {
    let header: Option<[u8; 8]> = bytes.get(..8).and_then(|length| length.try_into().ok());
    let header = u64::from_le_bytes(header.ok_or_else(|| Error::damaged("it ends inside its header's length"))?);
    // The limit first: only then is the header parsed, which costs memory in proportion to its length.
    limits.check_header(header)?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| Error::damaged(printable(&error.to_string())))?;
    limits.check_tensors(file.len() as u64)?;
    let mut tensors = Tensors::new();
    let mut tensor_filter = TensorFilter::among(&file.names())?;
    for (name, view) in file.iter() {
        let Some(own) = tensor_filter.own(name) else { continue };
        let float = match view.dtype() {
            Dtype::F32 => Float::F32,
            Dtype::F16 => Float::F16,
            Dtype::BF16 => Float::Bf16,
            other => return Err(Error::Type { name: printable(name), found: format!("{other:?}") }),
        };
        let shape: Vec<u64> = view.shape().iter().map(|&size| size as u64).collect();
        budget.spend_values(limits.elements(&shape)?)?;
        let tensor = Tensor::new(name, view.shape().to_vec(), float.decode(view.data()))?;
        tensors.insert(own.to_string(), tensor);
    }
    Ok((tensors, tensor_filter.ignored()))
}

/// What a file that was read says of itself, printable and shortened.
pub(crate) fn metadata(bytes: &[u8]) -> BTreeMap<String, String> {
    let metadata = SafeTensors::read_metadata(bytes).ok().and_then(|(_, header)| header.metadata().clone());
    let entries: BTreeMap<_, _> = metadata.unwrap_or_default().into_iter().collect();
    entries.iter().take(METADATA).map(|(key, value)| (printable(key), printable(value))).collect()
}
