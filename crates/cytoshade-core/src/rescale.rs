//! The sizes at which the pipeline works (the reference's `CellposeModel.eval` and `core.run_net`).
//!
//! The reference truncates products to whole pixels, so every product here is computed in the reference's precision.

use crate::{Error, Params, RescaleRule};

/// Limit on the voxels of a stack: 2^31, a channel of 8 GiB.
pub const MAX_VOXELS: usize = 1 << 31;
/// Default steps of the integration at the network's size (`eval`).
const NITER: f64 = 200.0;

/// The resize factor of an image, `diam_mean / diameter`, in the reference's precision.
///
/// `diam_mean` is a numpy float32. Divided by a Python number it stays f32; divided by an estimated diameter, a numpy
/// float64, it becomes f64.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Factor {
    /// The factor of a given diameter, or of the network's own.
    F32(f32),
    /// The factor of an estimated diameter.
    F64(f64),
}

impl Factor {
    /// Whether nothing is resized.
    pub fn is_one(self) -> bool {
        self == Factor::F32(1.0) || self == Factor::F64(1.0)
    }

    /// A length in pixels after the resize: `int(length * factor)`.
    pub fn scale(self, length: usize) -> usize {
        match self {
            _ if self.is_one() => length,
            Factor::F32(factor) => (length as f32 * factor) as usize,
            Factor::F64(factor) => (length as f64 * factor) as usize,
        }
    }

    /// The number of z-slices after the resize of a stack whose z-slices lie `anisotropy` pixels apart:
    /// `int(depth * anisotropy * factor)`.
    pub fn scale_depth(self, depth: usize, anisotropy: f64) -> usize {
        let depth = depth as f64 * anisotropy;
        match self {
            Factor::F32(factor) => (depth as f32 * factor) as usize,
            Factor::F64(factor) => (depth * factor) as usize,
        }
    }

    /// Steps of the integration: [`Params::niter`]; if it is unset 200, divided by the factor with
    /// [`Params::resample`].
    pub fn niter(self, params: &Params) -> u32 {
        match (params.niter, self) {
            (Some(niter), _) => niter,
            (None, _) if !params.resample => NITER as u32,
            (None, Factor::F32(factor)) => (1.0 / factor * NITER as f32) as u32,
            (None, Factor::F64(factor)) => (1.0 / factor * NITER) as u32,
        }
    }
}

/// The sizes that follow from an image's diameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rescale {
    /// Diameter of the cells in pixels of the image.
    pub diameter: f32,
    /// Factor from the image's size to the network's.
    pub factor: Factor,
    /// Height of the network's input in pixels, before padding.
    pub height: usize,
    /// Width of the network's input in pixels, before padding.
    pub width: usize,
    /// Steps of the Euler integration.
    pub niter: u32,
}

impl Rescale {
    /// The sizes for an image of `height` x `width` pixels and a network's rule. Without [`Params::diameter`], takes
    /// the rule's `diam_labels`.
    ///
    /// # Errors
    /// [`Error::ResizedAway`] if the resize leaves no pixels, [`Error::TooManyPixels`] if the image exceeds
    /// [`Params::max_pixels`] before or after it.
    pub fn new(params: &Params, rule: &RescaleRule, height: usize, width: usize) -> Result<Self, Error> {
        let diameter = params.diameter.unwrap_or(rule.diam_labels);
        Self::by(params, Factor::F32(rule.diam_mean / diameter), diameter, height, width)
    }

    /// The sizes for a known factor and the diameter in pixels from which it follows.
    ///
    /// # Errors
    /// [`Error::ResizedAway`] if the resize leaves no pixels, [`Error::TooManyPixels`] if the image exceeds
    /// [`Params::max_pixels`] before or after it.
    pub fn by(params: &Params, factor: Factor, diameter: f32, height: usize, width: usize) -> Result<Self, Error> {
        let (to_height, to_width) = (factor.scale(height), factor.scale(width));
        if to_height == 0 || to_width == 0 {
            return Err(Error::ResizedAway { diameter, height, width, to_height, to_width });
        }
        // The dynamics run at either size, and index pixels in u32.
        let limit = params.max_pixels;
        let is_over = |height: usize, width: usize| height.checked_mul(width).is_none_or(|pixels| pixels > limit);
        if is_over(height, width) || is_over(to_height, to_width) {
            return Err(Error::TooManyPixels { diameter, height, width, to_height, to_width, limit });
        }
        Ok(Self { diameter, factor, height: to_height, width: to_width, niter: factor.niter(params) })
    }
}

/// Checks that the 3-D dynamics can run at a size [depth, height, width].
///
/// # Errors
/// [`Error::StackSize`] if a side is under 2 voxels, or there are more than [`MAX_VOXELS`].
pub fn check_stack(size: [usize; 3]) -> Result<(), Error> {
    let voxels = size.iter().try_fold(1usize, |voxels, &side| voxels.checked_mul(side));
    let large = voxels.is_none_or(|voxels| voxels > MAX_VOXELS);
    if large || size.iter().any(|&side| side < 2) {
        return Err(Error::StackSize { size, limit: MAX_VOXELS });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of the network's input, or the limit that an image exceeds.
    fn size(params: Params, diam_mean: f32, [height, width]: [usize; 2]) -> Result<[usize; 2], usize> {
        match Rescale::new(&params, &RescaleRule { diam_mean, diam_labels: 30.0 }, height, width) {
            Ok(rescale) => Ok([rescale.height, rescale.width]),
            Err(Error::TooManyPixels { limit, .. }) => Err(limit),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_limit_on_pixels_holds_before_and_after_the_resize() {
        let limited = |max_pixels| Params::new().max_pixels(max_pixels);
        assert_eq!(size(Params::new(), 30.0, [1 << 15, 1 << 15]), Ok([1 << 15, 1 << 15]));
        assert_eq!(size(Params::new(), 30.0, [33_000, 33_000]), Err(1 << 30));
        assert_eq!(size(Params::new().diameter(3000.0), 30.0, [33_000, 33_000]), Err(1 << 30));
        assert_eq!(size(limited(1 << 31), 30.0, [33_000, 33_000]), Ok([33_000, 33_000]));
        assert_eq!(size(limited(1 << 31).diameter(3000.0), 30.0, [33_000, 33_000]), Ok([330, 330]));
        assert_eq!(size(limited(1 << 31), 60.0, [33_000, 33_000]), Err(1 << 31));
        assert_eq!(size(limited(400), 60.0, [10, 10]), Ok([20, 20]));
        assert_eq!(size(limited(399), 60.0, [10, 10]), Err(399));
        assert_eq!(size(limited(u32::MAX as usize), 30.0, [1 << 16, 1 << 16]), Err(u32::MAX as usize));
    }
}
