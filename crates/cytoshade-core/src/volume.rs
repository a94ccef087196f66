//! Planar f32 data of shape [channels, depth, height, width]: what flows between the stages of a stack.

use crate::{Error, Planes, image::check_count};

/// Planar f32 values of shape [channels, depth, height, width]: a stack of layers, or one image where the depth is 1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Volume {
    channels: usize,
    depth: usize,
    height: usize,
    width: usize,
    data: Vec<f32>,
}

impl Volume {
    /// A volume from values in the order of its shape.
    ///
    /// # Errors
    /// [`Error::SampleCount`] where the buffer's length is not `channels * depth * height * width`.
    pub fn new(data: Vec<f32>, channels: usize, depth: usize, height: usize, width: usize) -> Result<Self, Error> {
        check_count(data.len(), channels.saturating_mul(depth), height, width)?;
        Ok(Self { channels, depth, height, width, data })
    }

    /// A volume of zeros.
    pub fn zeros(channels: usize, depth: usize, height: usize, width: usize) -> Self {
        Self { channels, depth, height, width, data: vec![0.0; channels * depth * height * width] }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of layers.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Depth, height and width.
    pub fn size(&self) -> [usize; 3] {
        [self.depth, self.height, self.width]
    }

    /// Voxels in a channel.
    pub fn voxels(&self) -> usize {
        self.depth * self.height * self.width
    }

    /// One channel, layer by layer, row by row.
    ///
    /// # Panics
    /// Where `channel` is not below [`Volume::channels`].
    pub fn channel(&self, channel: usize) -> &[f32] {
        &self.data[channel * self.voxels()..][..self.voxels()]
    }

    /// One channel, to be changed.
    ///
    /// # Panics
    /// Where `channel` is not below [`Volume::channels`].
    pub fn channel_mut(&mut self, channel: usize) -> &mut [f32] {
        let voxels = self.voxels();
        &mut self.data[channel * voxels..][..voxels]
    }

    /// All values, in the order of the shape.
    pub fn as_slice(&self) -> &[f32] {
        &self.data
    }

    /// All values, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The values, in the order of the shape.
    pub fn into_vec(self) -> Vec<f32> {
        self.data
    }

    /// The values as an array of shape [channels, depth, height, width].
    pub fn into_array(self) -> ndarray::Array4<f32> {
        let shape = (self.channels, self.depth, self.height, self.width);
        // The constructors hold the length equal to the product of the sides, so this never falls back.
        ndarray::Array4::from_shape_vec(shape, self.data).unwrap_or_default()
    }
}

/// An image is a stack of one layer.
impl From<Planes> for Volume {
    fn from(planes: Planes) -> Self {
        let (channels, height, width) = (planes.channels(), planes.height(), planes.width());
        Self { channels, depth: 1, height, width, data: planes.into_vec() }
    }
}

/// The layers below each other, shape [channels, depth * height, width]: the image itself where there is one layer.
impl From<Volume> for Planes {
    fn from(volume: Volume) -> Self {
        let (channels, height, width) = (volume.channels, volume.depth * volume.height, volume.width);
        // The lengths agree, so this never falls back.
        Planes::new(volume.data, channels, height, width).unwrap_or_default()
    }
}
