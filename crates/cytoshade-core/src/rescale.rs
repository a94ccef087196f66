//! The sizes that the pipeline works at (the reference's `CellposeModel.eval` and `core.run_net`).
//!
//! The reference computes these in float32 (numpy's rule for a float32 scalar and a Python number); so does this
//! module, because a truncation to whole pixels stands behind each product.

use crate::{Error, Params};

/// Pixels of the resized image above which a request is refused: 2^30, where planes of 4 GiB begin.
pub const MAX_PIXELS: usize = 1 << 30;

/// What a diameter means for an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rescale {
    /// Diameter in pixels of the original image.
    pub diameter: f32,
    /// Factor from the original image to what the network sees: `diam_mean / diameter`.
    pub factor: f32,
    /// Height that the network sees, before padding.
    pub height: usize,
    /// Width that the network sees, before padding.
    pub width: usize,
    /// Steps of the Euler integration.
    pub niter: u32,
}

impl Rescale {
    /// The sizes for an image of `height` x `width` pixels and a model's two diameters.
    ///
    /// # Errors
    /// [`Error::ResizedAway`] and [`Error::TooManyPixels`].
    pub fn new(params: &Params, diam_mean: f32, diam_labels: f32, height: usize, width: usize) -> Result<Self, Error> {
        let diameter = params.diameter.unwrap_or(diam_labels);
        let factor = diam_mean / diameter;
        let (to_height, to_width) = if factor == 1.0 {
            (height, width)
        } else {
            ((height as f32 * factor) as usize, (width as f32 * factor) as usize)
        };
        if to_height == 0 || to_width == 0 {
            return Err(Error::ResizedAway { diameter, height, width, to_height, to_width });
        }
        if to_height.checked_mul(to_width).is_none_or(|pixels| pixels > MAX_PIXELS) {
            let limit = MAX_PIXELS;
            return Err(Error::TooManyPixels { diameter, height, width, to_height, to_width, limit });
        }
        let niter = match params.niter {
            Some(niter) => niter,
            None if params.resample => (1.0 / factor * 200.0) as u32,
            None => 200,
        };
        Ok(Self { diameter, factor, height: to_height, width: to_width, niter })
    }
}
