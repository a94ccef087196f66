//! Planar f32 data of shape [channels, height, width], which the stages exchange.

use crate::Error;
use crate::container::{check_len, container};

container! {
    /// Planar f32 values of shape [channels, height, width].
    pub struct Planes: f32 [
        /// Number of channels.
        channels,
        /// Height in pixels.
        height,
        /// Width in pixels.
        width
    ], Array3, ArrayView3
}

impl Planes {
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

    /// A copy of the planes in `range`.
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

    /// Appends the planes of `other`, which must have the same height and width.
    ///
    /// # Errors
    /// [`Error::SampleCount`] if the numbers of pixels differ. Only the number of pixels is checked, not the sides.
    pub fn append(&mut self, other: &Planes) -> Result<(), Error> {
        check_len(other.data.len(), &[other.channels, self.height, self.width])?;
        self.data.extend_from_slice(&other.data);
        self.channels += other.channels;
        Ok(())
    }

    /// Appends planes of zeros up to `channels` planes; does nothing if there are as many.
    pub fn pad_channels(&mut self, channels: usize) {
        self.channels = self.channels.max(channels);
        self.data.resize(self.channels * self.pixels(), 0.0);
    }
}
