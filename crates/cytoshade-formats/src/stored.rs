//! Numbers as files store them.

use cytoshade_core::Sample;
use half::f16;

/// A sample as it is stored.
pub(crate) trait Stored: Copy + Default {
    /// What an image holds it as.
    type Value: Sample + Default;
    /// From the `size_of::<Self>()` bytes of one sample.
    fn load(bytes: &[u8], big_endian: bool) -> Self;
    /// From bits that were packed more tightly than bytes.
    fn unpack(bits: u16) -> Self;
    /// The sum of the bits, as predictor 2 takes it for floats too.
    fn wrapping_add(self, other: Self) -> Self;
    /// As the image holds it.
    fn value(self) -> Self::Value;
}

macro_rules! integer {
    ($($type:ident)*) => { $(
        impl Stored for $type {
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
integer!(u8 i8 u16 i16 u32 i32 u64 i64);

macro_rules! float {
    ($($type:ident $value:ident $bits:ident),*) => { $(
        impl Stored for $type {
            type Value = $value;
            fn load(bytes: &[u8], big_endian: bool) -> Self {
                Self::from_bits($bits::load(bytes, big_endian))
            }
            fn unpack(bits: u16) -> Self {
                Self::from_bits($bits::from(bits))
            }
            fn wrapping_add(self, other: Self) -> Self {
                Self::from_bits(self.to_bits().wrapping_add(other.to_bits()))
            }
            fn value(self) -> Self::Value {
                self.into()
            }
        }
    )* };
}
float!(f16 f32 u16, f32 f32 u32, f64 f64 u64);
