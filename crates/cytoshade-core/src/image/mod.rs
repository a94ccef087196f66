//! The image that comes in: planar samples of any numeric type.

use crate::{Error, Planes};

/// The samples of an [`Image`] in the type they were stored in, planar: channel by channel, row by row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Samples {
    /// Unsigned 8-bit.
    U8(Vec<u8>),
    /// Signed 8-bit.
    I8(Vec<i8>),
    /// Unsigned 16-bit.
    U16(Vec<u16>),
    /// Signed 16-bit.
    I16(Vec<i16>),
    /// Unsigned 32-bit.
    U32(Vec<u32>),
    /// Signed 32-bit.
    I32(Vec<i32>),
    /// Unsigned 64-bit.
    U64(Vec<u64>),
    /// Signed 64-bit.
    I64(Vec<i64>),
    /// 32-bit float.
    F32(Vec<f32>),
    /// 64-bit float.
    F64(Vec<f64>),
}

/// A numeric type that an [`Image`] can be made of.
pub trait Sample: Copy + Send + Sync + 'static + sealed::Sealed {
    /// Wraps a planar buffer.
    fn samples(values: Vec<Self>) -> Samples;
    /// The value as f32, rounded as numpy's `astype("float32")` rounds.
    fn to_f32(self) -> f32;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! samples {
    ($($variant:ident $type:ty),*) => {
        $(
            impl sealed::Sealed for $type {}
            impl Sample for $type {
                fn samples(values: Vec<Self>) -> Samples {
                    Samples::$variant(values)
                }
                fn to_f32(self) -> f32 {
                    self as f32
                }
            }
        )*

        impl Samples {
            /// Number of samples.
            pub fn len(&self) -> usize {
                match self { $(Samples::$variant(values) => values.len()),* }
            }

            /// True where there are none.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// The samples in `range` as f32, appended to `out`.
            fn extend_f32(&self, range: std::ops::Range<usize>, out: &mut Vec<f32>) {
                match self { $(Samples::$variant(values) => extend_f32(values.get(range).unwrap_or_default(), out),)* }
            }

            fn show(&self, index: usize) -> String {
                match self { $(Samples::$variant(values) => {
                    values.get(index).map_or_else(String::new, ToString::to_string)
                })* }
            }
        }
    };
}

/// Not drawn into the one function that knows all types: of that a browser would compile everything for speed once one of
/// its loops has run for a while.
#[inline(never)]
fn extend_f32<T: Sample>(values: &[T], out: &mut Vec<f32>) {
    out.extend(values.iter().map(|value| value.to_f32()));
}

samples!(U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, U64 u64, I64 i64, F32 f32, F64 f64);

/// An image of shape [channels, height, width] in any integer or float type.
///
/// ```
/// use cytoshade_core::Image;
/// let grey = Image::new(vec![0u16; 6], 1, 2, 3)?;
/// assert_eq!((grey.channels(), grey.height(), grey.width()), (1, 2, 3));
/// let rgb = Image::interleaved(&[1u8, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 2, 2, 3)?;
/// assert_eq!(rgb.to_planes(1)?.plane(0), [2.0, 5.0, 8.0, 11.0]);
/// # Ok::<(), cytoshade_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    channels: usize,
    height: usize,
    width: usize,
    samples: Samples,
}

impl Image {
    /// An image from planar samples: all of channel 0 row by row, then channel 1, and so on.
    ///
    /// # Errors
    /// [`Error::SampleCount`] where the buffer's length is not the product of the sides, [`Error::NoChannels`], and
    /// [`Error::ImageTooSmall`] where a side is under 2 pixels.
    pub fn new<T: Sample>(planar: Vec<T>, channels: usize, height: usize, width: usize) -> Result<Self, Error> {
        Self::from_samples(T::samples(planar), channels, height, width)
    }

    /// As [`Image::new`], for samples whose type is known only at run time.
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn from_samples(samples: Samples, channels: usize, height: usize, width: usize) -> Result<Self, Error> {
        if channels == 0 {
            return Err(Error::NoChannels);
        }
        if height < 2 || width < 2 {
            return Err(Error::ImageTooSmall { height, width });
        }
        check_count(samples.len(), channels, height, width)?;
        Ok(Self { channels, height, width, samples })
    }

    /// An image from interleaved samples: all channels of pixel (0, 0), then of pixel (0, 1), and so on.
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn interleaved<T: Sample>(pixels: &[T], height: usize, width: usize, channels: usize) -> Result<Self, Error> {
        check_count(pixels.len(), channels, height, width)?;
        let mut planar = Vec::with_capacity(pixels.len());
        for channel in 0..channels {
            planar.extend(pixels.iter().skip(channel).step_by(channels).copied());
        }
        Self::new(planar, channels, height, width)
    }

    /// An image from 8-bit RGBA pixels, as a browser's `ImageData` holds them. Alpha is dropped, as the reference's
    /// image reader drops it.
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn from_rgba8(pixels: &[u8], height: usize, width: usize) -> Result<Self, Error> {
        check_count(pixels.len(), 4, height, width)?;
        let mut planar = Vec::with_capacity(pixels.len() / 4 * 3);
        for channel in 0..3 {
            planar.extend(pixels.iter().skip(channel).step_by(4).copied());
        }
        Self::new(planar, 3, height, width)
    }

    /// An image from an array of shape [channels, height, width], of any memory layout.
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn from_array<T: Sample>(array: ndarray::ArrayView3<'_, T>) -> Result<Self, Error> {
        let (channels, height, width) = array.dim();
        Self::new(array.iter().copied().collect(), channels, height, width)
    }

    /// Number of channels, at least 1.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Height in pixels, at least 2.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width in pixels, at least 2.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The samples as they are stored, planar.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// One channel (counted from 0) as f32.
    ///
    /// # Errors
    /// [`Error::NotFinite`], which says where; [`Error::NoSuchChannel`].
    pub fn to_planes(&self, channel: usize) -> Result<Planes, Error> {
        if channel >= self.channels {
            return Err(Error::NoSuchChannel {
                name: "channel",
                chan: channel + 1,
                channels: self.channels,
                zero_means: "none",
            });
        }
        let pixels = self.height * self.width;
        let first = channel * pixels;
        let mut plane = Vec::with_capacity(pixels);
        self.samples.extend_f32(first..first + pixels, &mut plane);
        if let Some(at) = plane.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                value: self.samples.show(first + at),
                channel,
                y: at / self.width,
                x: at % self.width,
            });
        }
        Planes::new(plane, 1, self.height, self.width)
    }
}

pub(crate) fn check_count(found: usize, channels: usize, height: usize, width: usize) -> Result<(), Error> {
    let expected = channels.checked_mul(height).and_then(|n| n.checked_mul(width)).unwrap_or(usize::MAX);
    if found == expected { Ok(()) } else { Err(Error::SampleCount { found, expected, channels, height, width }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_finite_says_where() {
        let mut values = vec![0.0f64; 2 * 3 * 4];
        values[12 + 4 + 2] = f64::INFINITY;
        let image = Image::new(values, 2, 3, 4).unwrap();
        assert!(image.to_planes(0).is_ok());
        assert_eq!(image.to_planes(1).unwrap_err(), Error::NotFinite { value: "inf".into(), channel: 1, y: 1, x: 2 });
    }

    #[test]
    fn a_double_too_large_for_f32_is_refused() {
        let image = Image::new(vec![1e300f64; 4], 1, 2, 2).unwrap();
        assert!(matches!(image.to_planes(0), Err(Error::NotFinite { .. })));
    }

    #[test]
    fn shapes_are_checked() {
        assert!(matches!(Image::new(vec![0u8; 5], 1, 2, 3), Err(Error::SampleCount { expected: 6, .. })));
        assert!(matches!(Image::new(vec![0u8; 1], 1, 1, 1), Err(Error::ImageTooSmall { .. })));
        assert!(matches!(Image::new(Vec::<u8>::new(), 1, 0, 0), Err(Error::ImageTooSmall { .. })));
        assert!(matches!(Image::new(Vec::<u8>::new(), 0, 2, 2), Err(Error::NoChannels)));
        assert!(matches!(
            Image::new(vec![0u8; 4], usize::MAX, 2, 2),
            Err(Error::SampleCount { expected: usize::MAX, .. })
        ));
        assert!(matches!(Image::interleaved(&[0u8; 4], 2, 2, 0), Err(Error::SampleCount { .. })));
    }

    #[test]
    fn rgba_loses_alpha() {
        let image = Image::from_rgba8(&[1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 0, 10, 11, 12, 0], 2, 2).unwrap();
        assert_eq!(image.samples(), &Samples::U8(vec![1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12]));
    }
}
