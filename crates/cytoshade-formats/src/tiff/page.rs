//! What one page of a TIFF holds and how it is stored.

use std::fmt;

use super::directory::{Directory, File, Numbers, Tag, damaged};
use crate::{Error, Format, Limits};

/// The type of a page's samples, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unsigned,
    Signed,
    Float,
}

/// How a page's strips or tiles are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Lzw,
    Deflate,
    PackBits,
}

/// What was done to a row before it was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    Horizontal,
    FloatingPoint,
}

/// What pages must agree in to be channels of one image.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) samples: usize,
    pub(super) bits: usize,
    pub(super) kind: Kind,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, samples, bits, kind } = self;
        let kind = match kind {
            Kind::Unsigned => "unsigned integers",
            Kind::Signed => "signed integers",
            Kind::Float => "floats",
        };
        write!(f, "{height} x {width} pixels (height x width) of {samples} {bits}-bit {kind}")
    }
}

/// One page.
pub(super) struct Page<'a> {
    pub(super) file: File<'a>,
    pub(super) shape: Shape,
    /// The samples of a pixel lie in planes of their own.
    pub(super) planar: bool,
    pub(super) compression: Compression,
    pub(super) predictor: Predictor,
    /// Strips are as wide as the page, and their last may be lower; tiles are all of one size.
    pub(super) tiled: bool,
    pub(super) chunk_width: u64,
    pub(super) chunk_height: u64,
    pub(super) offsets: Numbers<'a>,
    pub(super) byte_counts: Numbers<'a>,
}

impl<'a> Page<'a> {
    pub(super) fn new(directory: &Directory<'a>, limits: &Limits) -> Result<Self, Error> {
        let width = directory.require(Tag::ImageWidth, "width")?;
        let height = directory.require(Tag::ImageLength, "height")?;
        limits.check_sides(width, height)?;

        let number = |tag, default| Ok::<_, Error>(directory.number(tag)?.unwrap_or(default));
        let samples = number(Tag::SamplesPerPixel, 1)?;
        if samples == 0 || samples > u64::from(u16::MAX) {
            return Err(damaged(format!("a page states {samples} samples per pixel, expected 1 to 65535")));
        }
        let bits = number(Tag::BitsPerSample, 1)?;
        let kind = match number(Tag::SampleFormat, 1)? {
            1 => Kind::Unsigned,
            2 => Kind::Signed,
            3 => Kind::Float,
            other => return Err(unsupported(sample_format(other), "integers or floats")),
        };
        let compression = match number(Tag::Compression, 1)? {
            1 => Compression::None,
            5 => Compression::Lzw,
            8 | 32946 => Compression::Deflate,
            32773 => Compression::PackBits,
            other => {
                return Err(unsupported(
                    format!("the compression {}", compression_name(other)),
                    "none, LZW, Deflate or PackBits",
                ));
            }
        };
        let predictor = match number(Tag::Predictor, 1)? {
            // The tag is only about compressed samples.
            _ if matches!(compression, Compression::None | Compression::PackBits) => Predictor::None,
            1 => Predictor::None,
            2 if matches!(bits, 8 | 16 | 32 | 64) => Predictor::Horizontal,
            3 if kind == Kind::Float => Predictor::FloatingPoint,
            other => {
                return Err(unsupported(
                    format!("the predictor {other} on {bits}-bit samples"),
                    "none, horizontal on 8, 16, 32 or 64 bits, or floating-point on floats",
                ));
            }
        };
        // Its colours may be stored at a lower resolution than its brightness.
        if number(Tag::Photometric, 1)? == 6 {
            return Err(unsupported("YCbCr samples", "grey, RGB or any other samples of equal resolution"));
        }
        if number(Tag::FillOrder, 1)? != 1 {
            return Err(unsupported("bits stored in reverse (FillOrder 2)", "FillOrder 1"));
        }
        let planar = match number(Tag::PlanarConfiguration, 1)? {
            1 => false,
            2 => samples > 1,
            other => return Err(damaged(format!("a page states the planar configuration {other}, expected 1 or 2"))),
        };

        let tiled = directory.number(Tag::TileWidth)?.is_some();
        let (chunk_width, chunk_height, offsets, byte_counts) = if tiled {
            let tile_width = directory.require(Tag::TileWidth, "tile width")?;
            let tile_height = directory.require(Tag::TileLength, "tile height")?;
            (tile_width, tile_height, Tag::TileOffsets, Tag::TileByteCounts)
        } else {
            let rows = number(Tag::RowsPerStrip, height)?.min(height);
            (width, rows, Tag::StripOffsets, Tag::StripByteCounts)
        };
        let sides = 1..=u64::from(u32::MAX);
        if !sides.contains(&chunk_width) || !sides.contains(&chunk_height) {
            return Err(damaged(format!("a page has strips or tiles of {chunk_height} x {chunk_width} pixels")));
        }
        let missing = || damaged("a page does not state where its strips or tiles are");
        let offsets = directory.numbers(offsets)?.ok_or_else(missing)?;
        let byte_counts = directory.numbers(byte_counts)?.ok_or_else(missing)?;

        let side = |n: u64| usize::try_from(n).map_err(|_| damaged(format!("a page states a size of {n}")));
        let shape =
            Shape { width: side(width)?, height: side(height)?, samples: side(samples)?, bits: side(bits)?, kind };
        let page = Self {
            file: directory.file,
            shape,
            planar,
            compression,
            predictor,
            tiled,
            chunk_width,
            chunk_height,
            offsets,
            byte_counts,
        };
        let (needed, found) = (page.chunks(), offsets.len().min(byte_counts.len()));
        if needed > found as u64 {
            return Err(damaged(format!("a page lists {found} strips or tiles, but its size needs {needed}")));
        }
        Ok(page)
    }

    /// Strips or tiles beside each other.
    pub(super) fn across(&self) -> u64 {
        (self.shape.width as u64).div_ceil(self.chunk_width)
    }

    /// Strips or tiles below each other.
    pub(super) fn down(&self) -> u64 {
        (self.shape.height as u64).div_ceil(self.chunk_height)
    }

    /// Planes that are stored one after the other.
    pub(super) fn planes(&self) -> usize {
        if self.planar { self.shape.samples } else { 1 }
    }

    /// Samples of a pixel that are stored side by side.
    pub(super) fn interleaved(&self) -> usize {
        if self.planar { 1 } else { self.shape.samples }
    }

    fn chunks(&self) -> u64 {
        self.across().saturating_mul(self.down()).saturating_mul(self.planes() as u64)
    }
}

fn unsupported(found: impl Into<String>, expected: &'static str) -> Error {
    Error::unsupported(Format::Tiff, found, expected)
}

fn sample_format(number: u64) -> String {
    match number {
        5 | 6 => "complex samples".into(),
        other => format!("samples of the undefined format {other}"),
    }
}

fn compression_name(number: u64) -> String {
    let name = match number {
        2..=4 => "fax",
        6 | 7 => "JPEG",
        33003 | 33005 | 34712 => "JPEG 2000",
        34887 => "LERC",
        34925 => "LZMA",
        50000 => "Zstandard",
        50001 => "WebP",
        50002 => "JPEG XL",
        _ => return number.to_string(),
    };
    format!("{number} ({name})")
}
