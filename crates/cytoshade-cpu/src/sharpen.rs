//! Smoothing and sharpening of planes before they are normalized (the reference's `transforms.smooth_sharpen_img`).
//!
//! The reference multiplies Fourier transforms; its kernels are Gaussians, so two passes over the axes, cyclic as its
//! transforms are, give the same to its rounding. Its grid of the kernel has a spacing a little over 1 in Y, and in X
//! the same span as in Y whatever the width is: a Gaussian as wide in X as the plane is long in proportion. Both are
//! kept.

use crate::parallel::*;

/// A tap of less than this share of the largest adds nothing to f32.
const NEGLIGIBLE: f64 = 1e-10;

/// Smooths by a Gaussian of `smooth_radius`, subtracts one of `sharpen_radius`; a radius of 0 leaves its part out.
pub(crate) fn smooth_sharpen(plane: &mut [f32], height: usize, width: usize, smooth_radius: f32, sharpen_radius: f32) {
    if plane.is_empty() || (smooth_radius <= 0.0 && sharpen_radius <= 0.0) {
        return;
    }
    let blurred = |radius: f32| Kernel::new(f64::from(radius), height, width).run(plane, width);
    if sharpen_radius <= 0.0 {
        let smoothed = blurred(smooth_radius);
        plane.copy_from_slice(&smoothed);
        return;
    }
    let surround = blurred(sharpen_radius);
    if smooth_radius > 0.0 {
        let smoothed = blurred(smooth_radius);
        let difference = smoothed.par_iter().zip(&surround).map(|(smoothed, surround)| smoothed - surround);
        plane.par_iter_mut().zip(difference).for_each(|(value, new)| *value = new);
    } else {
        // The kernel is 1 in the middle, instead of what the Gaussian has there.
        let middle = Kernel::new(f64::from(sharpen_radius), height, width).middle();
        plane.par_iter_mut().zip(&surround).for_each(|(value, &surround)| {
            let center = f64::from(*value);
            *value = (center + center * middle - f64::from(surround)) as f32;
        });
    }
}

/// A Gaussian over the whole plane, as the product of its two axes (the reference's `gaussian_kernel`).
struct Kernel {
    y: Axis,
    x: Axis,
}

struct Axis {
    /// How far each tap is from the pixel, and its weight; the weights add up to 1.
    taps: Vec<(isize, f64)>,
    /// The weight of the pixel itself.
    middle: f64,
}

impl Kernel {
    fn new(sigma: f64, height: usize, width: usize) -> Self {
        Self { y: Axis::new(sigma, height, height), x: Axis::new(sigma, height, width) }
    }

    fn middle(&self) -> f64 {
        self.y.middle * self.x.middle
    }

    fn run(&self, plane: &[f32], width: usize) -> Vec<f32> {
        let mut across = vec![0.0f32; plane.len()];
        across.par_chunks_exact_mut(width).zip(plane.par_chunks_exact(width)).for_each(|(out, row)| {
            for (x, out) in out.iter_mut().enumerate() {
                let value = |&(offset, weight): &(isize, f64)| weight * f64::from(row[wrap(x, offset, width)]);
                *out = self.x.taps.iter().map(value).sum::<f64>() as f32;
            }
        });
        let height = plane.len() / width;
        let mut down = vec![0.0f32; plane.len()];
        down.par_chunks_exact_mut(width).enumerate().for_each(|(y, out)| {
            let mut sums = vec![0.0f64; width];
            for &(offset, weight) in &self.y.taps {
                let row = &across[wrap(y, offset, height) * width..][..width];
                sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += weight * f64::from(value));
            }
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum as f32);
        });
        down
    }
}

impl Axis {
    /// The taps of an axis of `length` pixels, whose coordinates run from `-span / 2` to `span / 2 + 1`.
    fn new(sigma: f64, span: usize, length: usize) -> Self {
        let step = if length > 1 { (span + 1) as f64 / (length - 1) as f64 } else { 0.0 };
        let weight = |at: usize| {
            let coordinate = -(span as f64) / 2.0 + at as f64 * step;
            (-coordinate * coordinate / (2.0 * sigma * sigma)).exp()
        };
        let weights: Vec<f64> = (0..length).map(weight).collect();
        let (sum, largest) = (weights.iter().sum::<f64>(), weights.iter().fold(0.0f64, |m, &w| m.max(w)));
        let taps = weights.iter().enumerate().filter(|&(_, &weight)| weight > NEGLIGIBLE * largest);
        let middle = length / 2;
        Self {
            taps: taps.map(|(at, weight)| (at as isize - middle as isize, weight / sum)).collect(),
            middle: weights[middle] / sum,
        }
    }
}

fn wrap(at: usize, offset: isize, length: usize) -> usize {
    (at as isize + offset).rem_euclid(length as isize) as usize
}
