//! The labels of a stack.

use crate::Labels;
use crate::container::container;

container! {
    /// Labels of shape [depth, height, width]: 0 is background, 1 to n are the cells.
    #[derive(Eq)]
    pub struct LabelVolume: u32 [
        /// Number of z-slices.
        depth,
        /// Height in pixels.
        height,
        /// Width in pixels.
        width
    ], Array3, ArrayView3
}

impl LabelVolume {
    /// Depth, height and width.
    pub fn size(&self) -> [usize; 3] {
        [self.depth, self.height, self.width]
    }

    /// The highest label, which is the number of cells if the labels have no gaps.
    pub fn max(&self) -> u32 {
        self.data.iter().copied().max().unwrap_or(0)
    }

    /// A copy of the labels of z-slice `z`, from 0; 0 x 0 pixels if there is no such z-slice.
    pub fn slice(&self, z: usize) -> Labels {
        let pixels = self.height * self.width;
        let slice = self.data.get(z * pixels..(z + 1) * pixels).unwrap_or_default();
        Labels::new(slice.to_vec(), self.height, self.width).unwrap_or_default()
    }
}
