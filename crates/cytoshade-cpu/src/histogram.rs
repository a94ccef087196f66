//! Counts end points (the sparse histogram of the reference's `dynamics.get_masks_torch`).

use cytoshade_core::{EndPoints, HISTOGRAM_PAD, Histogram};

/// The number of end points in each bin: each pixel of a plane of `height` x `width` pixels, with padding.
pub fn histogram(end_points: &EndPoints, height: usize, width: usize) -> Histogram {
    let bins = (height + 2 * HISTOGRAM_PAD) * (width + 2 * HISTOGRAM_PAD);
    let mut histogram = Histogram { counts: vec![0; bins], height, width };
    for (&y, &x) in end_points.y.iter().zip(&end_points.x) {
        let bin = histogram.bin(y, x);
        histogram.counts[bin] += 1;
    }
    histogram
}
