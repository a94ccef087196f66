//! Label images, the results of images.

use crate::{Error, image::check_count};

/// A label image of shape [height, width]: 0 is background, `1..=count` are the cells.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Labels {
    height: usize,
    width: usize,
    data: Vec<u32>,
}

impl Labels {
    /// Labels from values, row by row.
    ///
    /// # Errors
    /// [`Error::SampleCount`] if the buffer's length is not `height * width`.
    pub fn new(data: Vec<u32>, height: usize, width: usize) -> Result<Self, Error> {
        check_count(data.len(), 1, height, width)?;
        Ok(Self { height, width, data })
    }

    /// Labels without cells.
    pub fn zeros(height: usize, width: usize) -> Self {
        Self { height, width, data: vec![0; height * width] }
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The highest label, which is the number of cells if the labels have no gaps.
    pub fn max(&self) -> u32 {
        self.data.iter().copied().max().unwrap_or(0)
    }

    /// The median diameter of the cells in pixels, each taken for a disc of its area. `None` without cells.
    ///
    /// The reference's `utils.diameters`, which takes the lowest label for the background even if it is not 0.
    pub fn diameter(&self) -> Option<f64> {
        let mut areas = vec![0usize; self.max() as usize + 1];
        self.data.iter().for_each(|&label| areas[label as usize] += 1);
        let mut areas: Vec<usize> = areas.into_iter().filter(|&area| area > 0).skip(1).collect();
        areas.sort_unstable();
        let root = |at: usize| areas.get(at).map(|&area| (area as f64).sqrt());
        let (below, above) = (root(areas.len().checked_sub(1)? / 2)?, root(areas.len() / 2)?);
        Some((below + above) / 2.0 / (std::f64::consts::PI.sqrt() / 2.0))
    }

    /// All labels, row by row.
    pub fn as_slice(&self) -> &[u32] {
        &self.data
    }

    /// All labels, row by row, mutable.
    pub fn as_mut_slice(&mut self) -> &mut [u32] {
        &mut self.data
    }

    /// The labels, row by row.
    pub fn into_vec(self) -> Vec<u32> {
        self.data
    }

    /// The labels as an array of shape [height, width].
    pub fn into_array(self) -> ndarray::Array2<u32> {
        // The constructors ensure that the length is the product of the sides, so the default is never taken.
        ndarray::Array2::from_shape_vec((self.height, self.width), self.data).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diameter_is_the_median_of_the_cells() {
        let of = |data: &[u32]| Labels::new(data.to_vec(), 1, data.len()).unwrap().diameter();
        let disc = |area: f64| 2.0 * (area / std::f64::consts::PI).sqrt();
        assert_eq!(of(&[0, 0, 0]), None);
        assert!((of(&[0, 1, 1, 1, 3, 7, 7]).unwrap() - disc(2.0)).abs() < 1e-12);
        assert!((of(&[0, 1, 2, 2, 2, 2]).unwrap() - (disc(1.0) + disc(4.0)) / 2.0).abs() < 1e-12);
    }
}
