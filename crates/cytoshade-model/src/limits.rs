//! How much of a file is believed.

use crate::{Error, Sha256};

/// How a model is loaded.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The hash that the bytes must have, checked before they are parsed. `None` (the default) takes any.
    pub sha256: Option<Sha256>,
    /// Limits on what is read and allocated.
    pub limits: ReadLimits,
}

/// Limits on what is read and allocated for a model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Bytes of the file. Default 1 GiB; the published networks have 26 MB.
    pub file_bytes: u64,
    /// Bytes of the header that lists the tensors. Default 4 MiB; the published networks' has 35 kB.
    pub header_bytes: u64,
    /// Tensors. Default 4096; the published networks have 313.
    pub tensors: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { file_bytes: 1 << 30, header_bytes: 4 << 20, tensors: 4096 }
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
}

fn check(what: &'static str, found: u64, limit: u64, field: &'static str) -> Result<(), Error> {
    if found > limit { Err(Error::Limit { what, found, limit, field }) } else { Ok(()) }
}

/// The bytes of a model file, as many as the limits allow.
///
/// Memory is reserved as data arrives, so a device or a growing file cannot take more than the limit.
///
/// # Errors
/// [`Error::Io`] and [`Error::Limit`].
#[cfg(not(target_arch = "wasm32"))]
pub fn read_file(path: &std::path::Path, limits: &ReadLimits) -> Result<Vec<u8>, Error> {
    use std::io::Read;
    let io = |source| Error::Io { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(io)?;
    file.take(limits.file_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    limits.check_file(bytes.len() as u64)?;
    Ok(bytes)
}
