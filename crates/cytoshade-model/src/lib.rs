//! Untrusted model bytes to checked weights.
//!
//! [`load`] takes bytes, [`read_file`] reads them from a path under a size cap and demands a hash where one is given.
//! Nothing in a file is ever executed, every length is checked against the bytes that are there, and whatever is wrong
//! ends in an [`Error`] that names it.
//!
//! The tensors are those of the published state dicts (the reference's `CPnet.save_model`), as safetensors or as a torch
//! file (zip or legacy form), told apart by content. Channel counts, number of levels, `diam_mean` and `diam_labels` are
//! read off the tensors.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod budget;
mod error;
mod input;
mod integrity;
mod limits;
mod pickle;
mod safetensors_file;
mod state_dict;
mod tensor;
mod torch_file;
mod zip_archive;

use budget::Budget;
use cytoshade_core::Network;

pub use error::{Error, Problem};
pub use integrity::Sha256;
#[cfg(not(target_arch = "wasm32"))]
pub use limits::read_file;
pub use limits::{LoadOptions, ReadLimits};

/// The network in the bytes of a model file.
///
/// # Errors
/// [`Error::Hash`] where the bytes do not have the hash that `options` demands (checked before anything is parsed),
/// [`Error::UnknownFormat`], and whatever is wrong with the file or with the network in it.
pub fn load(bytes: &[u8], options: &LoadOptions) -> Result<Network, Error> {
    options.limits.check_file(bytes.len() as u64)?;
    if let Some(expected) = options.sha256 {
        let found = Sha256::of(bytes);
        if found != expected {
            return Err(Error::Hash { found, expected });
        }
    }
    let limits = &options.limits;
    let mut budget = Budget::new(bytes.len() as u64, limits);
    let tensors = if safetensors_file::recognizes(bytes) {
        safetensors_file::read(bytes, limits, &mut budget)?
    } else if torch_file::recognizes_zip(bytes) || torch_file::recognizes_legacy(bytes) {
        torch_file::read(bytes, limits, &mut budget)?
    } else {
        return Err(Error::UnknownFormat { looks_like: looks_like(bytes) });
    };
    state_dict::network(tensors)
}

/// What an unknown file seems to be, for the error message.
fn looks_like(bytes: &[u8]) -> &'static str {
    let start = |magic: &[u8]| bytes.starts_with(magic);
    if bytes.is_empty() {
        "an empty file"
    } else if start(b"\x80") {
        "a Python pickle, but not of torch.save"
    } else if start(b"\x08") {
        "a protocol buffer, perhaps an ONNX file"
    } else if start(b"\x93NUMPY") {
        "a numpy array"
    } else if start(b"\x89PNG") || start(b"II*\0") || start(b"MM\0*") || start(b"\xff\xd8\xff") {
        "an image"
    } else if start(b"<") {
        "a web page"
    } else if start(b"version https://git-lfs") {
        "a git LFS pointer: fetch the real file"
    } else {
        "nothing that is known here"
    }
}
