//! Masks from end points (the reference's `dynamics.get_masks_torch`): maxima of the histogram are seeds, seeds grow
//! over the bins around them, and each pixel takes the label of the bin of its end point.

use crate::parallel::*;
use cytoshade_core::{EndPoints, Histogram, Labels, ascending};

use crate::label_tables::{place, renumber, stats};

/// Seeds are bins with more end points than this.
pub(crate) const SEED_COUNT: u32 = 10;
/// Seeds grow over bins with more end points than this.
pub(crate) const GROW_COUNT: u32 = 2;
/// Bins on each side of a seed in the window of which it is the maximum.
pub(crate) const WINDOW: usize = 2;
/// Steps of growth, each by one bin in all directions.
pub(crate) const GROWTH: usize = 5;
/// Bins that are checked together for seeds.
const LOOK: usize = 64;

/// The indices of the seeds, ascending by count: bins of more than 10 end points that are a maximum of the 5 x 5 bins
/// around them. Seeds of equal count keep their order.
pub fn seeds(histogram: &Histogram) -> Vec<usize> {
    let (counts, stride) = (&histogram.counts, histogram.stride());
    // The outermost bins are empty padding, so no window leaves the plane.
    let is_maximum = |bin: usize| {
        (0..=2 * WINDOW).all(|y| {
            let row = bin + y * stride - WINDOW * stride - WINDOW;
            counts[row..=row + 2 * WINDOW].iter().all(|&other| other <= counts[bin])
        })
    };
    // Most bins hold too few end points for a seed; many such bins are skipped at once.
    let within = |(part, some): (usize, &[u32])| -> Vec<usize> {
        if some.iter().copied().max().unwrap_or(0) <= SEED_COUNT {
            return Vec::new();
        }
        let bins = part * LOOK..part * LOOK + some.len();
        bins.filter(|&bin| counts[bin] > SEED_COUNT && is_maximum(bin)).collect()
    };
    let seeds: Vec<usize> = counts.par_chunks(LOOK).enumerate().flat_map(within).collect();
    ascending(seeds.iter().map(|&bin| counts[bin] as usize)).into_iter().map(|seed| seeds[seed]).collect()
}

/// The label of each bin: `k + 1` if seed `k` grows over it, else 0. If several seeds grow over a bin, the last one
/// keeps it.
///
/// In each of five steps, a seed grows over those of the eight neighbouring bins that hold more than 2 end points.
pub fn grow(histogram: &Histogram, seeds: &[usize]) -> Vec<u32> {
    let masks: Vec<Mask> = seeds.par_iter().map(|&seed| grow_one(histogram, seed)).collect();
    let mut grown = vec![0; histogram.counts.len()];
    for ((label, &seed), mask) in (1..).zip(seeds).zip(&masks) {
        for (y, row) in mask.iter().enumerate() {
            for (x, _) in row.iter().enumerate().filter(|&(_, &inside)| inside) {
                grown[corner(histogram, seed) + y * histogram.stride() + x] = label;
            }
        }
    }
    grown
}

const SIDE: usize = 2 * GROWTH + 1;

/// The bins over which a seed grows.
type Mask = [[bool; SIDE]; SIDE];

/// The first bin of the square around a seed.
fn corner(histogram: &Histogram, seed: usize) -> usize {
    seed - GROWTH * histogram.stride() - GROWTH
}

fn grow_one(histogram: &Histogram, seed: usize) -> Mask {
    let counts = &histogram.counts[corner(histogram, seed)..];
    let mut mask = [[false; SIDE]; SIDE];
    mask[GROWTH][GROWTH] = true;
    for _ in 0..GROWTH {
        let before = mask;
        for y in 0..SIDE {
            for x in 0..SIDE {
                let near = |v: usize| v.saturating_sub(1)..(v + 2).min(SIDE);
                let open = counts[y * histogram.stride() + x] > GROW_COUNT;
                mask[y][x] = open && near(y).any(|y| near(x).any(|x| before[y][x]));
            }
        }
    }
    mask
}

/// The masks: labels 1, 2, ... in the order in which they first appear, row by row. Drops masks that cover more than
/// the fraction `max_size_fraction` of the plane.
pub fn masks(end_points: &EndPoints, histogram: &Histogram, max_size_fraction: f64) -> Labels {
    let mut labels = Labels::zeros(histogram.height, histogram.width);
    let grown = grow(histogram, &seeds(histogram));
    let ends = end_points.y.par_iter().zip(&end_points.x);
    // Numbers the active pixels only, so that a single pass covers all pixels.
    let mut found: Vec<u32> = ends.map(|(&y, &x)| grown[histogram.bin(y, x)]).collect();
    number(&mut found, labels.as_slice().len() as f64 * max_size_fraction);
    place(labels.as_mut_slice(), &end_points.pixels, &found);
    labels
}

/// Drops masks of more than `limit` pixels, and renumbers the others 1, 2, ... in the order in which they first appear.
pub(crate) fn number(labels: &mut [u32], limit: f64) {
    let stats = stats(labels);
    renumber(labels, &stats, |label| stats[label].size as f64 > limit);
}
