//! Gaussian smoothing along one axis (scipy's `gaussian_filter1d` with its defaults: mirrored at the ends, truncated at
//! four standard deviations, summed in f64, stored in f32).

use crate::parallel::*;
use cytoshade_core::gaussian::Taps;

/// Smooths an array of shape `shape`, in C order, along axis `axis`, by a Gaussian with a standard deviation of `sigma`
/// samples.
pub(crate) fn smooth(values: &mut Vec<f32>, shape: &[usize], axis: usize, sigma: f64) {
    let Some(&length) = shape.get(axis) else { return };
    let taps = Taps::truncated(sigma);
    // Distance from one sample of the axis to the next.
    let stride: usize = shape[axis + 1..].iter().product();
    if values.is_empty() || taps.weights.len() == 1 {
        return;
    }
    let mut smoothed = vec![0.0f32; values.len()];
    smoothed.par_chunks_exact_mut(stride).enumerate().with_min_len(1024 / stride.min(1024)).for_each(|(row, out)| {
        let (line, at) = (row / length, row % length);
        let mut sums = vec![0.0f64; stride];
        for (sample, weight) in taps.at(at, length) {
            let from = (line * length + sample) * stride;
            for (sum, &value) in sums.iter_mut().zip(&values[from..from + stride]) {
                *sum += weight * f64::from(value);
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = sum as f32;
        }
    });
    *values = smoothed;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_and_an_impulse_spreads_evenly_along_its_axis_alone() {
        let mut flat = vec![3.0; 24];
        smooth(&mut flat, &[2, 3, 4], 1, 2.0);
        assert!(flat.iter().all(|v| (v - 3.0).abs() < 1e-6));
        let mut impulse = vec![0.0; 9 * 2];
        impulse[4 * 2] = 1.0;
        smooth(&mut impulse, &[9, 2], 0, 1.0);
        assert!((impulse[3 * 2] - 0.241_971).abs() < 1e-4 && impulse[3 * 2] == impulse[5 * 2]);
        assert!(impulse.iter().skip(1).step_by(2).all(|&v| v == 0.0));
    }
}
