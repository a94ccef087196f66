//! How much of a file is believed.

use std::collections::BTreeMap;
use std::fmt;

use crate::external::ExternalData;
use crate::{Error, Sha256};

/// How a model is loaded.
#[derive(Clone, Default)]
pub struct LoadOptions {
    /// The hash that the bytes must have, checked before they are parsed. `None` (the default) takes any.
    pub sha256: Option<Sha256>,
    /// Parts that an ONNX model keeps beside itself, by the name that it gives them (`model.onnx.data`). Empty by
    /// default; [`crate::load_path`] reads those that are missing here from the model's own folder.
    pub external: ExternalData,
    /// The hashes that such parts must have. Where [`LoadOptions::sha256`] is demanded, every part that is used needs
    /// its hash here: otherwise the weights would be anybody's. Empty by default.
    pub external_sha256: BTreeMap<String, Sha256>,
    /// Limits on what is read and allocated.
    pub limits: ReadLimits,
}

impl fmt::Debug for LoadOptions {
    /// Of the parts how many there are and their bytes together: neither what is in them nor what they are called.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sha256, external, external_sha256, limits } = self;
        let bytes: usize = external.values().map(|part| part.len()).sum();
        f.debug_struct("LoadOptions")
            .field("sha256", sha256)
            .field("external", &format_args!("{} parts of {bytes} bytes", external.len()))
            .field("external_sha256", &format_args!("{} hashes", external_sha256.len()))
            .field("limits", limits)
            .finish()
    }
}

/// Limits on what is read and allocated for a model file.
///
/// Each is checked before the memory or time that it stands for is spent. Channels in a layer (4096) and levels of
/// the U-Net (8) are limited by `cytoshade_core::arch::unet::UNet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Bytes of the file, and of all its external parts together. Default 1 GiB; the published networks have 26 MB.
    pub file_bytes: u64,
    /// Bytes of the header that lists the tensors. Default 4 MiB; the published networks' has 35 kB.
    pub header_bytes: u64,
    /// Tensors. Default 4096; the published networks have 313.
    pub tensors: u64,
    /// Dimensions of a tensor. Default 8; networks have up to 4.
    pub dimensions: u64,
    /// Elements of a tensor. Default 2^28; the published networks have up to 589,824.
    pub elements: u64,
    /// Bytes of everything that is made of the file: weights, unpacked records, decoded messages. Default 2 GiB.
    pub memory_bytes: u64,
    /// Bytes that are made of the file for each byte of it, beyond the first 16 MiB. Default 8: a tensor of f16 becomes
    /// twice its size, and a deflated record is kept beside its weights.
    pub memory_ratio: u64,
    /// Opcodes of a pickle. Default 2^18; the published networks' have about 13,000.
    pub pickle_steps: u64,
    /// Entries of a pickle's memo. Default 2^17; the published networks' have about 4,000.
    pub memo_entries: u64,
    /// Things inside of things: open marks in a pickle, state dicts within dictionaries. Default 64.
    pub nesting: u64,
    /// Bytes of a string or byte string in a pickle. Default 1 MiB; names have up to 60.
    pub string_bytes: u64,
    /// Records of a zip archive. Default 8192; the published networks have one for each tensor and a few more.
    pub zip_entries: u64,
    /// Bytes that a deflated record of a zip archive unpacks to for each byte it has in the file. Default 100; weights
    /// hardly shrink at all.
    pub compression_ratio: u64,
    /// Nodes of an ONNX graph. Default 2^16; exports of the published networks have about 130.
    pub nodes: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            file_bytes: 1 << 30,
            header_bytes: 4 << 20,
            tensors: 4096,
            dimensions: 8,
            elements: 1 << 28,
            memory_bytes: 2 << 30,
            memory_ratio: 8,
            pickle_steps: 1 << 18,
            memo_entries: 1 << 17,
            nesting: 64,
            string_bytes: 1 << 20,
            zip_entries: 8192,
            compression_ratio: 100,
            nodes: 1 << 16,
        }
    }
}

impl ReadLimits {
    pub(crate) fn check_file(&self, found: u64) -> Result<(), Error> {
        check("size in bytes", found, self.file_bytes, "file_bytes")
    }

    pub(crate) fn check_header(&self, found: u64) -> Result<(), Error> {
        check("header's size in bytes", found, self.header_bytes, "header_bytes")
    }

    pub(crate) fn check_tensors(&self, found: u64) -> Result<(), Error> {
        check("number of tensors", found, self.tensors, "tensors")
    }

    pub(crate) fn check_nesting(&self, found: u64) -> Result<(), Error> {
        check("nesting depth", found, self.nesting, "nesting")
    }

    pub(crate) fn check_zip_entries(&self, found: u64) -> Result<(), Error> {
        check("number of zip records", found, self.zip_entries, "zip_entries")
    }

    pub(crate) fn check_compression(&self, packed: u64, unpacked: u64) -> Result<(), Error> {
        let ratio = unpacked.div_ceil(packed.max(1));
        check("compression ratio", ratio, self.compression_ratio, "compression_ratio")
    }

    pub(crate) fn check_nodes(&self, found: u64) -> Result<(), Error> {
        check("number of ONNX nodes", found, self.nodes, "nodes")
    }

    /// The number of elements of a shape, as the limits allow it.
    pub(crate) fn elements(&self, shape: &[u64]) -> Result<usize, Error> {
        Ok(self.pickle().elements(shape)?)
    }

    /// Those that concern pickles, under the same names.
    pub(crate) fn pickle(&self) -> cytoshade_pickle::Limits {
        let &Self { pickle_steps, memo_entries, nesting, string_bytes, dimensions, elements, memory_bytes, .. } = self;
        cytoshade_pickle::Limits {
            pickle_steps,
            memo_entries,
            nesting,
            string_bytes,
            dimensions,
            elements,
            memory_bytes,
        }
    }
}

pub(crate) fn check(what: &'static str, found: u64, limit: u64, field: &'static str) -> Result<(), Error> {
    if found > limit { Err(Error::Limit { what, found, limit, field }) } else { Ok(()) }
}

/// The bytes of a model file, as many as the limits allow.
///
/// The path may be a link; what it leads to must be a regular file, and no pipe, device or folder. Memory is reserved as
/// data arrives, so a growing file cannot take more than the limit.
///
/// # Errors
/// [`Error::Io`] and [`Error::Limit`].
#[cfg(not(target_arch = "wasm32"))]
pub fn read_file(path: &std::path::Path, limits: &ReadLimits) -> Result<Vec<u8>, Error> {
    read(path, cytoshade_safe_io::Links::Follow, limits)
}

/// As [`read_file`], where a link may be refused.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn read(
    path: &std::path::Path,
    links: cytoshade_safe_io::Links,
    limits: &ReadLimits,
) -> Result<Vec<u8>, Error> {
    use std::io::Read;
    let io = |source| Error::Io { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    let file = cytoshade_safe_io::open(path, links).map_err(io)?;
    file.take(limits.file_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    limits.check_file(bytes.len() as u64)?;
    Ok(bytes)
}
