//! From the bytes of a file to images.

use crate::format::describe;
use crate::{Error, Format, Image, Limits, ReadOptions, jpeg, npy, png, tiff};

/// Reads the file at `path`: at least one image, more only where [`Pages`] says so. The path may be a link; what it
/// leads to must be a regular file, and no pipe, device or folder.
///
/// # Errors
/// [`Error::Read`] where the file cannot be opened or read, and those of [`read_bytes`].
#[cfg(not(target_family = "wasm"))]
pub fn read(path: impl AsRef<std::path::Path>, options: &ReadOptions) -> Result<Vec<Image>, Error> {
    read_bytes(&read_file(path, &options.limits)?, options)
}

/// The bytes of the file at `path`, of any format.
///
/// # Errors
/// [`Error::Read`], and [`Error::Limit`] for more than [`Limits::file_bytes`].
#[cfg(not(target_family = "wasm"))]
pub fn read_file(path: impl AsRef<std::path::Path>, limits: &Limits) -> Result<Vec<u8>, Error> {
    use std::io::Read as _;

    let file = cytoshade_safe_io::open(path.as_ref(), cytoshade_safe_io::Links::Follow).map_err(Error::Read)?;
    let size = file.metadata().map_err(Error::Read)?.len();
    limits.check_file(size)?;
    // The file may grow meanwhile: it is read up to the limit, and one byte more to see that it goes on.
    let mut bytes = Vec::new();
    file.take(limits.file_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::Read)?;
    limits.check_file(bytes.len() as u64)?;
    Ok(bytes)
}

/// Reads an image file that is in memory: at least one image, more only where [`Pages`] says so.
///
/// Samples keep their type, but for half floats, which become f32, and TIFF samples of 1 to 7 and 9 to 15 bits, which
/// become u8 and u16 with their values unchanged. As the reference does, the alpha channel of a PNG is dropped and a
/// palette is applied, while a TIFF gives its samples as they are stored: all of them, palette indices as indices,
/// nothing inverted. EXIF orientation is not applied.
///
/// # Errors
/// Any of [`Error`] but [`Error::Read`], [`Error::Write`] and [`Error::Output`].
pub fn read_bytes(bytes: &[u8], options: &ReadOptions) -> Result<Vec<Image>, Error> {
    options.limits.check_file(bytes.len() as u64)?;
    match Format::detect(bytes) {
        Some(Format::Tiff) => tiff::read(bytes, options),
        Some(Format::Png) => Ok(vec![png::read(bytes, &options.limits)?]),
        Some(Format::Jpeg) => Ok(vec![jpeg::read(bytes, &options.limits)?]),
        Some(Format::Npy | Format::Seg) => npy::read(bytes, options),
        None => Err(Error::UnknownFormat { found: describe(bytes) }),
    }
}
