//! The safetensors container: 8 bytes of header length, a JSON header, the values.

use std::collections::BTreeMap;

use cytoshade_safe_io::{Meter, printable, quoted};
use safetensors::{Dtype, SafeTensors};

use crate::tensor::{Float, Tensor, Tensors, charge};
use crate::tensor_filter::{TensorFilter, Wanted};
use crate::{Error, ReadLimits};

/// Maximum number of metadata entries to keep.
const METADATA: usize = 64;

/// Whether the bytes begin as a safetensors file: a header length and an opening brace.
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{')
}

/// The tensors as f32, and descriptions of the ignored entries.
pub(crate) fn read(
    bytes: &[u8],
    wanted: Wanted,
    limits: &ReadLimits,
    meter: &mut Meter,
) -> Result<(Tensors, Vec<String>), Error> {
    charge_header(bytes, limits, meter)?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| Error::damaged(quoted(error.to_string())))?;
    limits.check_tensors(file.len() as u64)?;
    let mut filter = TensorFilter::among(&file.names(), wanted)?;
    let mut views = Vec::new();
    for (name, view) in file.iter() {
        limits.values.check_key(name.len())?;
        let Some(own) = filter.own(name) else { continue };
        limits.values.check_dimensions(view.shape().len())?;
        let shape: Vec<u64> = view.shape().iter().map(|&size| size as u64).collect();
        charge(&shape, &limits.values, meter)?;
        views.push((own, view));
    }
    filter.check()?;
    let mut tensors = Tensors::new();
    for (own, view) in views {
        let float = match view.dtype() {
            Dtype::F32 => Float::F32,
            Dtype::F16 => Float::F16,
            Dtype::BF16 => Float::Bf16,
            other => return Err(Error::Type { name: printable(own), found: format!("{other:?}") }),
        };
        let tensor = Tensor::new(own, view.shape().to_vec(), float.decode(view.data())?)?;
        tensors.insert(own.to_string(), tensor);
    }
    Ok((tensors, filter.ignored()))
}

/// Checks the header's length and charges its parsing.
///
/// A string becomes an allocation and a map entry, a digit a number of 8 bytes in a growing vector.
fn charge_header(bytes: &[u8], limits: &ReadLimits, meter: &mut Meter) -> Result<(), Error> {
    let (length, rest) =
        bytes.split_first_chunk().ok_or_else(|| Error::damaged("it ends inside its header's length"))?;
    let length = u64::from_le_bytes(*length);
    limits.check_header(length)?;
    let header = &rest[..rest.len().min(length as usize)];
    meter.charge_scan(header.len())?;
    let cost = header.iter().map(|byte| match byte {
        b'"' => 32,
        b',' | b'[' | b'{' => 16,
        _ => 0,
    });
    Ok(meter.charge::<u8>(cost.sum())?)
}

/// The metadata of a file, printable and shortened.
pub(crate) fn metadata(bytes: &[u8]) -> BTreeMap<String, String> {
    let metadata = SafeTensors::read_metadata(bytes).ok().and_then(|(_, header)| header.metadata().clone());
    let entries: BTreeMap<_, _> = metadata.unwrap_or_default().into_iter().collect();
    entries.iter().take(METADATA).map(|(key, value)| (printable(key), printable(value))).collect()
}
