//! The labels of a stack.

use crate::{Error, Labels, image::check_count};

/// Labels of shape [depth, height, width]: 0 is background, `1..=count` are the cells.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LabelVolume {
    depth: usize,
    height: usize,
    width: usize,
    data: Vec<u32>,
}

impl LabelVolume {
    /// Labels from values, z-slice by z-slice, row by row.
    ///
    /// # Errors
    /// [`Error::SampleCount`] if the buffer's length is not `depth * height * width`.
    pub fn new(data: Vec<u32>, depth: usize, height: usize, width: usize) -> Result<Self, Error> {
        check_count(data.len(), depth, height, width)?;
        Ok(Self { depth, height, width, data })
    }

    /// Labels without cells.
    pub fn zeros(depth: usize, height: usize, width: usize) -> Self {
        Self { depth, height, width, data: vec![0; depth * height * width] }
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

    /// The highest label, which is the number of cells if the labels have no gaps.
    pub fn max(&self) -> u32 {
        self.data.iter().copied().max().unwrap_or(0)
    }

    /// The labels of one z-slice; empty if there is no such z-slice.
    pub fn slice(&self, z: usize) -> Labels {
        let pixels = self.height * self.width;
        let slice = self.data.get(z * pixels..(z + 1) * pixels).unwrap_or_default();
        Labels::new(slice.to_vec(), self.height, self.width).unwrap_or_default()
    }

    /// All labels, z-slice by z-slice, row by row.
    pub fn as_slice(&self) -> &[u32] {
        &self.data
    }

    /// All labels, mutable.
    pub fn as_mut_slice(&mut self) -> &mut [u32] {
        &mut self.data
    }

    /// The labels, z-slice by z-slice, row by row.
    pub fn into_vec(self) -> Vec<u32> {
        self.data
    }

    /// The labels as an array of shape [depth, height, width].
    pub fn into_array(self) -> ndarray::Array3<u32> {
        // The constructors ensure that the length is the product of the sides, so the default is never taken.
        ndarray::Array3::from_shape_vec((self.depth, self.height, self.width), self.data).unwrap_or_default()
    }
}
