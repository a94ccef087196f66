//! Numbers as files store them.

use cytoshade_core::{Sample, Samples};
use half::f16;

/// A sample as it is stored, as far as reading it goes: signed integers and floats are read as the unsigned words of their
/// bits, and half floats as f32. So a browser loads the readers five times and not eleven times.
pub(crate) trait StoredSample: Copy + Default {
    /// What it is read as.
    type Value: Copy + Default;
    /// From the `size_of::<Self>()` bytes of one sample.
    fn load(bytes: &[u8], big_endian: bool) -> Self;
    /// From bits that were packed more tightly than bytes.
    fn unpack(bits: u16) -> Self;
    /// The sum of the bits, as predictor 2 takes it for floats too.
    fn wrapping_add(self, other: Self) -> Self;
    /// As it is read.
    fn value(self) -> Self::Value;
}

macro_rules! word {
    ($($type:ident)*) => { $(
        impl StoredSample for $type {
            type Value = $type;
            fn load(bytes: &[u8], big_endian: bool) -> Self {
                let bytes = bytes.try_into().unwrap_or_default();
                if big_endian { Self::from_be_bytes(bytes) } else { Self::from_le_bytes(bytes) }
            }
            fn unpack(bits: u16) -> Self {
                bits as Self
            }
            fn wrapping_add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            fn value(self) -> Self::Value {
                self
            }
        }
    )* };
}
word!(u8 u16 u32 u64);

impl StoredSample for f16 {
    type Value = f32;
    fn load(bytes: &[u8], big_endian: bool) -> Self {
        Self::from_bits(u16::load(bytes, big_endian))
    }
    fn unpack(bits: u16) -> Self {
        Self::from_bits(bits)
    }
    fn wrapping_add(self, other: Self) -> Self {
        Self::from_bits(self.to_bits().wrapping_add(other.to_bits()))
    }
    fn value(self) -> f32 {
        self.into()
    }
}

/// What was read as an image holds it: as it is, or words as other numbers of their bits, in the same memory.
pub(crate) type Wrap<T> = fn(Vec<<T as StoredSample>::Value>) -> Samples;

macro_rules! wraps {
    ($($wrap:ident: $word:ident as $type:ident by $cast:expr;)*) => { $(
        pub(crate) fn $wrap(words: Vec<$word>) -> Samples {
            $type::samples(words.into_iter().map($cast).collect())
        }
    )* };
}
wraps! {
    signed8: u8 as i8 by |word| word as i8;
    signed16: u16 as i16 by |word| word as i16;
    signed32: u32 as i32 by |word| word as i32;
    signed64: u64 as i64 by |word| word as i64;
    float32: u32 as f32 by f32::from_bits;
    float64: u64 as f64 by f64::from_bits;
}
