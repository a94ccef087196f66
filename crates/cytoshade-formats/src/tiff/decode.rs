//! From a page's strips or tiles to planes of samples.
//!
//! Source: TIFF 6.0 (Adobe, 1992), sections 9 (PackBits), 13 (LZW), 14 (predictor 2), 15 (tiles); Adobe Photoshop TIFF
//! Technical Notes (2002) for Deflate, TIFF Technical Note 3 (2005) for predictor 3.

use std::{borrow::Cow, io::Read as _};

use super::{
    directory::damaged,
    page::{Compression, Page, Predictor},
};
use crate::{Error, limits::zeros, sample::StoredSample};

/// Checks, without reserving anything, that every strip or tile lies within the file and is not too short for what it
/// is said to hold. Gives the bytes that they take together: where no more than the file has, memory for the page is
/// in proportion to bytes that are there.
pub(super) fn check(page: &Page<'_>) -> Result<u64, Error> {
    Chunks::new(page).try_fold(0, |sum: u64, chunk| Ok(sum.saturating_add(stored(page, &chunk?)?.len() as u64)))
}

/// Decodes a page that [`check`] has passed into `out`, planar: samples x height x width values.
pub(super) fn decode<T: StoredSample>(page: &Page<'_>, out: &mut [T::Value]) -> Result<(), Error> {
    let shape = page.shape;
    let interleaved = page.interleaved();
    let mut row = Vec::new();
    for chunk in Chunks::new(page) {
        let chunk = chunk?;
        let bytes = expand(page, &chunk)?;
        let columns = chunk.width.min(shape.width - chunk.x);
        let rows = chunk.height.min(shape.height - chunk.y);
        for (y, bytes) in bytes.chunks_exact(chunk.row_bytes).take(rows).enumerate() {
            decode_row::<T>(page, bytes, &mut row);
            for sample in 0..interleaved {
                let start = ((chunk.plane + sample) * shape.height + chunk.y + y) * shape.width + chunk.x;
                let to = out.get_mut(start..start + columns).unwrap_or_default();
                for (to, from) in to.iter_mut().zip(row.iter().skip(sample).step_by(interleaved)) {
                    *to = from.value();
                }
            }
        }
    }
    Ok(())
}

/// One strip or tile, in pixels from the page's upper left corner.
struct Chunk {
    index: usize,
    plane: usize,
    y: usize,
    x: usize,
    width: usize,
    height: usize,
    row_bytes: usize,
}

impl Chunk {
    fn bytes(&self) -> usize {
        self.row_bytes * self.height
    }
}

/// The strips or tiles of a page, in their order in the file's lists.
struct Chunks<'p, 'a> {
    page: &'p Page<'a>,
    next: u64,
    end: u64,
}

impl<'p, 'a> Chunks<'p, 'a> {
    fn new(page: &'p Page<'a>) -> Self {
        Self { page, next: 0, end: page.across() * page.down() * page.planes() as u64 }
    }

    fn chunk(&self, index: u64) -> Option<Chunk> {
        let page = self.page;
        let per_plane = page.across() * page.down();
        let y = index % per_plane / page.across() * page.chunk_height;
        let x = index % page.across() * page.chunk_width;
        let bits = page.chunk_width.checked_mul(page.interleaved() as u64)?.checked_mul(page.shape.bits as u64)?;
        // A tile is always whole; the last strip ends with the page.
        let height = if page.tiled { page.chunk_height } else { page.chunk_height.min(page.shape.height as u64 - y) };
        let chunk = Chunk {
            index: usize::try_from(index).ok()?,
            plane: usize::try_from(index / per_plane).ok()?,
            y: usize::try_from(y).ok()?,
            x: usize::try_from(x).ok()?,
            width: usize::try_from(page.chunk_width).ok()?,
            height: usize::try_from(height).ok()?,
            row_bytes: usize::try_from(bits.div_ceil(8)).ok()?,
        };
        chunk.row_bytes.checked_mul(chunk.height)?;
        Some(chunk)
    }
}

impl Iterator for Chunks<'_, '_> {
    type Item = Result<Chunk, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.end {
            return None;
        }
        let index = self.next;
        self.next += 1;
        Some(self.chunk(index).ok_or_else(|| damaged(format!("strip or tile {index} is too large to be addressed"))))
    }
}

/// The bytes of a strip or tile as they are in the file.
fn stored<'a>(page: &Page<'a>, chunk: &Chunk) -> Result<&'a [u8], Error> {
    let offset = page.offsets.get(chunk.index).unwrap_or(0);
    let slice = |length| page.file.slice(offset, length, format_args!("strip or tile {}", chunk.index));
    let expected = chunk.bytes() as u64;
    // The most bytes that one stored byte can stand for: a run of 128 for two bytes; the longest match, 258 bytes, for
    // two bits; the longest entry of the table for a code of 12 bits.
    let ratio = match page.compression {
        // Some writers state wrong counts here; what must be there is known anyway.
        Compression::None => return slice(expected),
        Compression::PackBits => 64,
        Compression::Deflate => 1032,
        Compression::Lzw => 2731,
    };
    let stored = slice(page.byte_counts.get(chunk.index).unwrap_or(0))?;
    if expected > (stored.len() as u64).saturating_mul(ratio) {
        return Err(too_short(chunk, stored.len(), "compressed"));
    }
    Ok(stored)
}

/// All bytes of a strip or tile, decompressed.
fn expand<'a>(page: &Page<'a>, chunk: &Chunk) -> Result<Cow<'a, [u8]>, Error> {
    let stored = stored(page, chunk)?;
    let expected = chunk.bytes();
    let mut bytes = Vec::new();
    let broken = |error: String| damaged(format!("strip or tile {} does not decompress: {error}", chunk.index));
    match page.compression {
        Compression::None => return Ok(Cow::Borrowed(stored)),
        Compression::Deflate => {
            bytes.try_reserve_exact(expected).map_err(|_| Error::Memory { bytes: expected as u64 })?;
            let reader = flate2::read::ZlibDecoder::new(stored);
            reader.take(expected as u64).read_to_end(&mut bytes).map_err(|error| broken(error.to_string()))?;
        }
        Compression::Lzw => bytes = lzw(stored, expected)?.map_err(broken)?,
        Compression::PackBits => bytes = pack_bits(stored, expected),
    }
    if bytes.len() < expected { Err(too_short(chunk, bytes.len(), "decompressed")) } else { Ok(Cow::Owned(bytes)) }
}

fn too_short(chunk: &Chunk, found: usize, state: &str) -> Error {
    let (index, expected) = (chunk.index, chunk.bytes());
    damaged(format!(
        "strip or tile {index} has {found} {state} bytes, not enough for the {expected} bytes of its pixels"
    ))
}

/// At most `expected` bytes; fewer where the data end early.
fn lzw(stored: &[u8], expected: usize) -> Result<Result<Vec<u8>, String>, Error> {
    use weezl::{BitOrder, LzwStatus, decode::Configuration};

    let mut decoder = Configuration::with_tiff_size_switch(BitOrder::Msb, 8).with_yield_on_full_buffer(true).build();
    let mut bytes = zeros(expected)?;
    let (mut read, mut written) = (0, 0);
    while written < expected {
        let from = stored.get(read..).unwrap_or_default();
        let result = decoder.decode_bytes(from, bytes.get_mut(written..).unwrap_or_default());
        read += result.consumed_in;
        written += result.consumed_out;
        match result.status {
            Ok(LzwStatus::Ok) if result.consumed_in + result.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return Ok(Err(error.to_string())),
        }
    }
    bytes.truncate(written);
    Ok(Ok(bytes))
}

/// At most `expected` bytes; fewer where the data end early.
fn pack_bits(stored: &[u8], expected: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = stored;
    while let (true, [head, tail @ ..]) = (bytes.len() < expected, rest) {
        let run = usize::from(*head);
        rest = match (run, tail) {
            (0..=127, _) => {
                let (literal, after) = tail.split_at(tail.len().min(run + 1));
                bytes.extend_from_slice(literal);
                after
            }
            (129..=255, [value, after @ ..]) => {
                bytes.extend(std::iter::repeat_n(*value, 257 - run));
                after
            }
            // 128 stands for nothing.
            _ => tail,
        };
    }
    bytes.truncate(expected);
    bytes
}

/// The samples of one stored row, interleaved, with the predictor undone.
fn decode_row<T: StoredSample>(page: &Page<'_>, bytes: &[u8], row: &mut Vec<T>) {
    row.clear();
    let size = size_of::<T>();
    let bits = page.shape.bits;
    if bits < size * 8 {
        return unpack(bytes, bits, row);
    }
    if page.predictor == Predictor::FloatingPoint {
        let bytes = undo_floating_point(bytes, size, page.interleaved());
        return row.extend(bytes.chunks_exact(size).map(|sample| T::load(sample, true)));
    }
    row.extend(bytes.chunks_exact(size).map(|sample| T::load(sample, page.file.big_endian)));
    if page.predictor == Predictor::Horizontal {
        let interleaved = page.interleaved();
        for index in interleaved..row.len() {
            if let (Some(&left), Some(value)) = (row.get(index - interleaved), row.get(index).copied())
                && let Some(slot) = row.get_mut(index)
            {
                *slot = value.wrapping_add(left);
            }
        }
    }
}

/// Samples of 1 to 15 bits, packed without gaps from the highest bit on.
fn unpack<T: StoredSample>(bytes: &[u8], bits: usize, row: &mut Vec<T>) {
    let mask = (1u32 << bits) - 1;
    let (mut buffer, mut available) = (0u32, 0);
    for &byte in bytes {
        buffer = buffer << 8 | u32::from(byte);
        available += 8;
        while available >= bits {
            available -= bits;
            row.push(T::unpack((buffer >> available & mask) as u16));
        }
    }
}

/// Predictor 3 stores the differences of neighbouring bytes, after it has sorted the bytes of a row by significance.
/// Gives back big-endian samples.
fn undo_floating_point(bytes: &[u8], size: usize, interleaved: usize) -> Vec<u8> {
    let mut sorted = bytes.to_vec();
    for index in interleaved..sorted.len() {
        let left = sorted.get(index - interleaved).copied().unwrap_or(0);
        if let Some(byte) = sorted.get_mut(index) {
            *byte = byte.wrapping_add(left);
        }
    }
    let count = sorted.len() / size;
    (0..count * size).map(|at| sorted.get(at % size * count + at / size).copied().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pack_bits_of_the_specification() {
        let stored = [0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7, 0xaa];
        let mut expected = vec![0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0x22];
        expected.extend([0xaa; 10]);
        assert_eq!(pack_bits(&stored, 24), expected);
        assert_eq!(pack_bits(&stored, 5), expected[..5]);
        assert_eq!(pack_bits(&stored[..4], 24), [0xaa, 0xaa, 0xaa, 0x80]);
        assert_eq!(pack_bits(&[0x80, 0x80, 0xff], 24), []);
    }

    #[test]
    fn packed_samples() {
        let mut row = Vec::<u16>::new();
        unpack(&[0x12, 0x3a, 0xbc], 12, &mut row);
        assert_eq!(row, [0x123, 0xabc]);
        let mut row = Vec::<u8>::new();
        unpack(&[0b1010_0000], 1, &mut row);
        assert_eq!(row, [1, 0, 1, 0, 0, 0, 0, 0]);
    }
}
