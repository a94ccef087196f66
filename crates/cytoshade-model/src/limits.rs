//! Options for loading a model, and limits on its cost.

use std::collections::BTreeMap;
use std::fmt;

use crate::external::ExternalData;
use crate::{CostLimits, Error, Sha256, ValueLimits};

/// Options for loading a model.
#[derive(Clone, Default)]
pub struct LoadOptions {
    /// The required hash of the bytes, checked before parsing. `None` (the default) accepts any.
    pub sha256: Option<Sha256>,
    /// External files of an ONNX model, by their names in it (`model.onnx.data`). Empty by default.
    ///
    /// [`crate::load_path`] reads missing ones from the model's own folder.
    pub external: ExternalData,
    /// The required hashes of external files. Empty by default.
    ///
    /// With [`LoadOptions::sha256`], every external file in use needs its hash here: otherwise the weights would not be
    /// verified.
    pub external_sha256: BTreeMap<String, Sha256>,
    /// Limits on the bytes read and allocated.
    pub limits: ReadLimits,
}

impl fmt::Debug for LoadOptions {
    /// Prints the number of external files and their total size, without contents and names.
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

/// Limits on the bytes read and allocated for a model file.
///
/// Each is checked before memory or time is spent. `cytoshade_core::arch::unet::UNet` limits the channels of a layer
/// (4096) and the levels (8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Bytes of the file and all its external files together. Default 2 GiB (1 GiB with 32-bit addresses).
    ///
    /// The published U-Nets have 26 MB, Cellpose-SAM 1.2 GB.
    pub file_bytes: u64,
    /// Bytes of the header that lists the tensors. Default 4 MiB; the published networks' has 35 kB.
    pub header_bytes: u64,
    /// Tensors. Default 4096; the published networks have up to 350.
    pub tensors: u64,
    /// Records of a zip archive. Default 8192; the published networks have one per tensor and a few more.
    pub zip_entries: u64,
    /// Unpacked bytes per stored byte of a deflated zip record. Default 100; weights hardly compress.
    pub compression_ratio: u64,
    /// Nodes of an ONNX graph. Default 2^16; exports of the published networks have about 130.
    pub nodes: u64,
    /// Limits on single values: strings, nesting, dimensions and elements of a tensor.
    pub values: ValueLimits,
    /// Limits on the memory and the work of reading the whole file.
    pub cost: CostLimits,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            file_bytes: if cfg!(target_pointer_width = "64") { 2 << 30 } else { 1 << 30 },
            header_bytes: 4 << 20,
            tensors: 4096,
            zip_entries: 8192,
            compression_ratio: 100,
            nodes: 1 << 16,
            values: ValueLimits::default(),
            cost: CostLimits::default(),
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

    #[cfg(feature = "torch")]
    pub(crate) fn check_zip_entries(&self, found: u64) -> Result<(), Error> {
        check("number of zip records", found, self.zip_entries, "zip_entries")
    }

    #[cfg(feature = "torch")]
    pub(crate) fn check_compression(&self, packed: u64, unpacked: u64) -> Result<(), Error> {
        let ratio = unpacked.div_ceil(packed.max(1));
        check("compression ratio", ratio, self.compression_ratio, "compression_ratio")
    }

    #[cfg(feature = "onnx")]
    pub(crate) fn check_nodes(&self, found: u64) -> Result<(), Error> {
        check("number of ONNX nodes", found, self.nodes, "nodes")
    }
}

fn check(what: &'static str, found: u64, limit: u64, field: &'static str) -> Result<(), Error> {
    if found > limit { Err(Error::Limit { what, found, limit, field }) } else { Ok(()) }
}

/// Reads the bytes of a model file, within the limits.
///
/// The path may be a link; its target must be a regular file, not a pipe, device or folder. Memory is reserved as data
/// arrive, so a growing file cannot exceed the limit.
///
/// # Errors
/// [`Error::Io`], [`Error::Limit`] and [`Error::Memory`].
#[cfg(not(target_arch = "wasm32"))]
pub fn read_file(path: &std::path::Path, limits: &ReadLimits) -> Result<Vec<u8>, Error> {
    read(path, cytoshade_safe_io::Links::Follow, limits)
}

/// [`read_file`] that can refuse links.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn read(
    path: &std::path::Path,
    links: cytoshade_safe_io::Links,
    limits: &ReadLimits,
) -> Result<Vec<u8>, Error> {
    use std::io::Read;
    let io = |source| Error::Io { path: path.to_path_buf(), source };
    let file = cytoshade_safe_io::open(path, links).map_err(io)?;
    let stated = file.metadata().map_err(io)?.len();
    limits.check_file(stated)?;
    let mut bytes = cytoshade_safe_io::reserve(stated as usize)?;
    file.take(limits.file_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    limits.check_file(bytes.len() as u64)?;
    Ok(bytes)
}
