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
        // Labels from a file can be up to u32::MAX: the memory must not follow the highest label.
        let runs: Vec<(u32, usize)> = self.data.chunk_by(PartialEq::eq).map(|run| (run[0], run.len())).collect();
        let mut areas: Vec<usize> = Vec::new();
        let mut label = None;
        for run in ascending(runs.iter().map(|&(label, _)| label as usize)) {
            let (next, length) = runs[run];
            match areas.last_mut() {
                Some(area) if label == Some(next) => *area += length,
                _ => areas.push(length),
            }
            label = Some(next);
        }
        // The first one is the background's.
        let areas = areas.get(1..)?;
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
        assert_eq!(of(&[5, 5, 5]), None, "the lowest label is the background");
        assert!((of(&[0, u32::MAX]).unwrap() - disc(1.0)).abs() < 1e-12, "memory does not follow the highest label");
        assert!((of(&[0, 1, 2, 2, 2, 2]).unwrap() - (disc(1.0) + disc(4.0)) / 2.0).abs() < 1e-12);
    }
}
