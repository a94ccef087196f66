//! Smooths and sharpens planes before normalization (the reference's `transforms.smooth_sharpen_img`).
//!
//! The reference multiplies Fourier transforms. Its kernels are Gaussians, so two cyclic passes along the axes agree
//! with it to rounding. The reference samples its kernel with a spacing of (height + 1) / (height - 1) along Y, and
//! along X over the span of Y, which scales the Gaussian along X by width / height. This module does the same.

use crate::parallel::*;
use cytoshade_core::gaussian::Taps;

/// Smooths a plane by a Gaussian of `smooth_radius` pixels, and subtracts the plane smoothed by one of `sharpen_radius`
/// pixels. A radius of 0 omits its part.
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
        // The reference's kernel is 1 in the middle, instead of the Gaussian's value.
        let middle = Kernel::new(f64::from(sharpen_radius), height, width).middle();
        plane.par_iter_mut().zip(&surround).for_each(|(value, &surround)| {
            let center = f64::from(*value);
            *value = (center + center * middle - f64::from(surround)) as f32;
        });
    }
}

/// A Gaussian over the whole plane, as the product of its two axes (the reference's `gaussian_kernel`).
struct Kernel {
    y: Taps,
    x: Taps,
}

impl Kernel {
    fn new(sigma: f64, height: usize, width: usize) -> Self {
        Self { y: Taps::cyclic(sigma, height, height), x: Taps::cyclic(sigma, height, width) }
    }

    fn middle(&self) -> f64 {
        self.y.middle * self.x.middle
    }

    fn run(&self, plane: &[f32], width: usize) -> Vec<f32> {
        let mut across = vec![0.0f32; plane.len()];
        across.par_chunks_exact_mut(width).zip(plane.par_chunks_exact(width)).for_each(|(out, row)| {
            for (x, out) in out.iter_mut().enumerate() {
                *out = self.x.at(x, width).map(|(at, weight)| weight * f64::from(row[at])).sum::<f64>() as f32;
            }
        });
        let height = plane.len() / width;
        let mut down = vec![0.0f32; plane.len()];
        down.par_chunks_exact_mut(width).enumerate().for_each(|(y, out)| {
            let mut sums = vec![0.0f64; width];
            for (at, weight) in self.y.at(y, height) {
                let row = &across[at * width..][..width];
                sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += weight * f64::from(value));
            }
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum as f32);
        });
        down
    }
}
