//! Reads untrusted model files into checked weights.
//!
//! [`load`] takes bytes, `load_path` a path; `read_file` reads bytes under a size limit. A hash in [`LoadOptions`] is
//! checked against the same bytes that are then parsed. [`PUBLISHED`] lists the published models and their hashes, and
//! [`convert`] writes any readable model as safetensors.
//!
//! Nothing in a file is ever executed. Every length is checked against the available bytes, one [`Meter`] bounds the
//! memory and the work of the whole file, and every fault is an [`Error`] with its cause.
//!
//! The tensors are those of the published state dicts (the reference's `CPnet.save_model`), in safetensors or a torch
//! file (zip or legacy form). In an ONNX export they are found by the graph's structure. Formats are distinguished by
//! content. Channel counts, number of levels, `diam_mean` and `diam_labels` follow from the tensors.
//!
//! A program with an architecture of its own reads a file's tensors with [`load_tensors`] and makes a
//! [`Network`] of them with [`Network::new`].
//!
//! # Features
//!
//! | feature | default | reads |
//! |---|---|---|
//! | `torch` | yes | torch files and size models |
//! | `onnx` | yes | ONNX exports |
//!
//! Every build reads and writes safetensors. A file of a format that the build lacks ends in [`Error::NotBuilt`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod arch;
#[cfg(feature = "torch")]
mod by_name;
#[cfg(not(target_arch = "wasm32"))]
mod detect;
mod error;
mod external;
mod first_names;
mod format;
mod integrity;
mod limits;
#[cfg(not(all(feature = "torch", feature = "onnx")))]
mod not_built;
#[cfg(feature = "onnx")]
mod onnx;
mod origin;
mod published;
mod safetensors_file;
mod save;
mod size_model;
#[cfg(feature = "torch")]
mod size_model_file;
mod tensor;
mod tensor_filter;
#[cfg(feature = "torch")]
mod torch_file;
#[cfg(feature = "torch")]
mod zip_archive;

use cytoshade_core::Network;
use external::not_given;
#[cfg(not(feature = "onnx"))]
use not_built::onnx;
#[cfg(not(feature = "torch"))]
use not_built::{size_model_file, torch_file};
use onnx::OnnxFile;
use tensor_filter::Wanted;

pub use cytoshade_safe_io::{CostLimits, Meter, Redacted, ValueLimits};
#[cfg(not(target_arch = "wasm32"))]
pub use detect::{AnyModel, load_any_path};
pub use error::{Error, Problem};
pub use external::ExternalData;
pub use format::Format;
pub use integrity::Sha256;
#[cfg(not(target_arch = "wasm32"))]
pub use limits::read_file;
pub use limits::{LoadOptions, ReadLimits};
pub use origin::{Identity, Origin};
pub use published::{Kind, PUBLISHED, Published};
#[cfg(not(target_arch = "wasm32"))]
pub use save::convert_path;
pub use save::{Converted, SaveOptions, convert, to_safetensors};
#[cfg(not(target_arch = "wasm32"))]
pub use size_model::load_size_model_path;
pub use size_model::{SizeModel, load_size_model};
pub use tensor::{Tensor, Tensors};

/// Loads a network from the bytes of a model file.
///
/// # Errors
/// [`Error::Hash`] if the bytes do not have the hash in `options` (checked before anything is parsed),
/// [`Error::UnknownFormat`], [`Error::NotBuilt`] for a format that this build does not read, and those of the file's format
/// and of the network in it.
pub fn load(bytes: &[u8], options: &LoadOptions) -> Result<Network, Error> {
    load_metered(bytes, options, &mut options.limits.cost.meter(bytes.len() as u64))
}

/// [`load`] on the caller's meter. One meter can bound several files.
///
/// # Errors
/// Those of [`load`].
pub fn load_metered(bytes: &[u8], options: &LoadOptions, meter: &mut Meter) -> Result<Network, Error> {
    read_metered(bytes, Wanted::Network, options, meter, not_given)?.only_network()
}

/// Loads the tensors of a safetensors or torch file, by name and as f32.
///
/// For programs with their own architecture. The file is read like in [`load`], under the same limits. If the names
/// contain a known network, only its tensors are returned, without a common prefix.
///
/// # Errors
/// [`Error::NoTensors`] for an ONNX file, and the errors of [`load`] that concern the file.
pub fn load_tensors(bytes: &[u8], options: &LoadOptions) -> Result<Tensors, Error> {
    if Format::detect(bytes) == Some(Format::Onnx) {
        return Err(Error::NoTensors);
    }
    let meter = &mut options.limits.cost.meter(bytes.len() as u64);
    match read_metered(bytes, Wanted::Tensors, options, meter, not_given)?.contents {
        Contents::Tensors(tensors) => Ok(tensors),
        Contents::Network(_) => Err(Error::NoTensors),
    }
}

/// [`load`] with the network's [`Origin`].
///
/// # Errors
/// Those of [`load`].
pub fn load_with_origin(bytes: &[u8], options: &LoadOptions) -> Result<(Network, Origin), Error> {
    read(bytes, options, not_given)?.network(bytes, options)
}

/// Loads a network from a model file.
///
/// The file is read once: the hashed bytes are the parsed bytes. External files of an ONNX model are read from its own
/// folder, by plain names (no folders, no links), within the same limits.
///
/// # Errors
/// [`Error::Io`], [`Error::External`], and those of [`load`].
#[cfg(not(target_arch = "wasm32"))]
pub fn load_path(path: &std::path::Path, options: &LoadOptions) -> Result<Network, Error> {
    let bytes = read_file(path, &options.limits)?;
    read(&bytes, options, external::beside(path, bytes.len(), &options.limits))?.only_network()
}

/// [`load_path`] with the network's [`Origin`].
///
/// # Errors
/// Those of [`load_path`].
#[cfg(not(target_arch = "wasm32"))]
pub fn load_path_with_origin(path: &std::path::Path, options: &LoadOptions) -> Result<(Network, Origin), Error> {
    let bytes = read_file(path, &options.limits)?;
    let find = external::beside(path, bytes.len(), &options.limits);
    read(&bytes, options, find)?.network(&bytes, options)
}

/// The contents of a file: tensors that may form a network, or the network found in a graph.
enum Contents {
    Tensors(Tensors),
    Network(Network),
}

/// A parsed file.
struct Opened {
    contents: Contents,
    format: Format,
    parts: Vec<String>,
    ignored: Vec<String>,
}

impl Opened {
    fn only_network(self) -> Result<Network, Error> {
        match self.contents {
            Contents::Tensors(tensors) => arch::network(tensors),
            Contents::Network(network) => Ok(network),
        }
    }

    /// The network with its origin. `bytes` are the file's, `options` those it was read with.
    fn network(mut self, bytes: &[u8], options: &LoadOptions) -> Result<(Network, Origin), Error> {
        let (parts, ignored) = (std::mem::take(&mut self.parts), std::mem::take(&mut self.ignored));
        let format = self.format;
        let network = self.only_network()?;
        Ok((network, Origin::new(bytes, options.sha256, format, parts, ignored)))
    }

    /// A copy of the tensors, if the file holds tensors.
    fn tensors(&self) -> Option<Tensors> {
        match &self.contents {
            Contents::Tensors(tensors) => Some(tensors.clone()),
            Contents::Network(_) => None,
        }
    }
}

/// Parses a file; `find` returns external files of an ONNX model that the options do not contain.
fn read(
    bytes: &[u8],
    options: &LoadOptions,
    find: impl FnMut(&str) -> Result<Vec<u8>, Error>,
) -> Result<Opened, Error> {
    read_metered(bytes, Wanted::Network, options, &mut options.limits.cost.meter(bytes.len() as u64), find)
}

fn read_metered(
    bytes: &[u8],
    wanted: Wanted,
    options: &LoadOptions,
    meter: &mut Meter,
    find: impl FnMut(&str) -> Result<Vec<u8>, Error>,
) -> Result<Opened, Error> {
    let limits = &options.limits;
    limits.check_file(bytes.len() as u64)?;
    if let Some(expected) = options.sha256 {
        integrity::check(bytes, expected)?;
    }
    let format = Format::detect(bytes).ok_or_else(|| Error::UnknownFormat { looks_like: looks_like(bytes) })?;
    let (tensors, ignored) = match format {
        Format::Safetensors => safetensors_file::read(bytes, wanted, limits, meter)?,
        Format::TorchZip => torch_file::read_zip(bytes, wanted, limits, meter)?,
        Format::TorchLegacy => torch_file::read_legacy(bytes, wanted, limits, meter)?,
        Format::Onnx => {
            let OnnxFile { network, parts, ignored } = onnx::read(bytes, options, meter, find)?;
            return Ok(Opened { contents: Contents::Network(network), format, parts, ignored });
        }
    };
    Ok(Opened { contents: Contents::Tensors(tensors), format, parts: Vec::new(), ignored })
}

/// The kind of file that unknown bytes resemble, for the error message.
fn looks_like(bytes: &[u8]) -> &'static str {
    let start = |magic: &[u8]| bytes.starts_with(magic);
    if bytes.is_empty() {
        "an empty file"
    } else if start(b"\x80") {
        "a Python pickle, but not of torch.save"
    } else if start(format::NUMPY) {
        "a numpy array"
    } else if start(b"\x89PNG") || start(b"II*\0") || start(b"MM\0*") || start(b"\xff\xd8\xff") {
        "an image"
    } else if start(b"<") {
        "a web page"
    } else if start(b"version https://git-lfs") {
        "a git LFS pointer: fetch the real file"
    } else {
        "no known format"
    }
}
