//! The sizes that the pipeline works at (the reference's `CellposeModel.eval` and `core.run_net`).
//!
//! A truncation to whole pixels stands behind each product, so this module computes each in the reference's precision.

use crate::{Error, Params, RescaleRule};

/// Pixels of the resized image above which a request is refused: 2^30, where planes of 4 GiB begin.
pub const MAX_PIXELS: usize = 1 << 30;
/// Voxels of a stack above which a request is refused: 2^31, where planes of 8 GiB begin.
pub const MAX_VOXELS: usize = 1 << 31;
/// Steps of the integration where the network's size is the image's (`eval`).
const NITER: f64 = 200.0;

/// The factor from an image to what the network sees, `diam_mean / diameter`, in the precision in which the reference
/// has it: a model's `diam_mean` is a float32 scalar of numpy, and stays one against a Python number, but becomes a
/// float64 against an estimated diameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Factor {
    /// From a diameter that was given.
    F32(f32),
    /// From a diameter that was estimated.
    F64(f64),
}

impl Factor {
    /// True where nothing is resized.
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

    /// The number of layers after the resize of a stack whose layers lie `anisotropy` pixels apart:
    /// `int(depth * anisotropy * factor)`.
    pub fn scale_depth(self, depth: usize, anisotropy: f64) -> usize {
        let depth = depth as f64 * anisotropy;
        match self {
            Factor::F32(factor) => (depth as f32 * factor) as usize,
            Factor::F64(factor) => (depth * factor) as usize,
        }
    }

    /// Steps of the integration: `niter`, or 200, which are more the smaller the network sees the cells where the
    /// dynamics run at the image's size.
    pub fn niter(self, params: &Params) -> u32 {
        match (params.niter, self) {
            (Some(niter), _) => niter,
            (None, _) if !params.resample => NITER as u32,
            (None, Factor::F32(factor)) => (1.0 / factor * NITER as f32) as u32,
            (None, Factor::F64(factor)) => (1.0 / factor * NITER) as u32,
        }
    }
}

/// What a diameter means for an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rescale {
    /// Diameter in pixels of the original image.
    pub diameter: f32,
    /// Factor from the original image to what the network sees.
    pub factor: Factor,
    /// Height that the network sees, before padding.
    pub height: usize,
    /// Width that the network sees, before padding.
    pub width: usize,
    /// Steps of the Euler integration.
    pub niter: u32,
}

impl Rescale {
    /// The sizes for an image of `height` x `width` pixels and a network's rule.
    ///
    /// # Errors
    /// [`Error::ResizedAway`] and [`Error::TooManyPixels`].
    pub fn new(params: &Params, rule: &RescaleRule, height: usize, width: usize) -> Result<Self, Error> {
        let diameter = params.diameter.unwrap_or(rule.diam_labels);
        Self::by(params, Factor::F32(rule.diam_mean / diameter), diameter, height, width)
    }

    /// The sizes for a factor that is known, and the diameter in pixels that it comes from.
    ///
    /// # Errors
    /// [`Error::ResizedAway`] and [`Error::TooManyPixels`].
    pub fn by(params: &Params, factor: Factor, diameter: f32, height: usize, width: usize) -> Result<Self, Error> {
        let (to_height, to_width) = (factor.scale(height), factor.scale(width));
        if to_height == 0 || to_width == 0 {
            return Err(Error::ResizedAway { diameter, height, width, to_height, to_width });
        }
        if to_height.checked_mul(to_width).is_none_or(|pixels| pixels > MAX_PIXELS) {
            let limit = MAX_PIXELS;
            return Err(Error::TooManyPixels { diameter, height, width, to_height, to_width, limit });
        }
        Ok(Self { diameter, factor, height: to_height, width: to_width, niter: factor.niter(params) })
    }
}

/// The size at which the 3-D dynamics can run.
///
/// # Errors
/// [`Error::StackSize`].
pub fn check_stack(size: [usize; 3]) -> Result<(), Error> {
    let voxels = size.iter().try_fold(1usize, |voxels, &side| voxels.checked_mul(side));
    let large = voxels.is_none_or(|voxels| voxels > MAX_VOXELS);
    if large || size.iter().any(|&side| side < 2) {
        return Err(Error::StackSize { size, limit: MAX_VOXELS });
    }
    Ok(())
}
