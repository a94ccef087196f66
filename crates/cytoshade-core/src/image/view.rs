//! A borrowed image.

use super::samples::{Sample, SamplesView};
use super::{Image, check_shape};
use crate::{Error, Planes};

/// A borrowed image of shape [channels, height, width], planar or interleaved, in any integer or float type.
///
/// A segmentation copies only the channels that the network reads, as f32.
///
/// ```
/// use cytoshade_core::ImageView;
/// let rgb = [1u8, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
/// let view = ImageView::interleaved(&rgb, 2, 2, 3)?;
/// assert_eq!(view.to_planes(1)?.plane(0), [2.0, 5.0, 8.0, 11.0]);
/// # Ok::<(), cytoshade_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ImageView<'a> {
    samples: SamplesView<'a>,
    channels: usize,
    height: usize,
    width: usize,
    /// Distance in samples from a channel of a pixel to the next channel.
    channel_stride: usize,
    /// Distance in samples from a pixel to the next one.
    pixel_stride: usize,
}

impl<'a> ImageView<'a> {
    /// A view of planar samples: all of channel 0 row by row, then channel 1, and so on.
    ///
    /// # Errors
    /// [`Error::SampleCount`] if the buffer's length is not the product of the sides, [`Error::NoChannels`], and
    /// [`Error::ImageTooSmall`] if a side is under 2 pixels.
    pub fn new<T: Sample>(planar: &'a [T], channels: usize, height: usize, width: usize) -> Result<Self, Error> {
        check_shape(planar.len(), channels, height, width)?;
        Ok(Self::planar(T::view(planar), channels, height, width))
    }

    /// A view of interleaved samples: all channels of pixel (0, 0), then of pixel (0, 1), and so on.
    ///
    /// # Errors
    /// As [`ImageView::new`].
    pub fn interleaved<T: Sample>(
        pixels: &'a [T],
        height: usize,
        width: usize,
        channels: usize,
    ) -> Result<Self, Error> {
        Self::interleaved_padded(pixels, height, width, channels, channels)
    }

    /// A view of 8-bit RGBA pixels, such as a browser's `ImageData`. Alpha is dropped, as in the reference's image
    /// reader.
    ///
    /// # Errors
    /// As [`ImageView::new`].
    pub fn rgba8(pixels: &'a [u8], height: usize, width: usize) -> Result<Self, Error> {
        Self::interleaved_padded(pixels, height, width, 3, 4)
    }

    /// A view of the first `channels` of `stored` interleaved channels.
    pub(super) fn interleaved_padded<T: Sample>(
        pixels: &'a [T],
        height: usize,
        width: usize,
        channels: usize,
        stored: usize,
    ) -> Result<Self, Error> {
        check_shape(pixels.len(), stored, height, width)?;
        let samples = T::view(pixels);
        Ok(Self { samples, channels, height, width, channel_stride: 1, pixel_stride: stored })
    }

    /// A view of planar samples; the caller has checked their number.
    pub(super) fn planar(samples: SamplesView<'a>, channels: usize, height: usize, width: usize) -> Self {
        Self { samples, channels, height, width, channel_stride: height * width, pixel_stride: 1 }
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

    /// A copy of the image, planar.
    pub fn to_image(&self) -> Image {
        let (shape, strides) = ([self.channels, self.height * self.width], [self.channel_stride, self.pixel_stride]);
        let (samples, &Self { channels, height, width, .. }) = (self.samples.planar(shape, strides), self);
        Image { channels, height, width, samples }
    }

    /// One channel, counted from 0, as one plane of f32.
    ///
    /// # Errors
    /// [`Error::NotFinite`] with the first sample that is not finite as f32; [`Error::NoSuchChannel`] if the image has
    /// no such channel.
    pub fn to_planes(&self, channel: usize) -> Result<Planes, Error> {
        if channel >= self.channels {
            let (chan, channels) = (channel + 1, self.channels);
            return Err(Error::NoSuchChannel { name: "channel", chan, channels, zero_means: "none" });
        }
        let (first, pixels) = (channel * self.channel_stride, self.height * self.width);
        let mut plane = Vec::with_capacity(pixels);
        self.samples.extend_f32(first, self.pixel_stride, pixels, &mut plane);
        if let Some(at) = plane.iter().position(|value| !value.is_finite()) {
            let value = self.samples.show(first + at * self.pixel_stride);
            return Err(Error::NotFinite { value, channel, y: at / self.width, x: at % self.width });
        }
        Planes::new(plane, 1, self.height, self.width)
    }
}

impl<'a> From<&'a Image> for ImageView<'a> {
    fn from(image: &'a Image) -> Self {
        image.view()
    }
}
