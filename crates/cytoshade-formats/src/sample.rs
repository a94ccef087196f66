//! Samples of any type, in memory and in files.

use cytoshade_core::{Sample, Samples};
use half::f16;

use crate::limits::zeros;
use crate::{Error, Format, SampleKind, SampleType};

/// The in-memory type of decoded samples.
///
/// Packed bits and integers of 24 bits become the next wider type with unchanged values; half floats become f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    kind: SampleKind,
    /// Bytes of a sample: 1, 2, 4 or 8.
    pub(crate) bytes: usize,
}

impl Held {
    pub(crate) fn new(format: Format, stored: SampleType) -> Result<Self, Error> {
        let SampleType { kind, bits } = stored;
        let bytes = match (kind, bits) {
            (SampleKind::Unsigned, 1..=8) | (SampleKind::Signed, 8) => 1,
            (SampleKind::Unsigned, 9..=16) | (SampleKind::Signed, 16) => 2,
            (SampleKind::Unsigned, 17..=32) | (SampleKind::Signed, 32) | (SampleKind::Float, 16 | 32) => 4,
            (SampleKind::Unsigned | SampleKind::Signed | SampleKind::Float, 64) => 8,
            _ => {
                let kind = match kind {
                    SampleKind::Float => "float",
                    SampleKind::Other(5 | 6) => "complex",
                    SampleKind::Other(_) => "undefined",
                    SampleKind::Unsigned | SampleKind::Signed => "integer",
                };
                return Err(Error::unsupported(
                    format,
                    format!("{bits}-bit {kind} samples"),
                    "unsigned integers of 1 to 32 or 64 bits, signed of 8, 16, 32 or 64, or floats of 16, 32 or 64",
                ));
            }
        };
        Ok(Self { kind, bytes })
    }

    /// `count` zeros.
    pub(crate) fn zeros(self, count: usize) -> Result<Samples, Error> {
        let mut samples = match (self.kind, self.bytes) {
            (SampleKind::Signed, 1) => i8::samples(zeros(count)?),
            (SampleKind::Signed, 2) => i16::samples(zeros(count)?),
            (SampleKind::Signed, 4) => i32::samples(zeros(count)?),
            (SampleKind::Signed, _) => i64::samples(zeros(count)?),
            (SampleKind::Float, 4) => f32::samples(zeros(count)?),
            (SampleKind::Float, _) => f64::samples(zeros(count)?),
            (_, 1) => u8::samples(zeros(count)?),
            (_, 2) => u16::samples(zeros(count)?),
            (_, 4) => u32::samples(zeros(count)?),
            _ => u64::samples(zeros(count)?),
        };
        cytoshade_safe_io::prefer_huge_pages(bytes_mut(&mut samples));
        Ok(samples)
    }
}

macro_rules! as_bytes {
    ($($variant:ident)*) => {
        /// The bytes of samples, in native byte order.
        pub(crate) fn bytes_mut(samples: &mut Samples) -> &mut [u8] {
            match samples {
                $(Samples::$variant(values) => bytemuck::cast_slice_mut(values),)*
                // The enum belongs to another crate; there are no other variants.
                _ => &mut [],
            }
        }

        /// [`bytes_mut`] for reading.
        pub(crate) fn bytes(samples: &Samples) -> &[u8] {
            match samples {
                $(Samples::$variant(values) => bytemuck::cast_slice(values),)*
                _ => &[],
            }
        }
    };
}
as_bytes!(U8 I8 U16 I16 U32 I32 U64 I64 F32 F64);

/// Reverses the byte order of samples of `width` bytes.
#[inline(never)]
pub(crate) fn swap(bytes: &mut [u8], width: usize) {
    match width {
        2 => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|sample| sample.reverse()),
        4 => bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|sample| sample.reverse()),
        8 => bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|sample| sample.reverse()),
        _ => {}
    }
}

/// Converts half floats in native byte order to f32.
pub(crate) fn widen_halves(halves: &[u8], out: &mut [u8]) {
    for (half, out) in halves.as_chunks::<2>().0.iter().zip(out.as_chunks_mut::<4>().0) {
        *out = f16::from_ne_bytes(*half).to_f32().to_ne_bytes();
    }
}

/// Copies `count` samples of `width` bytes, `step` samples apart in `from`, contiguous in `to`.
#[inline(never)]
pub(crate) fn gather(from: &[u8], step: usize, width: usize, to: &mut [u8]) {
    fn copy<const N: usize>(from: &[u8], step: usize, to: &mut [u8]) {
        let samples = from.as_chunks::<N>().0.iter().step_by(step.max(1));
        for (to, from) in to.as_chunks_mut::<N>().0.iter_mut().zip(samples) {
            *to = *from;
        }
    }
    match width {
        1 => copy::<1>(from, step, to),
        2 => copy::<2>(from, step, to),
        4 => copy::<4>(from, step, to),
        _ => copy::<8>(from, step, to),
    }
}

/// Replaces NaN by the minimum of its plane, in planes of `pixels` floats.
///
/// Returns the number of replaced samples.
pub(crate) fn replace_nan(samples: &mut Samples, pixels: usize) -> usize {
    fn replace<T: Copy + PartialOrd>(values: &mut [T], pixels: usize) -> usize {
        // Only NaN differs from itself.
        let is_nan = |value: &T| value.partial_cmp(value).is_none();
        let mut replaced = 0;
        for plane in values.chunks_mut(pixels.max(1)) {
            let numbers = plane.iter().copied().filter(|value| !is_nan(value));
            let Some(least) = numbers.reduce(|least, value| if value < least { value } else { least }) else {
                continue;
            };
            for value in plane.iter_mut().filter(|value| is_nan(value)) {
                *value = least;
                replaced += 1;
            }
        }
        replaced
    }
    match samples {
        Samples::F32(values) => replace(values, pixels),
        Samples::F64(values) => replace(values, pixels),
        _ => 0,
    }
}
