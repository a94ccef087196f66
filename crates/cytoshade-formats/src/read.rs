//! Reads all images of a file at once.

use crate::{Error, Image, ImageFile, ReadOptions};

/// Reads the file at `path`.
///
/// Returns at least one image, more only if [`crate::Selection`] asks for them.
///
/// The images are those of all series, lists, time points and z-slices, one after the other; [`ImageFile`]
/// distinguishes them.
///
/// # Errors
/// [`Error::Read`] if the file cannot be opened or read, and those of [`read_bytes`].
#[cfg(not(target_family = "wasm"))]
pub fn read(path: impl AsRef<std::path::Path>, options: &ReadOptions) -> Result<Vec<Image>, Error> {
    ImageFile::open(path, options)?.all(&options.selection)
}

/// Reads the bytes of the file at `path`, of any format.
///
/// # Errors
/// [`Error::Read`], and [`Error::Limit`] for more than [`crate::Limits::file_bytes`].
#[cfg(not(target_family = "wasm"))]
pub fn read_file(path: impl AsRef<std::path::Path>, limits: &crate::Limits) -> Result<Vec<u8>, Error> {
    use std::io::Read as _;

    let file = cytoshade_safe_io::open(path.as_ref(), cytoshade_safe_io::Links::Follow).map_err(Error::Read)?;
    let size = file.metadata().map_err(Error::Read)?.len();
    limits.check_file(size)?;
    // The file may grow during the read: read up to the limit, and one byte more to detect that.
    let mut bytes = Vec::new();
    file.take(limits.file_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::Read)?;
    limits.check_file(bytes.len() as u64)?;
    Ok(bytes)
}

/// [`read`] for a file in memory.
///
/// # Errors
/// Any of [`Error`] but [`Error::Read`], [`Error::Write`] and [`Error::Output`].
pub fn read_bytes(bytes: &[u8], options: &ReadOptions) -> Result<Vec<Image>, Error> {
    ImageFile::from_bytes(bytes, options)?.all(&options.selection)
}
