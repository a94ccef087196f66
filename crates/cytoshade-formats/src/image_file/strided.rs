//! Extracts images from arrays with axes in any order.

use std::sync::Mutex;

use crate::arrange::Role;
use crate::limits::Meter;
use crate::sample::{Held, gather, swap, widen_halves};
use crate::source::Source;
use crate::{Error, Format, Item, SampleKind, Series};

/// An array in a file, with the stride of each axis in elements.
pub(super) struct Stored<'s, 'a> {
    pub(super) source: &'s Source<'a>,
    pub(super) strides: &'s [usize],
    pub(super) big_endian: bool,
    pub(super) offset: u64,
}

impl Stored<'_, '_> {
    /// Reads the planes of one image. Reads the file from the image's first sample to its last.
    pub(super) fn read(
        &self,
        series: &Series,
        item: &Item,
        index: &[usize],
        held: Held,
        out: &mut [u8],
        meter: &Mutex<Meter<'_>>,
    ) -> Result<(), Error> {
        let is_half = series.sample_type == (crate::SampleType { kind: SampleKind::Float, bits: 16 });
        let width = series.sample_type.bits / 8;
        let swapped = self.big_endian != cfg!(target_endian = "big");
        let first = element(self.strides, index);
        let mut last = first;
        let mut is_whole = !is_half;
        let mut expected = 1;
        for ((role, axis), stride) in item.roles.roles.iter().zip(&series.axes).zip(self.strides).rev() {
            if matches!(role, Role::Channel | Role::Y | Role::X) {
                last += (axis.length - 1) * stride;
                is_whole &= axis.length == 1 || *stride == expected;
                expected = expected.saturating_mul(axis.length);
            }
        }
        let place = self.offset + (first * width) as u64;
        let in_order = item.roles.roles.iter().filter(|role| matches!(role, Role::Channel | Role::Y | Role::X));
        let rank = |role: &Role| match role {
            Role::Channel => 0,
            Role::Y => 1,
            _ => 2,
        };
        if is_whole && in_order.map(rank).is_sorted() {
            self.source.read(place, out)?;
            if swapped {
                swap(out, width);
            }
            return Ok(());
        }
        let span = (last + 1 - first).saturating_mul(width);
        let charged = span as u64 + if is_half { out.len() as u64 } else { 0 };
        super::lock(meter).bytes(charged)?;
        let stored = self.source.slice(Format::Npy, place, span as u64, "the array")?;
        let array = Array { bytes: &stored, first, strides: self.strides };
        if is_half {
            let mut halves = crate::limits::zeros(out.len() / 2)?;
            array.gather_image(series, item, index, width, &mut halves);
            if swapped {
                swap(&mut halves, width);
            }
            widen_halves(&halves, out);
        } else {
            array.gather_image(series, item, index, held.bytes, out);
            if swapped {
                swap(out, width);
            }
        }
        super::lock(meter).free(charged);
        Ok(())
    }
}

/// The strides of an array in C order, whose last axis is the fastest.
pub(super) fn c_order(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for at in (1..shape.len()).rev() {
        strides[at - 1] = strides[at] * shape[at];
    }
    strides
}

fn element(strides: &[usize], index: &[usize]) -> usize {
    strides.iter().zip(index).map(|(stride, index)| stride * index).sum()
}

/// A part of an array in memory.
pub(super) struct Array<'a> {
    pub(super) bytes: &'a [u8],
    /// The number of the first element in memory.
    pub(super) first: usize,
    pub(super) strides: &'a [usize],
}

impl Array<'_> {
    /// Copies the planes of one image, of samples of `width` bytes.
    pub(super) fn gather_image(&self, series: &Series, item: &Item, index: &[usize], width: usize, out: &mut [u8]) {
        let stride = |role| item.roles.position(role).and_then(|at| self.strides.get(at)).copied().unwrap_or(0);
        let (y_stride, x_stride) = (stride(Role::Y), stride(Role::X));
        let channel_axes: Vec<(usize, usize)> = (item.roles.roles.iter().zip(&series.axes).zip(self.strides))
            .filter(|((role, _), _)| **role == Role::Channel)
            .map(|((_, axis), stride)| (axis.length, *stride))
            .collect();
        let start = element(self.strides, index) - self.first;
        for (row, out) in out.chunks_exact_mut((item.width * width).max(1)).enumerate() {
            let (mut channel, y) = (row / item.height, row % item.height);
            let mut at = start + y * y_stride;
            for (length, stride) in channel_axes.iter().rev() {
                at += channel % length * stride;
                channel /= length;
            }
            gather(self.bytes.get(at * width..).unwrap_or_default(), x_stride, width, out);
        }
    }
}

/// Interleaves planes into pixels.
pub(super) fn interleave(planes: &[u8], samples: usize, width: usize, out: &mut [u8]) {
    let pixels = planes.len() / (samples * width).max(1);
    for (pixel, out) in out.chunks_exact_mut((samples * width).max(1)).enumerate() {
        for (sample, out) in out.chunks_exact_mut(width).enumerate() {
            let at = (sample * pixels + pixel) * width;
            if let Some(from) = planes.get(at..at + width) {
                out.copy_from_slice(from);
            }
        }
    }
}
