//! The average of each channel, divided by the L2 norm of all averages (the reference's `make_style`).

use super::feature_map::FeatureMap;
use crate::simd::{Block, LANES};

/// Writes the average of each channel of `map`, divided by the L2 norm of all of them, or 0 if that norm is 0. `sums`
/// is scratch, at least as long as `target`.
#[inline(never)]
pub(super) fn run(map: FeatureMap<&[Block]>, sums: &mut [[f64; LANES]], target: &mut [Block]) {
    sums.fill([0.0; LANES]);
    for y in 0..map.height {
        for (sum, row) in sums.iter_mut().zip(map.row(y).chunks_exact(map.width)) {
            for pixel in row {
                for (sum, &value) in sum.iter_mut().zip(&pixel.0) {
                    *sum += f64::from(value);
                }
            }
        }
    }
    let pixels = (map.height * map.width) as f64;
    let means = || sums.as_flattened().iter().map(|sum| sum / pixels).take(map.channels);
    let norm = means().map(|mean| mean * mean).sum::<f64>().sqrt();
    for (value, mean) in target.iter_mut().flat_map(|block| &mut block.0).zip(means()) {
        *value = if norm == 0.0 { 0.0 } else { (mean / norm) as f32 };
    }
}
