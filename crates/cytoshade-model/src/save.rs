//! Writes networks as safetensors.

use std::collections::BTreeMap;

use cytoshade_core::Network;
use half::f16;
use safetensors::tensor::{Dtype, TensorView};

use crate::tensor::{Tensor, Tensors};
use crate::{Error, Identity, LoadOptions, Opened, Origin, arch};

/// Options for writing a network.
#[derive(Clone, Debug, Default)]
pub struct SaveOptions {
    /// Writes the weights of convolutions and projections as f16, which halves the file.
    ///
    /// Default `false`: f32.
    ///
    /// Biases, BatchNorm and diameters stay f32.
    pub half: bool,
    /// Metadata of the file. Empty by default.
    ///
    /// `diam_mean` and `diam_labels` are added; [`convert`] also adds the source's hash, format and name.
    pub metadata: BTreeMap<String, String>,
}

/// A network from a file, and its safetensors file.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The bytes of the safetensors file. They depend only on the source and the options.
    pub bytes: Vec<u8>,
    /// The network in those bytes: the source's, or rounded to f16.
    pub network: Network,
    /// The source file.
    pub origin: Origin,
}

/// Writes a network as safetensors.
///
/// A [`Network`] holds each BatchNorm as a scale and a shift. They become its weight and bias, with mean 0 and a
/// neutral variance. In f32 the file gives bit-identical outputs, but training should not continue from it. [`convert`]
/// keeps a state dict's own tensors.
///
/// # Errors
/// [`Error::HalfRange`] if a weight is too large for f16, [`Error::NotSaved`] for a network of the program's own
/// architecture.
pub fn to_safetensors(network: &Network, options: &SaveOptions) -> Result<Vec<u8>, Error> {
    write(&arch::tensors(network)?, network, options)
}

/// Converts a model file to safetensors: its own tensors as f32, named as in the state dict.
///
/// BatchNorm's count of batches is omitted, and missing diameters are added. An ONNX graph has no state dict; its
/// network is written as by [`to_safetensors`]. The metadata state the source's SHA-256 and format, and its name if it
/// is a published model. The result is read again before it is returned.
///
/// # Errors
/// Those of [`crate::load`], and [`Error::HalfRange`].
pub fn convert(bytes: &[u8], load: &LoadOptions, save: &SaveOptions) -> Result<Converted, Error> {
    convert_opened(crate::read(bytes, load, crate::not_given)?, bytes, load, save)
}

/// [`convert`] from a path, read once like [`crate::load_path`].
///
/// The metadata also hold the source's file name.
///
/// # Errors
/// Those of [`crate::load_path`], and [`Error::HalfRange`].
#[cfg(not(target_arch = "wasm32"))]
pub fn convert_path(path: &std::path::Path, load: &LoadOptions, save: &SaveOptions) -> Result<Converted, Error> {
    let bytes = crate::read_file(path, &load.limits)?;
    let find = crate::external::beside(path, bytes.len(), &load.limits);
    let mut save = save.clone();
    if let Some(name) = path.file_name() {
        save.metadata.entry("source_name".into()).or_insert_with(|| name.to_string_lossy().into_owned());
    }
    convert_opened(crate::read(&bytes, load, find)?, &bytes, load, &save)
}

fn convert_opened(opened: Opened, source: &[u8], load: &LoadOptions, save: &SaveOptions) -> Result<Converted, Error> {
    let tensors = opened.tensors();
    let (network, origin) = opened.network(source, load)?;
    let mut save = save.clone();
    save.metadata.insert("source_sha256".into(), origin.sha256.to_string());
    save.metadata.insert("source_format".into(), origin.format.to_string());
    if let Identity::Published(published) = origin.identity {
        save.metadata.insert("source_name".into(), published.name.into());
    }
    let bytes = match tensors {
        Some(mut tensors) => {
            arch::complete(&mut tensors, &network);
            write(&tensors, &network, &save)?
        }
        None => to_safetensors(&network, &save)?,
    };
    let limits = LoadOptions { limits: load.limits.clone(), ..LoadOptions::default() };
    let network = crate::load(&bytes, &limits)?;
    Ok(Converted { bytes, network, origin })
}

fn write(tensors: &Tensors, network: &Network, options: &SaveOptions) -> Result<Vec<u8>, Error> {
    let encoded = tensors
        .iter()
        .map(|(name, tensor)| Ok((name.as_str(), encode(name, tensor, options.half)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    let views = encoded
        .iter()
        .zip(tensors.values())
        .map(|((name, (dtype, data)), tensor)| Ok((*name, TensorView::new(*dtype, tensor.shape.clone(), data)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error: safetensors::SafeTensorError| Error::damaged(error.to_string()))?;
    let file = safetensors::serialize(views, None).map_err(|error| Error::damaged(error.to_string()))?;
    let mut metadata = options.metadata.clone();
    metadata.insert("format".into(), "pt".into());
    metadata.insert("diam_mean".into(), network.diam_mean().to_string());
    metadata.insert("diam_labels".into(), network.diam_labels().to_string());
    with_metadata(&file, &metadata).ok_or_else(|| Error::damaged("the header that was written cannot be extended"))
}

fn encode(name: &str, tensor: &Tensor, half: bool) -> Result<(Dtype, Vec<u8>), Error> {
    if !half || tensor.shape.len() < 2 {
        return Ok((Dtype::F32, tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect()));
    }
    let halves: Vec<f16> = tensor.values.iter().map(|&value| f16::from_f32(value)).collect();
    if let Some(index) = halves.iter().position(|value| !value.is_finite()) {
        return Err(Error::HalfRange { name: name.into(), value: tensor.values[index], index });
    }
    Ok((Dtype::F16, halves.iter().flat_map(|value| value.to_le_bytes()).collect()))
}

/// Adds metadata to a file's header.
///
/// The `safetensors` crate orders metadata differently in each run, so the file's hash would vary.
fn with_metadata(file: &[u8], metadata: &BTreeMap<String, String>) -> Option<Vec<u8>> {
    let (length, rest) = file.split_first_chunk()?;
    let (header, data) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let mut extended = format!("{{\"__metadata__\":{},", serde_json::to_string(metadata).ok()?).into_bytes();
    extended.extend(header.strip_prefix(b"{")?.trim_ascii_end());
    extended.resize(extended.len().next_multiple_of(8), b' ');
    Some([&(extended.len() as u64).to_le_bytes()[..], &extended, data].concat())
}
