//! Masks from end points in 3-D (the reference's `dynamics.get_masks_torch`): as [`crate::masks`], with windows of
//! 5 x 5 x 5 and growth in 26 directions.

use std::ops::Range;

use crate::parallel::*;
use cytoshade_core::{LabelVolume, ascending};

use super::follow_flows::EndPoints;
use crate::label_tables::place;
use crate::masks::{self, GROW_COUNT, GROWTH, SEED_COUNT, WINDOW};

/// The masks of a stack of `size` [depth, height, width]: labels 1, 2, ... in the order in which they first appear.
/// Drops masks that cover more than the fraction `max_size_fraction` of the stack.
pub fn masks(ends: &EndPoints, size: [usize; 3], max_size_fraction: f64) -> LabelVolume {
    let [depth, height, width] = size;
    let mut labels = LabelVolume::zeros(depth, height, width);
    let bins: Vec<u32> = ends.points.par_iter().map(|&point| bin(point, size) as u32).collect();
    let counts = Counts::new(&bins, size);
    let seeds = counts.seeds();
    let grown: Vec<Vec<usize>> = seeds.par_iter().map(|&seed| counts.grow(seed)).collect();
    let mut label_of_bin = vec![0u32; depth * height * width];
    // If two seeds grow over one bin, the later one keeps it.
    for (label, bins) in (1..).zip(&grown) {
        bins.iter().for_each(|&bin| label_of_bin[bin] = label);
    }
    let mut found: Vec<u32> = bins.par_iter().map(|&bin| label_of_bin[bin as usize]).collect();
    masks::number(&mut found, label_of_bin.len() as f64 * max_size_fraction);
    place(labels.as_mut_slice(), &ends.voxels, &found);
    labels
}

/// Drops masks that cover more than the fraction `max_size_fraction` of the stack, and renumbers the others 1, 2, ...
/// in the order in which they first appear.
pub fn number(labels: &mut LabelVolume, max_size_fraction: f64) {
    let limit = labels.as_slice().len() as f64 * max_size_fraction;
    masks::number(labels.as_mut_slice(), limit);
}

/// The bin of an end point: truncated and clamped to the stack.
fn bin(point: [f32; 3], [depth, height, width]: [usize; 3]) -> usize {
    let [z, y, x] = point.map(|at| at as usize);
    (z.min(depth - 1) * height + y.min(height - 1)) * width + x.min(width - 1)
}

/// The number of voxels that end in each bin, of shape `size`. No voxel ends outside of the stack, so no padding is
/// needed.
struct Counts {
    size: [usize; 3],
    counts: Vec<u32>,
}

impl Counts {
    fn new(bins: &[u32], size: [usize; 3]) -> Self {
        let mut counts = vec![0; size.iter().product()];
        bins.iter().for_each(|&bin| counts[bin as usize] += 1);
        Self { size, counts }
    }

    /// The bins at a distance of up to `reach` on each axis.
    fn around(&self, bin: usize, reach: usize) -> impl Iterator<Item = usize> + use<> {
        let [depth, height, width] = self.size;
        let near =
            move |at: usize, length: usize| -> Range<usize> { at.saturating_sub(reach)..(at + reach + 1).min(length) };
        let (ys, xs) = (near(bin / width % height, height), near(bin % width, width));
        near(bin / width / height, depth).flat_map(move |z| {
            let xs = xs.clone();
            ys.clone().flat_map(move |y| xs.clone().map(move |x| (z * height + y) * width + x))
        })
    }

    /// The seeds, ascending by count: bins of more than [`SEED_COUNT`] end points that are a maximum of the window
    /// around them.
    fn seeds(&self) -> Vec<usize> {
        let is_maximum = |&bin: &usize| {
            let count = self.counts[bin];
            count > SEED_COUNT && self.around(bin, WINDOW).all(|other| self.counts[other] <= count)
        };
        let seeds: Vec<usize> = (0..self.counts.len()).into_par_iter().filter(is_maximum).collect();
        ascending(seeds.iter().map(|&bin| self.counts[bin] as usize)).into_iter().map(|seed| seeds[seed]).collect()
    }

    /// The bins over which a seed grows.
    fn grow(&self, seed: usize) -> Vec<usize> {
        let mut grown = vec![seed];
        let mut seen = std::collections::HashSet::from([seed]);
        let mut edge = 0..1;
        for _ in 0..GROWTH {
            for at in edge.clone() {
                for bin in self.around(grown[at], 1) {
                    if self.counts[bin] > GROW_COUNT && seen.insert(bin) {
                        grown.push(bin);
                    }
                }
            }
            edge = edge.end..grown.len();
        }
        grown
    }
}
