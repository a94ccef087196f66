//! From the bytes of a file to images.

use std::fmt;

use crate::{Error, Image, Limits, jpeg, npy, png, tiff};

/// How many planes are still taken for channels rather than for a stack: the reference's `transforms.convert_image`
/// draws the same line.
pub(crate) const MAX_AUTO_CHANNELS: usize = 5;

/// How to read a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// What the pages of a TIFF, or the axes of an array, are.
    pub pages: Pages,
    /// How much the file may make the reader take in.
    pub limits: Limits,
}

/// What the pages of a TIFF, or the axes of an array, are. PNG and JPEG hold one image in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pages {
    /// TIFF: as its ImageJ or OME metadata say (`channels`, `slices` and `frames`, or `SizeC`, `SizeZ`, `SizeT` and
    /// `DimensionOrder`: a list of the planes in Z and T, each with all its channels). Without them, 2 to 5 pages of
    /// one sample each that agree in size and type are the channels of one image, and anything else is a list.
    ///
    /// NPY: [H, W]; three axes of which the smallest is at most 5 long, which are then the channels, [C, H, W] or
    /// [H, W, C] (the last axis where several are the smallest); three longer axes, of which the smallest is the list;
    /// four axes, of which the smallest, at most 5 long, are the channels and the first of the others is the list.
    ///
    /// The line at 5 is where the reference's `transforms.convert_image` draws it.
    #[default]
    Auto,
    /// TIFF: all pages are channels of one image. NPY: the smallest of three axes are the channels, however long.
    Channels,
    /// TIFF: each page is an image of its own. NPY: the first axis of three or four is the list.
    List,
    /// The file is one stack, and the images are its layers. TIFF: as its ImageJ or OME metadata say, or the shape of
    /// four axes that tifffile writes, of which one of the first two, at most 5 long, are the channels; else each page
    /// is a layer. NPY: [Z, H, W], [Z, C, H, W] or [Z, H, W, C] with at most 5 channels.
    Stack,
}

/// A file format, told by the first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// TIFF, BigTIFF, OME-TIFF, ImageJ's TIFF.
    Tiff,
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// numpy's NPY.
    Npy,
    /// Cellpose's `_seg.npy`, which [`crate::read_seg`] reads; [`Format::detect`] takes it for [`Format::Npy`].
    Seg,
}

impl Format {
    /// The format that the first bytes of a file announce, if it is one that is read here. 8 bytes are enough.
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, format)| *format)
    }
}

const MAGIC: [(&[u8], Format); 7] = [
    (b"II\x2a\0", Format::Tiff),
    (b"MM\0\x2a", Format::Tiff),
    (b"II\x2b\0", Format::Tiff),
    (b"MM\0\x2b", Format::Tiff),
    (b"\x89PNG\r\n\x1a\n", Format::Png),
    (b"\xff\xd8\xff", Format::Jpeg),
    (b"\x93NUMPY", Format::Npy),
];

/// Formats that people try and that are not read here, so that the message can name them.
const FOREIGN: [(&[u8], &str); 9] = [
    (b"ZISRAWFILE", "a Zeiss CZI file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (such as Imaris or ilastik)"),
    (b"\xda\xce\xbe\x0a", "a Nikon ND2 file"),
    (b"\x70\0\0\0", "a Leica LIF file"),
    (b"GIF8", "a GIF file"),
    (b"BM", "a BMP file"),
    (b"RIFF", "a RIFF file (such as WebP)"),
    (b"PK\x03\x04", "a ZIP archive (such as NPZ)"),
    (b"NRRD", "an NRRD file"),
];

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Tiff => "TIFF",
            Format::Png => "PNG",
            Format::Jpeg => "JPEG",
            Format::Npy => "NPY",
            Format::Seg => "_seg.npy",
        })
    }
}

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

fn describe(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "empty".into();
    }
    match FOREIGN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        Some((_, name)) => (*name).into(),
        None => {
            let start: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            format!("of an unknown format (it starts with the bytes {})", start.join(" "))
        }
    }
}

/// The first `keep` of every `stored` interleaved samples, channel by channel.
pub(crate) fn planar<T: Copy>(pixels: &[T], stored: usize, keep: usize) -> Vec<T> {
    let mut planes = Vec::with_capacity(pixels.len() / stored.max(1) * keep);
    for channel in 0..keep {
        planes.extend(pixels.iter().skip(channel).step_by(stored.max(1)).copied());
    }
    planes
}
