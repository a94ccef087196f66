//! The style vector and its projections (the reference's `make_style` and `batchconvstyle.full`).

use cytoshade_core::Linear;

use super::feature_map::FeatureMap;
use crate::simd::{Block, LANES};

/// The mean of each channel of `map`, divided by the L2 norm of all of them; 0 where that norm is 0. `sums` is scratch,
/// one for each block.
#[inline(never)]
pub(super) fn mean(map: FeatureMap<&[Block]>, sums: &mut [[f64; LANES]], style: &mut [f32]) {
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
    for (style, mean) in style.iter_mut().zip(means()) {
        *style = if norm == 0.0 { 0.0 } else { (mean / norm) as f32 };
    }
}

/// One projection of the style vector: `bias + weight * style`.
#[derive(Debug)]
pub(super) struct Projection(Linear);

impl Projection {
    pub(super) fn new(linear: &Linear) -> Self {
        Self(linear.clone())
    }

    /// Blocks of the projected style.
    pub(super) fn blocks(&self) -> usize {
        self.0.outputs().div_ceil(LANES)
    }

    /// Projects the style.
    pub(super) fn run(&self, style: &[f32], projected: &mut [Block]) {
        let rows = self.0.weight().chunks_exact(self.0.inputs());
        let project = |(row, &bias): (&[f32], &f32)| {
            let products = row.iter().zip(style).map(|(&weight, &style)| f64::from(weight) * f64::from(style));
            (f64::from(bias) + products.sum::<f64>()) as f32
        };
        let values = rows.zip(self.0.bias()).map(project);
        for (lane, value) in projected.iter_mut().flat_map(|block| &mut block.0).zip(values) {
            *lane = value;
        }
    }
}
