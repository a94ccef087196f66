//! Intensities to the range that the network was trained on (the reference's `transforms.normalize_img`).

use cytoshade_core::{Normalize, Planes};
use rayon::prelude::*;

/// Pixels in a plane above which percentiles are taken from every n-th row and column (`normalize99`).
const SAMPLED_ABOVE: usize = 224 * 224 * 224;
/// Rows and columns are thinned to about this many.
const SAMPLED_SIDE: usize = 224;
/// A channel whose percentiles differ by no more than this carries no signal.
const MIN_CONTRAST: f32 = 1e-3;

/// Maps every channel as `how` says, then inverts it (1 - value) where `invert`.
///
/// Percentiles are numpy's (linear interpolation, float32 arithmetic). A channel without contrast becomes zero. So does
/// a constant one, where the reference leaves it as it is; and it is not inverted.
pub fn normalize(planes: &mut Planes, how: Normalize, invert: bool) {
    let (height, width) = (planes.height(), planes.width());
    for channel in 0..planes.channels() {
        let plane = planes.plane_mut(channel);
        let mapped = match how {
            Normalize::Percentile { low, high } => percentile(plane, height, width, low, high),
            Normalize::Range { low, high } => {
                range(plane, low, high);
                true
            }
            _ => false,
        };
        if mapped && invert {
            plane.par_iter_mut().for_each(|value| *value = 1.0 - *value);
        }
    }
}

/// Returns false for a constant channel.
fn percentile(plane: &mut [f32], height: usize, width: usize, low: f32, high: f32) -> bool {
    let Some(&first) = plane.first() else { return false };
    if plane.par_iter().all(|&value| value == first) {
        plane.fill(0.0);
        return false;
    }
    let (low, high) = bounds(plane, height, width, low, high);
    let range = high - low;
    if range > MIN_CONTRAST {
        plane.par_iter_mut().for_each(|value| *value = (*value - low) / range);
    } else {
        plane.fill(0.0);
    }
    true
}

/// The intensities at two percentiles of a plane.
pub fn bounds(plane: &[f32], height: usize, width: usize, low: f32, high: f32) -> (f32, f32) {
    let mut sample: Vec<f32> = if plane.len() > SAMPLED_ABOVE {
        let (skip_y, skip_x) = ((height / SAMPLED_SIDE).max(1), (width / SAMPLED_SIDE).max(1));
        plane.chunks_exact(width).step_by(skip_y).flat_map(|row| row.iter().step_by(skip_x)).copied().collect()
    } else {
        plane.to_vec()
    };
    (numpy_percentile(&mut sample, low), numpy_percentile(&mut sample, high))
}

/// numpy's `percentile(values, q)` for float32 values: the index is computed in float32, as numpy 2 does. Reorders.
fn numpy_percentile(values: &mut [f32], q: f32) -> f32 {
    let Some(last) = values.len().checked_sub(1) else { return 0.0 };
    let index = last as f32 * (q / 100.0);
    let below = index.floor();
    let (previous, above) = if index >= last as f32 { (last, last) } else { (below as usize, below as usize + 1) };
    let gamma = index - below;
    let (_, &mut a, rest) = values.select_nth_unstable_by(previous, f32::total_cmp);
    let b = if above == previous { a } else { rest.iter().copied().min_by(f32::total_cmp).unwrap_or(a) };
    let step = b - a;
    if gamma >= 0.5 { b - step * (1.0 - gamma) } else { a + step * gamma }
}

/// In f64 for each of the two operations, rounded to f32 between, as numpy does with a float64 scalar.
fn range(plane: &mut [f32], low: f64, high: f64) {
    plane.par_iter_mut().for_each(|value| {
        let shifted = (f64::from(*value) - low) as f32;
        *value = (f64::from(shifted) / (high - low)) as f32;
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_channels_become_zero_and_stay_so_when_inverted() {
        let mut planes = Planes::new([vec![7.0; 6], vec![0.0; 6]].concat(), 2, 2, 3).unwrap();
        normalize(&mut planes, Normalize::Percentile { low: 1.0, high: 99.0 }, true);
        assert_eq!(planes.as_slice(), [0.0; 12]);
    }

    #[test]
    fn percentiles_interpolate_between_order_statistics() {
        let mut values: Vec<f32> = (0..101).rev().map(|v| v as f32).collect();
        assert_eq!(numpy_percentile(&mut values, 99.0), 99.0);
        assert_eq!(numpy_percentile(&mut values, 100.0), 100.0);
        assert_eq!(numpy_percentile(&mut [0.0, 10.0], 25.0), 2.5);
        assert_eq!(numpy_percentile(&mut [3.0], 50.0), 3.0);
    }
}
