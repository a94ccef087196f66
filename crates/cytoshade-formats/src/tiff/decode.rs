//! Decodes the strips or tiles of a page into planes of samples.
//!
//! Source: TIFF 6.0 (Adobe, 1992), sections 14 (predictor 2) and 15 (tiles); TIFF Technical Note 3 (2005) for predictor 3.

use std::borrow::Cow;

use super::codec::{Codec, Order};
use super::directory::File;
use super::page::Page;
use super::plan::{Band, Plan, too_short};
use crate::limits::zeros;
use crate::sample::{Held, gather, swap, widen_halves};
use crate::{Error, Format, SampleKind, parallel};

/// Decodes a planned page into `out`: its planes of height x width samples of type `held`.
pub(super) fn decode(file: &File<'_>, page: &Page, plan: &Plan, held: Held, out: &mut [u8]) -> Result<(), Error> {
    let rows = RowFormat::new(file, page, plan, held)?;
    let reader = Reader { file, page, plan, rows: &rows };
    parallel::for_each(reader.tasks(out), |task| reader.band(task))
}

/// A band and the rows that it fills in each plane.
struct Task<'o> {
    band: Band,
    planes: Vec<&'o mut [u8]>,
}

struct Reader<'r, 'a> {
    file: &'r File<'a>,
    page: &'r Page,
    plan: &'r Plan,
    rows: &'r RowFormat,
}

impl Reader<'_, '_> {
    /// Assigns each band the rows that it fills.
    fn tasks<'o>(&self, out: &'o mut [u8]) -> Vec<Task<'o>> {
        let row = self.page.kind.width * self.rows.held.bytes;
        let plane_bytes = (row * self.page.kind.height).max(1);
        let mut planes: Vec<&mut [u8]> = out.chunks_exact_mut(plane_bytes).collect();
        let interleaved = self.page.interleaved();
        self.plan
            .bands
            .iter()
            .map(|band| {
                let (from, to) = (band.plane, band.plane + interleaved);
                let planes = planes.get_mut(from..to).unwrap_or_default().iter_mut().map(|plane| {
                    let (rows, rest) = std::mem::take(plane).split_at_mut(band.rows * row);
                    *plane = rest;
                    rows
                });
                Task { band: *band, planes: planes.collect() }
            })
            .collect()
    }

    fn band(&self, Task { band, mut planes }: Task<'_>) -> Result<(), Error> {
        if let ([plane], true) = (&mut planes[..], self.rows.is_plain && self.plan.across == 1) {
            return self.plain(&band, plane);
        }
        let width = self.page.kind.width;
        let mut scratch = Scratch::default();
        for at in 0..self.plan.across {
            let x = at * self.plan.chunk_width;
            let columns = self.plan.chunk_width.min(width.saturating_sub(x));
            let Some((mut bytes, order)) = self.chunk(&band, band.first + at)? else { continue };
            for (y, bytes) in bytes.chunks_exact_mut(self.plan.row_bytes).take(band.rows).enumerate() {
                let samples = self.rows.decode(bytes, order, &mut scratch);
                let start = (y * width + x) * self.rows.held.bytes;
                let end = start + columns * self.rows.held.bytes;
                for (sample, plane) in planes.iter_mut().enumerate() {
                    let to = plane.get_mut(start..end).unwrap_or_default();
                    let from = samples.get(sample * self.rows.held.bytes..).unwrap_or_default();
                    if self.rows.interleaved == 1 {
                        let length = to.len().min(from.len());
                        to[..length].copy_from_slice(&from[..length]);
                    } else {
                        gather(from, self.rows.interleaved, self.rows.held.bytes, to);
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads rows directly into place, if the file stores them in the in-memory type.
    fn plain(&self, band: &Band, out: &mut [u8]) -> Result<(), Error> {
        let Some(chunk) = self.plan.chunks.get(band.first).filter(|chunk| chunk.length > 0) else { return Ok(()) };
        self.file.source.read(chunk.offset + (band.skip * self.plan.row_bytes) as u64, out)?;
        if self.rows.swapped {
            swap(out, self.rows.held.bytes);
        }
        Ok(())
    }

    /// The bytes of a strip or tile from the first row of the band on; `None` if it is not stored.
    fn chunk(&self, band: &Band, index: usize) -> Result<Option<(Vec<u8>, Order)>, Error> {
        let Some(chunk) = self.plan.chunks.get(index).filter(|chunk| chunk.length > 0) else { return Ok(None) };
        if matches!(self.plan.codec, Codec::None) {
            let mut bytes = zeros(self.plan.row_bytes.saturating_mul(band.rows))?;
            self.file.source.read(chunk.offset + (band.skip * self.plan.row_bytes) as u64, &mut bytes)?;
            if self.page.reversed_bits {
                reverse_bits(&mut bytes);
            }
            return Ok(Some((bytes, Order::File)));
        }
        let what = format_args!("strip or tile {index}");
        let mut stored = self.file.source.slice(Format::Tiff, chunk.offset, chunk.length, what)?;
        if self.page.reversed_bits && !self.plan.codec.is_picture() {
            reverse_bits(Cow::to_mut(&mut stored));
        }
        let expected = self.plan.decoded(self.page, band);
        let (bytes, order) = self.plan.codec.decode(self.file, self.page, index, &stored, expected)?;
        if bytes.len() < expected {
            return Err(too_short(index, bytes.len() as u64, "decompressed", expected));
        }
        Ok(Some((bytes, order)))
    }
}

fn reverse_bits(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
}

/// The storage of the samples of a row.
struct RowFormat {
    held: Held,
    bits: usize,
    is_half: bool,
    predictor: Predictor,
    interleaved: usize,
    /// The file's byte order differs from the machine's.
    swapped: bool,
    big_endian: bool,
    /// Uncompressed rows of one sample per pixel in the in-memory type, apart from byte order.
    is_plain: bool,
}

/// The transformation of a row before compression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Predictor {
    None,
    Horizontal,
    FloatingPoint,
}

/// Memory reused for each row.
#[derive(Default)]
struct Scratch {
    row: Vec<u8>,
    wide: Vec<u8>,
}

impl RowFormat {
    fn new(file: &File<'_>, page: &Page, plan: &Plan, held: Held) -> Result<Self, Error> {
        let bits = page.kind.sample_type.bits;
        let is_float = page.kind.sample_type.kind == SampleKind::Float;
        let predictor = match page.predictor {
            // The tag applies only to compressed samples.
            _ if !plan.codec.has_predictor() => Predictor::None,
            1 => Predictor::None,
            2 if matches!(bits, 8 | 16 | 32 | 64) => Predictor::Horizontal,
            3 if is_float => Predictor::FloatingPoint,
            other => {
                return Err(Error::unsupported(
                    Format::Tiff,
                    format!("the predictor {other} on {bits}-bit samples"),
                    "none, horizontal on 8, 16, 32 or 64 bits, or floating-point on floats",
                ));
            }
        };
        let is_half = is_float && bits == 16;
        let swapped = file.big_endian != cfg!(target_endian = "big");
        let interleaved = page.interleaved();
        let is_raw = matches!(plan.codec, Codec::None) && !page.reversed_bits;
        let is_plain = is_raw && interleaved == 1 && !is_half && bits == held.bytes * 8 && !page.tiled;
        Ok(Self { held, bits, is_half, predictor, interleaved, swapped, big_endian: file.big_endian, is_plain })
    }

    /// Decodes a stored row to interleaved samples in the in-memory type.
    fn decode<'r>(&self, bytes: &'r mut [u8], order: Order, scratch: &'r mut Scratch) -> &'r [u8] {
        let stored_bytes = if self.is_half { 2 } else { self.held.bytes };
        if order == Order::Native {
            return bytes;
        }
        if self.bits < stored_bytes * 8 {
            scratch.row.clear();
            if self.bits == 24 && !self.big_endian {
                bytes
                    .as_chunks::<3>()
                    .0
                    .iter()
                    .for_each(|&[a, b, c]| scratch.row.extend(u32::from_le_bytes([a, b, c, 0]).to_ne_bytes()));
            } else {
                unpack(bytes, self.bits, self.held.bytes, &mut scratch.row);
            }
            return &scratch.row;
        }
        let bytes = match self.predictor {
            Predictor::FloatingPoint => {
                undo_floating_point(bytes, stored_bytes, self.interleaved, &mut scratch.row);
                &mut scratch.row[..]
            }
            _ => {
                if self.swapped {
                    swap(bytes, stored_bytes);
                }
                bytes
            }
        };
        if self.predictor == Predictor::Horizontal {
            undo_horizontal(bytes, stored_bytes, self.interleaved);
        }
        if self.is_half {
            scratch.wide.resize(bytes.len() * 2, 0);
            widen_halves(bytes, &mut scratch.wide);
            return &scratch.wide;
        }
        bytes
    }
}

/// Unpacks samples narrower than their bytes, stored from the highest bit on, to `width` bytes each.
fn unpack(bytes: &[u8], bits: usize, width: usize, row: &mut Vec<u8>) {
    if bits == 1 {
        return bytes.iter().for_each(|byte| row.extend([7, 6, 5, 4, 3, 2, 1, 0].map(|bit| byte >> bit & 1)));
    }
    let mask = (1u64 << bits) - 1;
    let (mut buffer, mut available) = (0u64, 0);
    for &byte in bytes {
        buffer = buffer << 8 | u64::from(byte);
        available += 8;
        while available >= bits {
            available -= bits;
            let sample = buffer >> available & mask;
            match width {
                1 => row.push(sample as u8),
                2 => row.extend((sample as u16).to_ne_bytes()),
                _ => row.extend((sample as u32).to_ne_bytes()),
            }
        }
    }
}

/// Predictor 2 stores the differences of neighbouring samples; for floats, of their bit patterns.
#[inline(never)]
fn undo_horizontal(bytes: &mut [u8], width: usize, interleaved: usize) {
    macro_rules! sums {
        ($type:ty, $bytes:literal) => {{
            let row = bytes.as_chunks_mut::<$bytes>().0;
            let (mut left, mut rest) = row.split_at_mut(interleaved.min(row.len()));
            while !rest.is_empty() {
                let (here, after) = rest.split_at_mut(interleaved.min(rest.len()));
                for (here, left) in here.iter_mut().zip(left.iter()) {
                    let sum = <$type>::from_ne_bytes(*here).wrapping_add(<$type>::from_ne_bytes(*left));
                    *here = sum.to_ne_bytes();
                }
                (left, rest) = (here, after);
            }
        }};
    }
    macro_rules! running {
        ($type:ty, $bytes:literal) => {{
            let mut sum: $type = 0;
            for sample in bytes.as_chunks_mut::<$bytes>().0 {
                sum = sum.wrapping_add(<$type>::from_ne_bytes(*sample));
                *sample = sum.to_ne_bytes();
            }
        }};
    }
    match (width, interleaved) {
        (1, 1) => running!(u8, 1),
        (2, 1) => running!(u16, 2),
        (1, _) => sums!(u8, 1),
        (2, _) => sums!(u16, 2),
        (4, _) => sums!(u32, 4),
        _ => sums!(u64, 8),
    }
}

/// Predictor 3 stores the differences of neighbouring bytes, sorted by significance in each row.
fn undo_floating_point(bytes: &mut [u8], size: usize, interleaved: usize, row: &mut Vec<u8>) {
    for index in interleaved..bytes.len() {
        let left = bytes.get(index - interleaved).copied().unwrap_or(0);
        if let Some(byte) = bytes.get_mut(index) {
            *byte = byte.wrapping_add(left);
        }
    }
    let count = bytes.len() / size;
    let significance = |byte: usize| if cfg!(target_endian = "big") { byte } else { size - 1 - byte };
    row.clear();
    row.extend(
        (0..count * size).map(|at| bytes.get(significance(at % size) * count + at / size).copied().unwrap_or(0)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_samples() {
        let mut row = Vec::new();
        unpack(&[0x12, 0x3a, 0xbc], 12, 2, &mut row);
        assert_eq!(row, [0x123u16, 0xabc].map(u16::to_ne_bytes).as_flattened());
        let mut row = Vec::new();
        unpack(&[0b1010_0000], 1, 1, &mut row);
        assert_eq!(row, [1, 0, 1, 0, 0, 0, 0, 0]);
        let mut row = Vec::new();
        unpack(&[0x12, 0x34, 0x56], 24, 4, &mut row);
        assert_eq!(row, 0x123456u32.to_ne_bytes());
    }

    #[test]
    fn differences_of_pixels() {
        let mut row = [1, 2, 3, 10, 20, 30, 1, 1, 1];
        undo_horizontal(&mut row, 1, 3);
        assert_eq!(row, [1, 2, 3, 11, 22, 33, 12, 23, 34]);
        let mut row = [1u16, 65535, 5].map(u16::to_ne_bytes).concat();
        undo_horizontal(&mut row, 2, 1);
        assert_eq!(row, [1u16, 0, 5].map(u16::to_ne_bytes).concat());
    }
}
