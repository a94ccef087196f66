//! Sinks to masks (the reference's `dynamics.get_masks_torch`): maxima of the histogram are seeds, seeds grow over the
//! bins around them, and each pixel takes the label of the bin in which it ended.

use cytoshade_core::{EndPoints, Histogram, Labels};

/// A seed needs more end points than this.
pub(crate) const SEED_COUNT: u32 = 10;
/// A seed grows over bins of more end points than this.
pub(crate) const GROW_COUNT: u32 = 2;
/// Half a side of the window in which a seed is the maximum.
pub(crate) const WINDOW: usize = 2;
/// Steps of growth, each by one bin in all eight directions.
pub(crate) const GROWTH: usize = 5;

/// The bins that are the maximum of their 5 x 5 neighbourhood, ascending by count; bins of equal count keep their
/// order.
pub fn seeds(histogram: &Histogram) -> Vec<usize> {
    let (counts, stride) = (&histogram.counts, histogram.stride());
    // The outermost bins are padding and empty, so no window leaves the plane.
    let is_maximum = |bin: usize| {
        (0..=2 * WINDOW).all(|y| {
            let row = bin + y * stride - WINDOW * stride - WINDOW;
            counts[row..=row + 2 * WINDOW].iter().all(|&other| other <= counts[bin])
        })
    };
    let mut seeds: Vec<usize> = (0..counts.len()).filter(|&bin| counts[bin] > SEED_COUNT && is_maximum(bin)).collect();
    seeds.sort_by_key(|&bin| counts[bin]);
    seeds
}

/// The label of each bin: seed `k` has label `k + 1`, and where two grow over one bin the later one keeps it.
pub fn grow(histogram: &Histogram, seeds: &[usize]) -> Vec<u32> {
    const SIDE: usize = 2 * GROWTH + 1;
    let (counts, stride) = (&histogram.counts, histogram.stride());
    let mut grown = vec![0; counts.len()];
    for (label, &seed) in (1..).zip(seeds) {
        let corner = seed - GROWTH * stride - GROWTH;
        let bin = |y: usize, x: usize| corner + y * stride + x;
        let mut mask = [[false; SIDE]; SIDE];
        mask[GROWTH][GROWTH] = true;
        for _ in 0..GROWTH {
            let before = mask;
            for y in 0..SIDE {
                for x in 0..SIDE {
                    let near = |v: usize| v.saturating_sub(1)..(v + 2).min(SIDE);
                    mask[y][x] = counts[bin(y, x)] > GROW_COUNT && near(y).any(|y| near(x).any(|x| before[y][x]));
                }
            }
        }
        for (y, row) in mask.iter().enumerate() {
            for (x, _) in row.iter().enumerate().filter(|&(_, &inside)| inside) {
                grown[bin(y, x)] = label;
            }
        }
    }
    grown
}

/// The masks: labels 1, 2, ... in the order in which they first appear, row by row. Masks of more than
/// `max_size_fraction` of the plane are dropped.
pub fn masks(end_points: &EndPoints, histogram: &Histogram, max_size_fraction: f64) -> Labels {
    let mut labels = Labels::zeros(histogram.height, histogram.width);
    let grown = grow(histogram, &seeds(histogram));
    let all = labels.as_mut_slice();
    for ((&pixel, &y), &x) in end_points.pixels.iter().zip(&end_points.y).zip(&end_points.x) {
        if let Some(label) = all.get_mut(pixel as usize) {
            *label = grown[histogram.bin(y, x)];
        }
    }
    remove_large(all, max_size_fraction);
    renumber(all);
    labels
}

/// Drops masks of more than a fraction of all pixels.
pub(crate) fn remove_large(labels: &mut [u32], max_size_fraction: f64) {
    let limit = labels.len() as f64 * max_size_fraction;
    let sizes = sizes(labels);
    for label in labels {
        if sizes[*label as usize] as f64 > limit {
            *label = 0;
        }
    }
}

/// Pixels of each label, 0 included.
pub(crate) fn sizes(labels: &[u32]) -> Vec<usize> {
    let mut sizes = vec![0; labels.iter().copied().max().unwrap_or(0) as usize + 1];
    for &label in labels {
        sizes[label as usize] += 1;
    }
    sizes
}

/// Numbers the labels 1, 2, ... in the order in which they first appear, row by row (`fastremap.renumber`).
pub(crate) fn renumber(labels: &mut [u32]) {
    let mut new = vec![0; labels.iter().copied().max().unwrap_or(0) as usize + 1];
    let mut count = 0;
    for label in labels {
        if *label == 0 {
            continue;
        }
        let known = &mut new[*label as usize];
        if *known == 0 {
            count += 1;
            *known = count;
        }
        *label = *known;
    }
}
