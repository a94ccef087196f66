//! Images: samples of any numeric type.

#[cfg(feature = "image")]
mod dynamic;
mod samples;
mod view;

pub use samples::{Sample, Samples, SamplesView};
pub use view::ImageView;

use crate::container::check_len;
use crate::{Error, Planes};

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
    /// [`Error::SampleCount`] if the buffer's length is not the product of the sides, [`Error::NoChannels`], and
    /// [`Error::ImageTooSmall`] if a side is under 2 pixels.
    pub fn new<T: Sample>(planar: Vec<T>, channels: usize, height: usize, width: usize) -> Result<Self, Error> {
        Self::from_samples(T::samples(planar), channels, height, width)
    }

    /// [`Image::new`] for samples whose type is known only at run time.
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn from_samples(samples: Samples, channels: usize, height: usize, width: usize) -> Result<Self, Error> {
        check_shape(samples.len(), channels, height, width)?;
        Ok(Self { channels, height, width, samples })
    }

    /// An image from interleaved samples: all channels of pixel (0, 0), then of pixel (0, 1), and so on.
    /// [`ImageView::interleaved`] borrows them instead.
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn interleaved<T: Sample>(pixels: &[T], height: usize, width: usize, channels: usize) -> Result<Self, Error> {
        Ok(ImageView::interleaved(pixels, height, width, channels)?.to_image())
    }

    /// An image from 8-bit RGBA pixels, such as a browser's `ImageData`. Alpha is dropped, as in the reference's image
    /// reader. [`ImageView::rgba8`] borrows them instead.
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn from_rgba8(pixels: &[u8], height: usize, width: usize) -> Result<Self, Error> {
        Ok(ImageView::rgba8(pixels, height, width)?.to_image())
    }

    /// An image from an array of shape [channels, height, width], of any memory layout.
    ///
    /// # Errors
    /// As [`Image::new`].
    #[cfg(feature = "ndarray")]
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

    /// The samples, planar.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The image, borrowed.
    pub fn view(&self) -> ImageView<'_> {
        ImageView::planar(self.samples.view(), self.channels, self.height, self.width)
    }

    /// One channel, counted from 0, as one plane of f32.
    ///
    /// # Errors
    /// [`Error::NotFinite`] with the first sample that is not finite as f32; [`Error::NoSuchChannel`] if the image has
    /// no such channel.
    pub fn to_planes(&self, channel: usize) -> Result<Planes, Error> {
        self.view().to_planes(channel)
    }
}

/// Checks that an image has channels and sides of at least 2 pixels, and that a buffer of `found` samples holds it.
fn check_shape(found: usize, channels: usize, height: usize, width: usize) -> Result<(), Error> {
    if channels == 0 {
        return Err(Error::NoChannels);
    }
    if height < 2 || width < 2 {
        return Err(Error::ImageTooSmall { height, width });
    }
    check_len(found, &[channels, height, width])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_that_is_not_finite_is_located() {
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
        assert!(matches!(Image::interleaved(&[0u8; 4], 2, 2, 0), Err(Error::NoChannels)));
        assert!(matches!(ImageView::interleaved(&[0u8; 11], 2, 2, 3), Err(Error::SampleCount { expected: 12, .. })));
        assert!(matches!(ImageView::rgba8(&[0u8; 12], 2, 2), Err(Error::SampleCount { expected: 16, .. })));
    }

    #[test]
    fn an_interleaved_view_is_the_planar_image() {
        let pixels: Vec<i16> = (0..4 * 5 * 3).map(|at| at * 7 - 100).collect();
        let view = ImageView::interleaved(&pixels, 4, 5, 3).unwrap();
        let image = Image::interleaved(&pixels, 4, 5, 3).unwrap();
        for channel in 0..3 {
            assert_eq!(view.to_planes(channel).unwrap(), image.to_planes(channel).unwrap());
        }
        assert!(matches!(view.to_planes(3), Err(Error::NoSuchChannel { chan: 4, channels: 3, .. })));
        let mut floats: Vec<f32> = pixels.iter().map(|&value| value.into()).collect();
        floats[(2 * 5 + 4) * 3 + 1] = f32::NAN;
        let view = ImageView::interleaved(&floats, 4, 5, 3).unwrap();
        let error = view.to_planes(1).unwrap_err();
        assert_eq!(error, Error::NotFinite { value: "NaN".into(), channel: 1, y: 2, x: 4 });
        assert!(view.to_planes(0).is_ok());
    }

    #[test]
    fn rgba_loses_alpha() {
        let image = Image::from_rgba8(&[1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 0, 10, 11, 12, 0], 2, 2).unwrap();
        assert_eq!(image.samples(), &Samples::U8(vec![1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12]));
    }
}
