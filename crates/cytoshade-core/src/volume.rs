//! Planar f32 data of shape [channels, depth, height, width], which the stages of stacks exchange.

use crate::Planes;
use crate::container::container;

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

impl Axis {
    /// The number of planes along the axis in a volume of [depth, height, width].
    pub fn length(self, [depth, height, width]: [usize; 3]) -> usize {
        match self {
            Axis::Z => depth,
            Axis::Y => height,
            Axis::X => width,
        }
    }
}

container! {
    /// Planar f32 values of shape [channels, depth, height, width]: a stack of z-slices, or one image if the depth is 1.
    pub struct Volume: f32 [
        /// Number of channels.
        channels,
        /// Number of z-slices.
        depth,
        /// Height in pixels.
        height,
        /// Width in pixels.
        width
    ], Array4, ArrayView4
}

impl Volume {
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

    /// The planes of all channels at index `at` along `axis`; [`Axis`] states their shape.
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

    /// Adds `plane`, row by row, to the plane of `channel` at index `at` along `axis`.
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
        axis.length(self.size())
    }

    fn cut(&self, axis: Axis, at: usize) -> SliceIndex {
        SliceIndex::new(self.size(), axis, at)
    }
}

/// The layout of a plane of a volume within each channel, in values.
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
    /// The plane at index `at` along an axis of a volume of [depth, height, width].
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

/// Stacks z-slices, the first one at Z 0. Those that differ in shape from the first are left out.
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

/// The z-slices one below the other, of shape [channels, depth * height, width]; a single z-slice is the image itself.
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
        let value = |channel, [z, y, x]: [usize; 3]| (((channel * 3 + z) * 4 + y) * 5 + x) as f32;
        for axis in [Axis::Z, Axis::Y, Axis::X] {
            let mut sum = Volume::zeros(2, 3, 4, 5);
            for at in 0..volume.length(axis) {
                let slice = volume.slice(axis, at);
                for channel in 0..2 {
                    for (index, &found) in slice.plane(channel).iter().enumerate() {
                        let (row, column) = (index / slice.width(), index % slice.width());
                        let place = match axis {
                            Axis::Z => [at, row, column],
                            Axis::Y => [row, at, column],
                            Axis::X => [row, column, at],
                        };
                        assert_eq!(found, value(channel, place), "{axis:?} {at}");
                    }
                    sum.add_slice(channel, axis, at, slice.plane(channel));
                }
            }
            assert_eq!(sum, volume);
        }
    }
}
