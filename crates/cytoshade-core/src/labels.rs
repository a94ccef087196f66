//! Label images, the results of images.

use crate::ascending;
use crate::container::container;

container! {
    /// Labels of shape [height, width]: 0 is background, `1..=count` are the cells.
    #[derive(Eq)]
    pub struct Labels: u32 [
        /// Height in pixels.
        height,
        /// Width in pixels.
        width
    ], Array2, ArrayView2
}

impl Labels {
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
        let areas: Vec<usize> = areas.into_iter().filter(|&area| area > 0).skip(1).collect();
        let order = ascending(areas.iter().copied());
        let root = |at: usize| order.get(at).map(|&cell| (areas[cell] as f64).sqrt());
        let (below, above) = (root(areas.len().checked_sub(1)? / 2)?, root(areas.len() / 2)?);
        Some((below + above) / 2.0 / (std::f64::consts::PI.sqrt() / 2.0))
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
