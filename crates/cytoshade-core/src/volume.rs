//! Planar f32 data of shape [channels, depth, height, width], which the stages of a stack pass on.

use crate::{Error, Planes, image::check_count};

/// An axis of a volume, along which it can be cut into planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Along the depth: planes of [height, width].
    Z,
    /// Along the height: planes of [depth, width].
    Y,
    /// Along the width: planes of [depth, height].
    X,
}

/// Planar f32 values of shape [channels, depth, height, width]: a stack of z-slices, or one image if the depth is 1.
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
    /// [`Error::SampleCount`] if the buffer's length is not `channels * depth * height * width`.
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

    /// Number of z-slices.
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

    /// One channel, z-slice by z-slice, row by row.
    ///
    /// # Panics
    /// If `channel` is not below [`Volume::channels`].
    pub fn channel(&self, channel: usize) -> &[f32] {
        &self.data[channel * self.voxels()..][..self.voxels()]
    }

    /// One channel, mutable.
    ///
    /// # Panics
    /// If `channel` is not below [`Volume::channels`].
    pub fn channel_mut(&mut self, channel: usize) -> &mut [f32] {
        let voxels = self.voxels();
        &mut self.data[channel * voxels..][..voxels]
    }

    /// The plane of every channel at `at` along `axis`.
    ///
    /// # Panics
    /// If `at` is not below the length of the axis.
    pub fn slice(&self, axis: Axis, at: usize) -> Planes {
        let cut = self.cut(axis, at);
        let mut values = Vec::with_capacity(self.channels * cut.rows * cut.columns);
        for channel in 0..self.channels {
            let voxels = self.channel(channel);
            values.extend(cut.places().map(|place| voxels[place]));
        }
        Planes::new(values, self.channels, cut.rows, cut.columns).unwrap_or_default()
    }

    /// Adds a plane to the plane of `channel` at `at` along `axis`.
    ///
    /// # Panics
    /// If `at` is not below the length of the axis or `channel` not below [`Volume::channels`].
    pub fn add_slice(&mut self, channel: usize, axis: Axis, at: usize, plane: &[f32]) {
        let cut = self.cut(axis, at);
        let voxels = self.channel_mut(channel);
        for (place, value) in cut.places().zip(plane) {
            voxels[place] += value;
        }
    }

    /// Number of planes along an axis.
    pub fn length(&self, axis: Axis) -> usize {
        match axis {
            Axis::Z => self.depth,
            Axis::Y => self.height,
            Axis::X => self.width,
        }
    }

    fn cut(&self, axis: Axis, at: usize) -> SliceIndex {
        SliceIndex::new(self.size(), axis, at)
    }

    /// All values, in the order of the shape.
    pub fn as_slice(&self) -> &[f32] {
        &self.data
    }

    /// All values, mutable.
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
        // The constructors ensure that the length is the product of the sides, so the default is never taken.
        ndarray::Array4::from_shape_vec(shape, self.data).unwrap_or_default()
    }
}

/// The layout of a plane of a volume within each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceIndex {
    /// Index of the plane's first value.
    pub first: usize,
    /// Rows of the plane.
    pub rows: usize,
    /// Distance from one row to the next.
    pub row: usize,
    /// Columns of the plane.
    pub columns: usize,
    /// Distance from one column to the next.
    pub column: usize,
}

impl SliceIndex {
    /// The plane at `at` along an axis of a volume of [depth, height, width].
    pub fn new([depth, height, width]: [usize; 3], axis: Axis, at: usize) -> Self {
        let slice = height * width;
        match axis {
            Axis::Z => Self { first: at * slice, rows: height, row: width, columns: width, column: 1 },
            Axis::Y => Self { first: at * width, rows: depth, row: slice, columns: width, column: 1 },
            Axis::X => Self { first: at, rows: depth, row: slice, columns: height, column: width },
        }
    }

    fn places(&self) -> impl Iterator<Item = usize> + use<> {
        let Self { first, rows, row, columns, column } = *self;
        (0..rows).flat_map(move |y| (0..columns).map(move |x| first + y * row + x * column))
    }
}

/// An image is a stack of one z-slice.
impl From<Planes> for Volume {
    fn from(planes: Planes) -> Self {
        let (channels, height, width) = (planes.channels(), planes.height(), planes.width());
        Self { channels, depth: 1, height, width, data: planes.into_vec() }
    }
}

/// Z-slices of one size and number of channels, the first one at Z 0.
impl FromIterator<Planes> for Volume {
    fn from_iter<T: IntoIterator<Item = Planes>>(slices: T) -> Self {
        let slices: Vec<Planes> = slices.into_iter().collect();
        let Some(first) = slices.first() else { return Self::default() };
        let (channels, height, width) = (first.channels(), first.height(), first.width());
        let alike = |slice: &&Planes| (slice.channels(), slice.height(), slice.width()) == (channels, height, width);
        let mut data = Vec::with_capacity(slices.len() * first.as_slice().len());
        for channel in 0..channels {
            slices.iter().filter(alike).for_each(|slice| data.extend_from_slice(slice.plane(channel)));
        }
        let depth = slices.iter().filter(alike).count();
        Self { channels, depth, height, width, data }
    }
}

/// The z-slices below each other, of shape [channels, depth * height, width]: the image itself if there is one z-slice.
impl From<Volume> for Planes {
    fn from(volume: Volume) -> Self {
        let (channels, height, width) = (volume.channels, volume.depth * volume.height, volume.width);
        // The lengths agree, so the default is never taken.
        Planes::new(volume.data, channels, height, width).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_cut_and_added_along_each_axis() {
        let volume = Volume::new((0..2 * 3 * 4 * 5).map(|v| v as f32).collect(), 2, 3, 4, 5).unwrap();
        let array = volume.clone().into_array();
        for (axis, ndarray_axis) in [(Axis::Z, 1), (Axis::Y, 2), (Axis::X, 3)] {
            let mut sum = Volume::zeros(2, 3, 4, 5);
            for at in 0..volume.length(axis) {
                let slice = volume.slice(axis, at);
                let expected = array.index_axis(ndarray::Axis(ndarray_axis), at);
                assert_eq!(slice.clone().into_array(), expected);
                sum.add_slice(0, axis, at, slice.plane(0));
                sum.add_slice(1, axis, at, slice.plane(1));
            }
            assert_eq!(sum, volume);
        }
    }
}
