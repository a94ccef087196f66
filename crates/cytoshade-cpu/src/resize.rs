//! Resizes planes by bilinear and labels by nearest interpolation, with OpenCV's coordinates (the reference's
//! `transforms.resize_image`, which calls `cv2.resize`).

use crate::parallel::*;
use cytoshade_core::resample::{LerpIndex, lerp_indices};
use cytoshade_core::{Labels, Planes};

use crate::simd::{Lanes, Work, compiled};

/// Rows of one task.
const ROWS: usize = 32;

/// Resizes each plane to `height` x `width` pixels by bilinear interpolation.
pub fn bilinear(planes: &Planes, height: usize, width: usize) -> Planes {
    let mut resized = Planes::zeros(planes.channels(), height, width);
    if height == 0 || width == 0 || planes.pixels() == 0 {
        return resized;
    }
    let (rows, columns) = (lerp_indices(planes.height(), height), lerp_indices(planes.width(), width));
    let sources = planes.as_slice().par_chunks_exact(planes.pixels());
    resized.as_mut_slice().par_chunks_exact_mut(height * width).zip(sources).for_each(|(target, source)| {
        let tasks = target.par_chunks_mut(ROWS * width).zip(rows.par_chunks(ROWS));
        tasks.for_each(|(target, rows)| {
            compiled(Rows { source, width: planes.width(), rows, columns: &columns, target });
        });
    });
    resized
}

/// Neighbouring rows of a resized plane.
struct Rows<'a> {
    source: &'a [f32],
    /// Width of the source plane.
    width: usize,
    rows: &'a [LerpIndex],
    columns: &'a [LerpIndex],
    target: &'a mut [f32],
}

impl Work for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self { source, width, rows, columns, target } = self;
        let across = |y: usize, out: &mut [f32]| {
            let row = &source[y * width..][..width];
            for (value, c) in out.iter_mut().zip(columns) {
                *value = row[c.first] * (1.0 - c.weight) + row[c.second] * c.weight;
            }
        };
        // Two rows of the source, each with its index, resized along X: the next target row often needs the same ones.
        let mut above = (usize::MAX, vec![0.0; columns.len()]);
        let mut below = above.clone();
        for (out, at) in target.chunks_exact_mut(columns.len()).zip(rows) {
            if above.0 != at.first {
                std::mem::swap(&mut above, &mut below);
            }
            for (kept, wanted) in [(&mut above, at.first), (&mut below, at.second)] {
                if kept.0 != wanted {
                    across(wanted, &mut kept.1);
                    kept.0 = wanted;
                }
            }
            for ((value, above), below) in out.iter_mut().zip(&above.1).zip(&below.1) {
                *value = above * (1.0 - at.weight) + below * at.weight;
            }
        }
    }
}

/// For each of `to` output samples, the index of the input sample at its scaled start: OpenCV's INTER_NEAREST.
pub(crate) fn corners(from: usize, to: usize) -> Vec<usize> {
    let step = 1.0 / (to as f64 / from as f64);
    (0..to).map(|at| ((at as f64 * step) as usize).min(from - 1)).collect()
}

/// Resizes labels to `height` x `width` pixels; each takes the label at its scaled upper left corner (INTER_NEAREST).
pub fn nearest(labels: &Labels, height: usize, width: usize) -> Labels {
    let mut resized = Labels::zeros(height, width);
    if labels.as_slice().is_empty() {
        return resized;
    }
    let (rows, columns) = (corners(labels.height(), height), corners(labels.width(), width));
    let source = labels.as_slice();
    for (out, y) in resized.as_mut_slice().chunks_exact_mut(width.max(1)).zip(rows) {
        let row = &source[y * labels.width()..][..labels.width()];
        for (label, &x) in out.iter_mut().zip(&columns) {
            *label = row[x];
        }
    }
    resized
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_ramp_stays_linear_inside() {
        let ramp = Planes::new((0..64).map(|i| (i % 8) as f32).collect(), 1, 8, 8).unwrap();
        let larger = bilinear(&ramp, 8, 16);
        for x in 1..15 {
            let expected = (x as f32 + 0.5) / 2.0 - 0.5;
            assert!((larger.plane(0)[x] - expected).abs() < 1e-6);
        }
        assert_eq!(larger.plane(0)[0], 0.0);
        assert_eq!(larger.plane(0)[15], 7.0);
    }
}
