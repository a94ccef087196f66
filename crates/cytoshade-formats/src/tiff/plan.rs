//! Which bytes of the file hold which rows of a page, checked before anything is decoded.

use super::codec::Codec;
use super::directory::{File, damaged};
use super::page::Page;
use crate::limits::{Meter, check};
use crate::{Error, Format, Limits, parallel};

/// Uncompressed strips are read in pieces of about so many bytes.
const PIECE: usize = 1 << 20;

/// A strip or tile as it lies in the file; of no bytes if it is not stored, and then it is zeros.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chunk {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// Rows of a page that are decoded together: a strip, a piece of one, or all tiles beside each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    pub(super) rows: usize,
    /// The plane, of a page whose samples lie in planes of their own.
    pub(super) plane: usize,
    /// The first of its strips or tiles.
    pub(super) first: usize,
    /// Rows of the strip or tile before the first.
    pub(super) skip: usize,
}

/// How a page is decoded.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) codec: Codec,
    pub(super) chunks: Vec<Chunk>,
    pub(super) bands: Vec<Band>,
    /// Strips or tiles beside each other.
    pub(super) across: usize,
    /// Sides of a strip or tile in pixels.
    pub(super) chunk_width: usize,
    pub(super) chunk_height: usize,
    /// Bytes of a decoded row of a strip or tile.
    pub(super) row_bytes: usize,
}

impl Plan {
    /// Plans to decode a page, or plane `plane` of those that follow each other behind one page, and charges its strips and
    /// tiles. The samples themselves must have been charged.
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
        // The lists of places and sizes, and what they become.
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

    /// Bytes that are decoded of a strip or tile: those of its rows within the page, but all of a picture.
    pub(super) fn decoded(&self, page: &Page, band: &Band) -> usize {
        let rows = if page.tiled && self.codec.is_picture() { self.chunk_height } else { band.skip + band.rows };
        self.row_bytes.saturating_mul(rows)
    }

    /// Refuses tiles that are much larger than their image, as many as are decoded at the same time.
    fn check_scratch(&self, page: &Page, limits: &Limits) -> Result<(), Error> {
        let Some(largest) = self.bands.iter().map(|band| self.decoded(page, band) as u64).max() else { return Ok(()) };
        let image = (page.kind.width * page.kind.height) as u64 * page.kind.sample_type.bits.div_ceil(8) as u64;
        let beyond = largest.saturating_sub(image.saturating_mul(page.kind.samples as u64));
        let at_once = self.bands.len().min(parallel::threads()) as u64;
        let what = "the size of strips or tiles in bytes beyond their image";
        check(what, beyond.saturating_mul(at_once), limits.chunk_bytes, "chunk_bytes")
    }

    /// Refuses strips and tiles that cannot hold their pixels, however well they are compressed.
    fn check_lengths(&self, page: &Page) -> Result<(), Error> {
        let ratio = self.codec.most_expansion().unwrap_or(u64::MAX);
        // A picture describes each of its samples, in a bit or more.
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

/// How far the data of a plane lie behind those of the first.
fn plane_offset(page: &Page, plane: usize, row_bytes: u64) -> Result<u64, Error> {
    if plane == 0 {
        return Ok(0);
    }
    let bytes = row_bytes.checked_mul(page.kind.height as u64).and_then(|n| n.checked_mul(page.planes() as u64));
    let offset = bytes.and_then(|bytes| bytes.checked_mul(plane as u64));
    offset.ok_or_else(|| damaged("its planes are too large to be addressed"))
}

/// Where the strips or tiles lie.
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
    // Some writers state none, or zero for each.
    let has_counts = counts.iter().any(|count| *count != 0);
    let per_plane = page.across().saturating_mul(page.down()).max(1);
    let chunk = |(index, &offset): (usize, &u64)| {
        let count = counts.get(index).copied().unwrap_or(0);
        let length = match codec {
            // GDAL and others leave out strips and tiles of zeros.
            _ if offset == 0 && count == 0 => 0,
            Codec::None => {
                let y = index as u64 % per_plane / page.across().max(1) * page.chunk_height;
                let rows = page.chunk_height.min((page.kind.height as u64).saturating_sub(y));
                // What must be there is known anyway, and some writers state wrong counts. A tile need not be whole.
                row_bytes.saturating_mul(rows)
            }
            _ if has_counts => count,
            // Then they end where the next one begins, or the file ends.
            _ => {
                let next = offsets.get(index + 1).copied().filter(|next| *next > offset);
                next.unwrap_or(file.source.len()).saturating_sub(offset)
            }
        };
        Chunk { offset, length }
    };
    Ok(offsets.iter().enumerate().map(chunk).collect())
}
