//! File formats, detected by their first bytes.

use std::fmt;

/// A file format, detected by the first bytes.
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
    /// BMP.
    Bmp,
    /// PBM, PGM, PPM or PAM.
    Pnm,
    /// WebP.
    WebP,
    /// JPEG 2000, as a file (JP2) or a bare codestream.
    Jpeg2000,
    /// JPEG XL.
    JpegXl,
    /// Cellpose's `_seg.npy`, read by [`crate::read_seg`]. [`Format::detect`] returns `Npy` for it.
    Seg,
}

impl Format {
    /// The format that a file name's extension states, in any case; for searching folders.
    ///
    /// Includes the extensions of microscopes whose files are TIFF (`lsm`, `stk`, `flex`, ...). The content decides
    /// when a file is opened ([`Format::detect`]).
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        let named = EXTENSIONS.iter().find(|(names, _)| names.contains(&extension.as_str()));
        named.map(|(_, format)| *format)
    }

    /// Detects a supported format by the first bytes of a file. 12 bytes are enough.
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"RIFF") {
            return bytes.get(8..).is_some_and(|rest| rest.starts_with(b"WEBP")).then_some(Format::WebP);
        }
        // "P5", then whitespace.
        if let [b'P', b'1'..=b'7', blank, ..] = bytes
            && blank.is_ascii_whitespace()
        {
            return Some(Format::Pnm);
        }
        MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, format)| *format)
    }
}

const EXTENSIONS: [(&[&str], Format); 9] = [
    (&["tif", "tiff", "btf", "tf2", "tf8", "lsm", "stk", "flex"], Format::Tiff),
    (&["png"], Format::Png),
    (&["jpg", "jpeg", "jpe"], Format::Jpeg),
    (&["npy"], Format::Npy),
    (&["bmp"], Format::Bmp),
    (&["pbm", "pgm", "ppm", "pnm", "pam"], Format::Pnm),
    (&["webp"], Format::WebP),
    (&["jp2", "j2k", "jpc", "j2c", "jpx"], Format::Jpeg2000),
    (&["jxl"], Format::JpegXl),
];

const MAGIC: [(&[u8], Format); 12] = [
    (b"II\x2a\0", Format::Tiff),
    (b"MM\0\x2a", Format::Tiff),
    (b"II\x2b\0", Format::Tiff),
    (b"MM\0\x2b", Format::Tiff),
    (b"\x89PNG\r\n\x1a\n", Format::Png),
    (b"\xff\xd8\xff", Format::Jpeg),
    (b"\x93NUMPY", Format::Npy),
    (b"BM", Format::Bmp),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Format::Jpeg2000),
    (b"\xff\x4f\xff\x51", Format::Jpeg2000),
    (b"\xff\x0a", Format::JpegXl),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Format::JpegXl),
];

/// Unsupported formats that users try, so that the message can name them.
const FOREIGN: [(&[u8], &str); 8] = [
    (b"ZISRAWFILE", "a Zeiss CZI file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (such as Imaris or ilastik)"),
    (b"\xda\xce\xbe\x0a", "a Nikon ND2 file"),
    (b"\x70\0\0\0", "a Leica LIF file"),
    (b"GIF8", "a GIF file"),
    (b"RIFF", "a RIFF file other than WebP"),
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
            Format::Bmp => "BMP",
            Format::Pnm => "PNM",
            Format::WebP => "WebP",
            Format::Jpeg2000 => "JPEG 2000",
            Format::JpegXl => "JPEG XL",
            Format::Seg => "_seg.npy",
        })
    }
}

/// Describes the first bytes of a file of an unsupported format.
pub(crate) fn describe(bytes: &[u8]) -> String {
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
