//! The compressions of strips and tiles. Each decodes to a known size.

#[cfg(feature = "rare")]
use std::borrow::Cow;

use super::directory::{File, damaged};
#[cfg(feature = "rare")]
use super::old_jpeg;
use super::page::Page;
#[cfg(feature = "rare")]
use super::page::YCBCR;
use super::plan::Chunk;
#[cfg(feature = "rare")]
use crate::picture::jpeg;
#[cfg(any(feature = "rare", feature = "webp", feature = "jpeg2000", feature = "jpegxl", feature = "lerc"))]
use crate::picture::{Allowed, Picture};
use crate::sample::Held;
use crate::{Error, Format};

mod bytes;
#[cfg(feature = "fax")]
mod fax;
#[cfg(feature = "rare")]
mod ycbcr;

/// The compression of strips and tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    None,
    /// Uncompressed YCbCr with subsampled colour.
    #[cfg(feature = "rare")]
    YCbCr,
    Lzw,
    Deflate,
    PackBits,
    #[cfg(feature = "zstd")]
    Zstd,
    #[cfg(feature = "lzma")]
    Lzma,
    /// CCITT: 2 for modified Huffman, 3 for group 3, 4 for group 4.
    #[cfg(feature = "fax")]
    Fax(u64),
    #[cfg(feature = "rare")]
    Jpeg,
    /// Old-style JPEG, as first described in TIFF 6.0.
    #[cfg(feature = "rare")]
    OldJpeg,
    #[cfg(feature = "rare")]
    Png,
    #[cfg(feature = "webp")]
    WebP,
    #[cfg(feature = "jpeg2000")]
    Jpeg2000,
    #[cfg(feature = "jpegxl")]
    JpegXl,
    #[cfg(feature = "lerc")]
    Lerc,
}

/// The byte order of decoded samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The file's order, as if uncompressed.
    File,
    /// Native order, in the in-memory type.
    Native,
}

impl Codec {
    pub(super) fn new(page: &Page) -> Result<Self, Error> {
        let codec = match page.kind.compression {
            1 => Codec::None,
            #[cfg(feature = "fax")]
            kind @ 2..=4 => Codec::Fax(kind),
            5 => Codec::Lzw,
            #[cfg(feature = "rare")]
            6 => Codec::OldJpeg,
            #[cfg(feature = "rare")]
            7 => Codec::Jpeg,
            8 | 32946 => Codec::Deflate,
            32773 => Codec::PackBits,
            #[cfg(feature = "jpeg2000")]
            33003..=33005 | 34712 => Codec::Jpeg2000,
            #[cfg(feature = "lerc")]
            34887 => Codec::Lerc,
            #[cfg(feature = "lzma")]
            34925 => Codec::Lzma,
            #[cfg(feature = "rare")]
            34933 => Codec::Png,
            #[cfg(feature = "zstd")]
            34926 | 50000 => Codec::Zstd,
            #[cfg(feature = "webp")]
            34927 | 50001 => Codec::WebP,
            #[cfg(feature = "jpegxl")]
            50002 | 52546 => Codec::JpegXl,
            other => return Err(refused(format!("the compression {}", name(other)))),
        };
        #[cfg(feature = "rare")]
        if is_subsampled(page) && !codec.is_picture() {
            return subsampled(page, codec);
        }
        Ok(codec)
    }

    /// True if strips and tiles are complete image files, which define their own samples.
    pub(super) fn is_picture(self) -> bool {
        match self {
            #[cfg(feature = "rare")]
            Codec::Jpeg | Codec::Png | Codec::OldJpeg => true,
            #[cfg(feature = "webp")]
            Codec::WebP => true,
            #[cfg(feature = "jpeg2000")]
            Codec::Jpeg2000 => true,
            #[cfg(feature = "jpegxl")]
            Codec::JpegXl => true,
            #[cfg(feature = "lerc")]
            Codec::Lerc => true,
            _ => false,
        }
    }

    /// True if the Predictor tag applies to this compression.
    pub(super) fn has_predictor(self) -> bool {
        match self {
            Codec::Lzw | Codec::Deflate => true,
            #[cfg(feature = "zstd")]
            Codec::Zstd => true,
            #[cfg(feature = "lzma")]
            Codec::Lzma => true,
            _ => false,
        }
    }

    /// Bytes of a decoded row of a strip or tile, at `bits` bits per pixel.
    pub(super) fn row_bytes(self, page: &Page, bits: u64) -> u64 {
        if self.is_picture() {
            let held = Held::new(Format::Tiff, page.kind.sample_type).map_or(1, |held| held.bytes as u64);
            return page.chunk_width.saturating_mul(held).saturating_mul(page.interleaved() as u64);
        }
        page.chunk_width.saturating_mul(bits).div_ceil(8)
    }

    /// The maximum number of bytes decoded from one stored byte, if bounded.
    pub(super) fn most_expansion(self) -> Option<u64> {
        match self {
            Codec::None => None,
            #[cfg(feature = "rare")]
            Codec::YCbCr => Some(3),
            // A run of 128 from two bytes.
            Codec::PackBits => Some(64),
            // The longest match, 258 bytes, from two bits.
            Codec::Deflate => Some(1032),
            #[cfg(feature = "rare")]
            Codec::Png => Some(1032),
            // A block of 128 KiB from four bytes.
            #[cfg(feature = "zstd")]
            Codec::Zstd => Some(1 << 15),
            // The longest match, 273 bytes, from a fifth of a bit.
            #[cfg(feature = "lzma")]
            Codec::Lzma => Some(1 << 14),
            // The longest table entry from a code of 12 bits.
            Codec::Lzw => Some(2731),
            // A block of 8 x 8 pixels of one component, or of 16 x 16 of three, from one bit.
            #[cfg(feature = "rare")]
            Codec::Jpeg | Codec::OldJpeg => Some(8 * 64 * 12),
            #[allow(unreachable_patterns, reason = "the further compressions are features")]
            _ => None,
        }
    }

    /// The single strip that forms a page, if neither strips nor tiles are listed.
    pub(super) fn whole(self, file: &File<'_>, page: &Page) -> Option<Chunk> {
        #[cfg(feature = "rare")]
        if self == Codec::OldJpeg {
            return page.old_jpeg.whole(file);
        }
        #[cfg(not(feature = "rare"))]
        let _ = (file, page);
        None
    }

    /// Decodes a strip or tile to `expected` bytes; to fewer if the data end early.
    #[cfg_attr(not(feature = "rare"), allow(unused_variables, reason = "pictures alone need them"))]
    pub(super) fn decode(
        self,
        file: &File<'_>,
        page: &Page,
        index: usize,
        stored: &[u8],
        expected: usize,
    ) -> Result<(Vec<u8>, Order), Error> {
        let broken = |error: String| damaged(format!("strip or tile {index} does not decompress: {error}"));
        let bytes = match self {
            Codec::None => stored.to_vec(),
            #[cfg(feature = "rare")]
            Codec::YCbCr => ycbcr::expand(page, stored, expected),
            Codec::Deflate => bytes::deflate(stored, expected)?.map_err(broken)?,
            Codec::Lzw => bytes::lzw(stored, expected)?.map_err(broken)?,
            Codec::PackBits => bytes::pack_bits(stored, expected),
            #[cfg(feature = "zstd")]
            Codec::Zstd => bytes::zstd(stored, expected).map_err(broken)?,
            #[cfg(feature = "lzma")]
            Codec::Lzma => bytes::lzma(stored, expected).map_err(broken)?,
            #[cfg(feature = "fax")]
            Codec::Fax(kind) => fax::decode(page, kind, stored, expected).map_err(broken)?,
            #[cfg(feature = "rare")]
            Codec::Jpeg => {
                return picture(page, expected, |allowed| {
                    jpeg::decode(&with_tables(file, page, stored)?, colors(page), allowed)
                });
            }
            #[cfg(feature = "rare")]
            Codec::OldJpeg => {
                return picture(page, expected, |allowed| {
                    jpeg::decode(&old_jpeg::stream(file, page, stored)?, colors(page), allowed)
                });
            }
            #[cfg(feature = "rare")]
            Codec::Png => return picture(page, expected, |allowed| crate::picture::png::decode(stored, allowed)),
            #[cfg(feature = "webp")]
            Codec::WebP => return picture(page, expected, |allowed| crate::picture::webp::decode(stored, allowed)),
            #[cfg(feature = "jpeg2000")]
            Codec::Jpeg2000 => {
                return picture(page, expected, |allowed| crate::picture::jpeg2000::decode(stored, allowed));
            }
            #[cfg(feature = "jpegxl")]
            Codec::JpegXl => return picture(page, expected, |allowed| crate::picture::jpegxl::decode(stored, allowed)),
            #[cfg(feature = "lerc")]
            Codec::Lerc => {
                let samples = page.interleaved();
                return picture(page, expected, |allowed| crate::picture::lerc::decode(stored, samples, allowed));
            }
        };
        Ok((bytes, Order::File))
    }
}

fn refused(found: String) -> Error {
    let expected = "none, LZW, Deflate, PackBits, Zstandard, LZMA, CCITT, JPEG, JPEG 2000, JPEG XL, PNG, WebP or LERC";
    Error::unsupported(Format::Tiff, found, expected)
}

/// True if a page stores YCbCr, whose colours may be subsampled.
#[cfg(feature = "rare")]
fn is_subsampled(page: &Page) -> bool {
    page.kind.photometric == YCBCR && !page.kind.planar && page.kind.samples == 3
}

/// The codec for YCbCr samples. (JPEG handles colours itself; here they are in the samples.)
#[cfg(feature = "rare")]
fn subsampled(page: &Page, codec: Codec) -> Result<Codec, Error> {
    match (codec, page.subsampling) {
        (codec, (1, 1)) => Ok(codec),
        (Codec::None, _) if page.kind.sample_type.bits == 8 => Ok(Codec::YCbCr),
        (_, (across, down)) => Err(refused(format!(
            "YCbCr samples of {across} x {down} pixels to a color under the compression {}",
            name(page.kind.compression)
        ))),
    }
}

/// YCbCr in JPEG becomes RGB, as in tifffile and libtiff's users; other colours stay as stored.
#[cfg(feature = "rare")]
fn colors(page: &Page) -> jpeg::Colors {
    if page.kind.photometric == YCBCR { jpeg::Colors::Rgb } else { jpeg::Colors::Stored }
}

/// The samples of a strip or tile that is an image file, in the in-memory type.
#[cfg(any(feature = "rare", feature = "webp", feature = "jpeg2000", feature = "jpegxl", feature = "lerc"))]
fn picture(
    page: &Page,
    expected: usize,
    decode: impl FnOnce(Allowed<'_, '_>) -> Result<Picture, Error>,
) -> Result<(Vec<u8>, Order), Error> {
    let (width, samples) = (page.chunk_width as usize, page.interleaved());
    let held = Held::new(Format::Tiff, page.kind.sample_type)?;
    let row = width * samples * held.bytes;
    // Some writers store the last strip at full height.
    let height = (expected / row.max(1)).max(page.chunk_height.min(page.kind.height as u64) as usize);
    let mut picture = decode(Allowed::Chunk { width, height })?;
    if let Some(warning) = picture.warnings.first() {
        return Err(damaged(warning.to_string()));
    }
    let found = Held::new(Format::Tiff, picture.sample_type)?;
    if (picture.channels, found) != (samples, held) {
        // A plain RGB image may have transparency that the page does not state.
        if picture.channels > samples && found == held {
            picture.pixels = first_samples(&picture.pixels, picture.channels, samples, held.bytes);
        } else {
            return Err(damaged(format!(
                "a strip or tile is an image of {} {} samples, expected {samples} {}",
                picture.channels, picture.sample_type, page.kind.sample_type
            )));
        }
    }
    picture.pixels.truncate(expected);
    Ok((picture.pixels, Order::Native))
}

/// The first `keep` of every `stored` samples, each of `bytes` bytes.
#[cfg(any(feature = "rare", feature = "webp", feature = "jpeg2000", feature = "jpegxl", feature = "lerc"))]
fn first_samples(pixels: &[u8], stored: usize, keep: usize, bytes: usize) -> Vec<u8> {
    pixels.chunks_exact(stored * bytes).flat_map(|pixel| pixel.iter().take(keep * bytes)).copied().collect()
}

/// Prepends the page's JPEG tables to a strip or tile, if they are stored separately.
#[cfg(feature = "rare")]
fn with_tables<'s>(file: &File<'_>, page: &Page, stored: &'s [u8]) -> Result<Cow<'s, [u8]>, Error> {
    const START: [u8; 2] = [0xff, 0xd8];
    const END: [u8; 2] = [0xff, 0xd9];
    let Some(tables) = page.jpeg_tables else { return Ok(Cow::Borrowed(stored)) };
    let tables = file.bytes(tables)?;
    let tables = tables.strip_suffix(&END).unwrap_or(&tables);
    Ok(Cow::Owned([tables, stored.strip_prefix(&START).unwrap_or(stored)].concat()))
}

fn name(number: u64) -> String {
    let name = match number {
        2..=4 => "CCITT fax",
        33003..=33005 | 34712 => "JPEG 2000",
        34661 => "JBIG",
        34887 => "LERC",
        34892 => "lossy JPEG of DNG",
        34925 => "LZMA",
        34926 | 50000 => "Zstandard",
        34927 | 50001 => "WebP",
        50002 | 52546 => "JPEG XL",
        _ => return number.to_string(),
    };
    format!("{number} ({name})")
}
