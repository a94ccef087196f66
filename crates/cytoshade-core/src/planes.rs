//! Planar f32 data of shape [channels, height, width], which the stages pass on.

use crate::{Error, image::check_count};

/// Planar f32 values of shape [channels, height, width].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Planes {
    channels: usize,
    height: usize,
    width: usize,
    data: Vec<f32>,
}

impl Planes {
    /// Planes from planar values.
    ///
    /// # Errors
    /// [`Error::SampleCount`] if the buffer's length is not `channels * height * width`.
    pub fn new(data: Vec<f32>, channels: usize, height: usize, width: usize) -> Result<Self, Error> {
        check_count(data.len(), channels, height, width)?;
        Ok(Self { channels, height, width, data })
    }

    /// Planes of zeros.
    pub fn zeros(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width, data: vec![0.0; channels * height * width] }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels in a plane.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// One plane, row by row.
    ///
    /// # Panics
    /// If `channel` is not below [`Planes::channels`].
    pub fn plane(&self, channel: usize) -> &[f32] {
        &self.data[channel * self.pixels()..][..self.pixels()]
    }

    /// One plane, mutable.
    ///
    /// # Panics
    /// If `channel` is not below [`Planes::channels`].
    pub fn plane_mut(&mut self, channel: usize) -> &mut [f32] {
        let pixels = self.pixels();
        &mut self.data[channel * pixels..][..pixels]
    }

    /// A copy of the planes `range`.
    ///
    /// # Panics
    /// If the range ends past [`Planes::channels`].
    pub fn select(&self, range: std::ops::Range<usize>) -> Planes {
        let pixels = self.pixels();
        Planes {
            channels: range.len(),
            height: self.height,
            width: self.width,
            data: self.data[range.start * pixels..range.end * pixels].to_vec(),
        }
    }

    /// The planes in another order: plane `order[n]` becomes plane `n`.
    ///
    /// # Panics
    /// If an entry of `order` is not below [`Planes::channels`].
    pub fn reorder(&self, order: &[usize]) -> Planes {
        let data = order.iter().flat_map(|&channel| self.plane(channel)).copied().collect();
        Planes { channels: order.len(), height: self.height, width: self.width, data }
    }

    /// Appends the planes of `other`, which must be of the same height and width.
    ///
    /// # Errors
    /// [`Error::SampleCount`] if the sizes differ.
    pub fn append(&mut self, other: &Planes) -> Result<(), Error> {
        check_count(other.data.len(), other.channels, self.height, self.width)?;
        self.data.extend_from_slice(&other.data);
        self.channels += other.channels;
        Ok(())
    }

    /// Appends planes of zeros until there are `channels` or more.
    pub fn pad_channels(&mut self, channels: usize) {
        self.channels = self.channels.max(channels);
        self.data.resize(self.channels * self.pixels(), 0.0);
    }

    /// All values, planar.
    pub fn as_slice(&self) -> &[f32] {
        &self.data
    }

    /// All values, planar, mutable.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The values, planar.
    pub fn into_vec(self) -> Vec<f32> {
        self.data
    }

    /// The values as an array of shape [channels, height, width].
    pub fn into_array(self) -> ndarray::Array3<f32> {
        // The constructors ensure that the length is the product of the sides, so the default is never taken.
        ndarray::Array3::from_shape_vec((self.channels, self.height, self.width), self.data).unwrap_or_default()
    }
}
