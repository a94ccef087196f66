//! The contents and storage of one page of a TIFF.

use super::directory::{Directory, Tag, Values, damaged};
#[cfg(feature = "rare")]
use super::old_jpeg::OldJpeg;
use crate::{Error, SampleKind, SampleType};

/// The photometric interpretation YCbCr.
#[cfg(feature = "rare")]
pub(super) const YCBCR: u64 = 6;

/// The properties that planes of one series share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Samples per pixel.
    pub(super) samples: usize,
    pub(super) sample_type: SampleType,
    /// The samples of a pixel are in separate planes.
    pub(super) planar: bool,
    pub(super) compression: u64,
    pub(super) photometric: u64,
}

/// One page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(super) kind: Kind,
    pub(super) predictor: u64,
    /// The bits of a byte are stored in reverse.
    pub(super) reversed_bits: bool,
    /// Strips are as wide as the page, and the last may be lower; all tiles have one size.
    pub(super) tiled: bool,
    pub(super) chunk_width: u64,
    pub(super) chunk_height: u64,
    pub(super) offsets: Option<Values>,
    pub(super) byte_counts: Option<Values>,
    /// Byte counts are those of the pixels, not of the compressed data (Zeiss LSM).
    pub(super) clip_counts: bool,
    /// NewSubfileType: bit 0 for a smaller copy, bit 2 for a mask.
    pub(super) subfile_type: u64,
    /// Number of smaller copies stored below it.
    pub(super) copies: u64,
    /// The first two descriptions.
    pub(super) descriptions: [Option<Values>; 2],
    /// Options of CCITT group 3.
    #[cfg(feature = "fax")]
    pub(super) fax_options: u64,
    #[cfg(feature = "rare")]
    pub(super) jpeg_tables: Option<Values>,
    #[cfg(feature = "rare")]
    pub(super) old_jpeg: OldJpeg,
    /// Pixels per colour sample, across and down.
    #[cfg(feature = "rare")]
    pub(super) subsampling: (u64, u64),
    /// Pixels per unit, across and down, and the unit: 2 for inches, 3 for centimetres.
    #[cfg(feature = "microscopy")]
    pub(super) resolution: (Option<f64>, Option<f64>, u64),
    /// Tags of MetaMorph (UIC1 and UIC2), Zeiss and ImageJ.
    #[cfg(feature = "microscopy")]
    pub(super) vendor: Vendor,
}

/// Tags of specific vendors.
#[cfg(feature = "microscopy")]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Vendor {
    pub(super) uic1: Option<Values>,
    pub(super) uic2: Option<Values>,
    pub(super) lsm: Option<Values>,
    pub(super) imagej_lengths: Option<Values>,
    pub(super) imagej: Option<Values>,
}

impl Page {
    pub(super) fn new(directory: &Directory<'_, '_>, is_lsm: bool) -> Result<Self, Error> {
        let width = directory.require(Tag::ImageWidth, "width")?;
        let height = directory.require(Tag::ImageLength, "height")?;
        let number = |tag, default| Ok::<_, Error>(directory.number(tag)?.unwrap_or(default));
        let samples = number(Tag::SamplesPerPixel, 1)?;
        if samples == 0 || samples > u64::from(u16::MAX) {
            return Err(damaged(format!("a page states {samples} samples per pixel, expected 1 to 65535")));
        }
        let bits = bits_per_sample(directory, is_lsm)?;
        let sample_kind = match number(Tag::SampleFormat, 1)? {
            // 4 is "undefined": libtiff and tifffile read it as unsigned integers.
            1 | 4 => SampleKind::Unsigned,
            2 => SampleKind::Signed,
            3 => SampleKind::Float,
            other => SampleKind::Other(other.min(u64::from(u16::MAX)) as u16),
        };
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
        let is_empty = width == 0 || height == 0;
        let sides = 1..=u64::from(u32::MAX);
        if !is_empty && (!sides.contains(&chunk_width) || !sides.contains(&chunk_height)) {
            return Err(damaged(format!("a page has strips or tiles of {chunk_height} x {chunk_width} pixels")));
        }
        let offsets = directory.integers(offsets)?;
        let byte_counts = directory.integers(byte_counts)?;
        let side = |n: u64| usize::try_from(n).map_err(|_| damaged(format!("a page states a size of {n}")));
        let kind = Kind {
            width: side(width)?,
            height: side(height)?,
            samples: side(samples)?,
            sample_type: SampleType { kind: sample_kind, bits: side(bits)? },
            planar,
            compression: number(Tag::Compression, 1)?,
            photometric: number(Tag::Photometric, 1)?,
        };
        let page = Self {
            kind,
            predictor: number(Tag::Predictor, 1)?,
            reversed_bits: number(Tag::FillOrder, 1)? == 2,
            tiled,
            chunk_width: chunk_width.max(1),
            chunk_height: chunk_height.max(1),
            offsets,
            byte_counts,
            clip_counts: false,
            subfile_type: subfile_type(directory)?,
            copies: directory.values(Tag::SubIfds)?.map_or(0, |values| values.count),
            descriptions: descriptions(directory)?,
            #[cfg(feature = "fax")]
            fax_options: number(Tag::T4Options, 0)?,
            #[cfg(feature = "rare")]
            jpeg_tables: directory.values(Tag::JpegTables)?,
            #[cfg(feature = "rare")]
            old_jpeg: OldJpeg::new(directory)?,
            #[cfg(feature = "rare")]
            subsampling: subsampling(directory)?,
            #[cfg(feature = "microscopy")]
            resolution: resolution(directory)?,
            #[cfg(feature = "microscopy")]
            vendor: Vendor {
                uic1: directory.values(Tag::Uic1)?,
                uic2: directory.values(Tag::Uic2)?,
                lsm: directory.values(Tag::CzLsmInfo)?,
                // Damaged labels change no sample.
                imagej_lengths: directory.values(Tag::IjMetadataByteCounts).unwrap_or_default(),
                imagej: directory.values(Tag::IjMetadata).unwrap_or_default(),
            },
        };
        page.check_lists()?;
        Ok(page)
    }

    /// Checks that the lists of strips or tiles are long enough for the page.
    fn check_lists(&self) -> Result<(), Error> {
        let Some(offsets) = self.offsets else {
            let is_whole = self.kind.width == 0 || self.kind.height == 0;
            #[cfg(feature = "rare")]
            let is_whole = is_whole || self.old_jpeg.is_whole();
            return if is_whole { Ok(()) } else { Err(damaged("a page does not state where its strips or tiles are")) };
        };
        let needed = self.chunks();
        let found = offsets.count.min(self.byte_counts.map_or(u64::MAX, |counts| counts.count));
        // Some writers omit the counts, which uncompressed strips do not need.
        let counts_matter = self.kind.compression != 1;
        let found = if counts_matter { found } else { offsets.count };
        if needed > found {
            return Err(damaged(format!("a page lists {found} strips or tiles, but its size needs {needed}")));
        }
        Ok(())
    }

    /// Number of strips or tiles across.
    pub(super) fn across(&self) -> u64 {
        (self.kind.width as u64).div_ceil(self.chunk_width)
    }

    /// Number of strips or tiles down.
    pub(super) fn down(&self) -> u64 {
        (self.kind.height as u64).div_ceil(self.chunk_height)
    }

    /// Number of planes stored one after the other.
    pub(super) fn planes(&self) -> usize {
        if self.kind.planar { self.kind.samples } else { 1 }
    }

    /// Number of samples per pixel stored side by side.
    pub(super) fn interleaved(&self) -> usize {
        if self.kind.planar { 1 } else { self.kind.samples }
    }

    /// Number of strips or tiles in all planes.
    pub(super) fn chunks(&self) -> u64 {
        self.across().saturating_mul(self.down()).saturating_mul(self.planes() as u64)
    }

    /// True for a copy of another page in a lower resolution.
    pub(super) fn is_smaller_copy(&self) -> bool {
        self.subfile_type & 1 == 1
    }

    /// True for a transparency mask.
    pub(super) fn is_mask(&self) -> bool {
        self.subfile_type & 4 == 4
    }
}

/// True for a file of Zeiss LSM, whose first directory has a tag of its own.
pub(super) fn is_lsm(first: Option<&Directory<'_, '_>>) -> Result<bool, Error> {
    if cfg!(not(feature = "microscopy")) {
        return Ok(false);
    }
    let info = first.map(|first| first.values(Tag::CzLsmInfo)).transpose()?;
    Ok(info.flatten().is_some())
}

/// The bits of a sample.
///
/// Old writers of Zeiss LSM store two numbers elsewhere, although they fit into the tag's entry, which holds their offset.
fn bits_per_sample(directory: &Directory<'_, '_>, is_lsm: bool) -> Result<u64, Error> {
    if is_lsm
        && let Some(values @ Values { kind: 3, count: 2, .. }) = directory.integers(Tag::BitsPerSample)?
        && let [first, second] = directory.file.numbers(values, 2)?[..]
        && first != second
        && let [offset] = directory.file.numbers(Values { kind: 4, count: 1, ..values }, 1)?[..]
        && let Ok(elsewhere) = directory.file.numbers(Values { offset, ..values }, 2)
        && let [first, second] = elsewhere[..]
        && first == second
    {
        return Ok(first);
    }
    Ok(directory.number(Tag::BitsPerSample)?.unwrap_or(1))
}

fn subfile_type(directory: &Directory<'_, '_>) -> Result<u64, Error> {
    if let Some(kind) = directory.number(Tag::NewSubfileType)? {
        return Ok(kind);
    }
    // The older tag: 2 for a smaller copy.
    Ok(if directory.number(Tag::SubfileType)? == Some(2) { 1 } else { 0 })
}

fn descriptions(directory: &Directory<'_, '_>) -> Result<[Option<Values>; 2], Error> {
    let mut values = directory.all_values(Tag::ImageDescription)?;
    Ok([values.next(), values.next()])
}

#[cfg(feature = "rare")]
fn subsampling(directory: &Directory<'_, '_>) -> Result<(u64, u64), Error> {
    let Some(values) = directory.integers(Tag::YCbCrSubSampling)? else { return Ok((2, 2)) };
    let numbers = directory.file.numbers(values, 2)?;
    let number = |at| numbers.get(at).copied().unwrap_or(2);
    Ok((number(0), number(1)))
}

#[cfg(feature = "microscopy")]
fn resolution(directory: &Directory<'_, '_>) -> Result<(Option<f64>, Option<f64>, u64), Error> {
    let real = |tag| Ok::<_, Error>(directory.values(tag)?.and_then(|values| directory.file.real(values)));
    let unit = directory.number(Tag::ResolutionUnit)?.unwrap_or(2);
    Ok((real(Tag::XResolution)?, real(Tag::YResolution)?, unit))
}
