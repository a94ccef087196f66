//! Plans which bytes of the file hold which rows of a page, and checks them before decoding.

use super::codec::Codec;
use super::directory::{File, damaged};
use super::page::Page;
use crate::limits::{Meter, check};
use crate::{Error, Format, Limits, parallel};

/// Uncompressed strips are read in pieces of about this many bytes.
const PIECE: usize = 1 << 20;

/// The position of a strip or tile in the file. Length 0 means not stored: all zeros.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chunk {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// Rows of a page that are decoded together: a strip, a piece of one, or a row of tiles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    pub(super) rows: usize,
    /// The plane, if the samples of the page are in separate planes.
    pub(super) plane: usize,
    /// The first of its strips or tiles.
    pub(super) first: usize,
    /// Rows of the strip or tile before the first.
    pub(super) skip: usize,
}

/// The plan to decode a page.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) codec: Codec,
    pub(super) chunks: Vec<Chunk>,
    pub(super) bands: Vec<Band>,
    /// Number of strips or tiles across.
    pub(super) across: usize,
    /// Sides of a strip or tile in pixels.
    pub(super) chunk_width: usize,
    pub(super) chunk_height: usize,
    /// Bytes of a decoded row of a strip or tile.
    pub(super) row_bytes: usize,
}

impl Plan {
    /// Plans to decode a page, or plane `plane` of those behind one page, and charges its strips and tiles.
    ///
    /// The samples must have been charged.
    pub(super) fn new(
        file: &File<'_>,
        page: &Page,
        plane: usize,
        meter: &mut Meter<'_>,
        file_bytes: u64,
    ) -> Result<Self, Error> {
        let codec = Codec::new(page)?;
        let kind = page.kind;
        let bits = (kind.sample_type.bits as u64).saturating_mul(page.interleaved() as u64);
        let row_bytes = codec.row_bytes(page, bits);
        // The lists of offsets and sizes, and the chunks made from them.
        meter.limits().check_metadata(page.chunks().saturating_mul(32))?;
        let mut chunks = chunks(file, page, &codec, row_bytes)?;
        for chunk in &mut chunks {
            chunk.offset = chunk.offset.saturating_add(plane_offset(page, plane, row_bytes)?);
        }
        let mut stored = 0u64;
        for (index, chunk) in chunks.iter_mut().enumerate() {
            if page.clip_counts {
                chunk.length = chunk.length.min(file.source.len().saturating_sub(chunk.offset));
            }
            file.source.check(Format::Tiff, chunk.offset, chunk.length, format_args!("strip or tile {index}"))?;
            stored = stored.saturating_add(chunk.length);
        }
        meter.stored(stored, file_bytes)?;
        let side = |n: u64| usize::try_from(n).map_err(|_| damaged("a page is too large to be addressed"));
        let mut plan = Self {
            codec,
            chunks,
            bands: Vec::new(),
            across: side(page.across())?,
            chunk_width: side(page.chunk_width)?,
            chunk_height: side(page.chunk_height)?,
            row_bytes: side(row_bytes)?,
        };
        plan.bands = plan.bands(page);
        plan.check_scratch(page, meter.limits())?;
        plan.check_lengths(page)?;
        Ok(plan)
    }

    fn bands(&self, page: &Page) -> Vec<Band> {
        let is_raw = matches!(self.codec, Codec::None);
        let rows_at_once = if is_raw { (PIECE / self.row_bytes.max(1)).max(1) } else { usize::MAX };
        let mut bands = Vec::new();
        let mut first = 0;
        for plane in 0..page.planes() {
            for top in (0..page.kind.height).step_by(self.chunk_height) {
                let height = self.chunk_height.min(page.kind.height - top);
                for skip in (0..height).step_by(rows_at_once.min(height)) {
                    let rows = rows_at_once.min(height - skip);
                    bands.push(Band { rows, plane, first, skip });
                }
                first += self.across;
            }
        }
        bands
    }

    /// Decoded bytes of a strip or tile: its rows within the page, or all of an image file.
    pub(super) fn decoded(&self, page: &Page, band: &Band) -> usize {
        let rows = if page.tiled && self.codec.is_picture() { self.chunk_height } else { band.skip + band.rows };
        self.row_bytes.saturating_mul(rows)
    }

    /// Refuses tiles much larger than their image, counting as many as are decoded at one time.
    fn check_scratch(&self, page: &Page, limits: &Limits) -> Result<(), Error> {
        let Some(largest) = self.bands.iter().map(|band| self.decoded(page, band) as u64).max() else { return Ok(()) };
        let image = (page.kind.width * page.kind.height) as u64 * page.kind.sample_type.bits.div_ceil(8) as u64;
        let beyond = largest.saturating_sub(image.saturating_mul(page.kind.samples as u64));
        let at_once = self.bands.len().min(parallel::threads()) as u64;
        let what = "the size of strips or tiles in bytes beyond their image";
        check(what, beyond.saturating_mul(at_once), limits.chunk_bytes, "chunk_bytes")
    }

    /// Refuses strips and tiles too short for their pixels under any compression ratio.
    fn check_lengths(&self, page: &Page) -> Result<(), Error> {
        let ratio = self.codec.most_expansion().unwrap_or(u64::MAX);
        // An image file takes at least one bit per sample.
        let bits = if self.codec.is_picture() { page.interleaved() as u64 } else { 0 };
        for band in self.bands.iter().filter(|band| band.skip == 0) {
            let expected = self.decoded(page, band);
            for index in band.first..band.first + self.across {
                let stored = self.chunks.get(index).map_or(0, |chunk| chunk.length);
                let is_short = expected as u64 > stored.saturating_mul(ratio) || bits > stored.saturating_mul(8);
                if stored > 0 && is_short {
                    return Err(too_short(index, stored, "compressed", expected));
                }
            }
        }
        Ok(())
    }
}

pub(super) fn too_short(index: usize, found: u64, state: &str, expected: usize) -> Error {
    damaged(format!(
        "strip or tile {index} has {found} {state} bytes, not enough for the {expected} bytes of its pixels"
    ))
}

/// The offset of a plane's data from those of the first plane.
fn plane_offset(page: &Page, plane: usize, row_bytes: u64) -> Result<u64, Error> {
    if plane == 0 {
        return Ok(0);
    }
    let bytes = row_bytes.checked_mul(page.kind.height as u64).and_then(|n| n.checked_mul(page.planes() as u64));
    let offset = bytes.and_then(|bytes| bytes.checked_mul(plane as u64));
    offset.ok_or_else(|| damaged("its planes are too large to be addressed"))
}

/// The positions of the strips or tiles.
fn chunks(file: &File<'_>, page: &Page, codec: &Codec, row_bytes: u64) -> Result<Vec<Chunk>, Error> {
    let needed = page.chunks();
    if let Some(whole) = codec.whole(file, page) {
        return Ok(vec![whole; needed.min(1) as usize]);
    }
    let Some(offsets) = page.offsets else {
        return Err(damaged("a page does not state where its strips or tiles are"));
    };
    let offsets = file.list(offsets, needed)?;
    let counts = page.byte_counts.map(|counts| file.list(counts, needed)).transpose()?.unwrap_or_default();
    if (offsets.len() as u64) < needed {
        return Err(damaged(format!("a page lists {} strips or tiles, but its size needs {needed}", offsets.len())));
    }
    // Some writers omit the counts, or write zeros.
    let has_counts = counts.iter().any(|count| *count != 0);
    let per_plane = page.across().saturating_mul(page.down()).max(1);
    let chunk = |(index, &offset): (usize, &u64)| {
        let count = counts.get(index).copied().unwrap_or(0);
        let length = match codec {
            // GDAL and others omit strips and tiles of zeros.
            _ if offset == 0 && count == 0 => 0,
            Codec::None => {
                let y = index as u64 % per_plane / page.across().max(1) * page.chunk_height;
                let rows = page.chunk_height.min((page.kind.height as u64).saturating_sub(y));
                // The required length is known, and some writers state wrong counts. A tile may be incomplete.
                row_bytes.saturating_mul(rows)
            }
            _ if has_counts => count,
            // Such data end at the next chunk or at the end of the file.
            _ => {
                let next = offsets.get(index + 1).copied().filter(|next| *next > offset);
                next.unwrap_or(file.source.len()).saturating_sub(offset)
            }
        };
        Chunk { offset, length }
    };
    Ok(offsets.iter().enumerate().map(chunk).collect())
}
