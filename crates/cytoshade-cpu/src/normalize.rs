//! Maps intensities to the range of the network's training (the reference's `transforms.normalize_img`).

use crate::parallel::*;
use cytoshade_core::{Error, Normalize, Params, Volume};

use crate::percentile::{bounds, is_constant};
use crate::sharpen::smooth_sharpen;
use crate::tile_norm;

/// Percentiles that differ by no more than this have no contrast.
const MIN_CONTRAST: f32 = 1e-3;

/// Smooths, sharpens, normalizes and inverts every channel according to `params`; an image is a volume of one z-slice.
///
/// Percentiles are numpy's (linear interpolation, f32 arithmetic). With `norm3d` they are those of a whole channel,
/// else those of each z-slice. If the two percentiles differ by 1e-3 or less, the values become 0, or 1 with `invert`.
/// A constant channel becomes 0 and is not inverted; the reference leaves it as it is.
///
/// # Errors
/// [`Error::Param`] if [`Normalize::Ranges`] has another number of ranges than there are channels, or if a z-slice has
/// too little contrast for its own percentiles of tiles.
pub fn normalize(volume: &mut Volume, params: &Params) -> Result<(), Error> {
    match &params.normalize {
        Normalize::Percentile { low, high } => percentiles(volume, params, *low, *high),
        Normalize::Range { low, high } => ranges(volume, params, &vec![(*low, *high); volume.channels()]),
        Normalize::Ranges(each) => ranges(volume, params, each),
        _ => Ok(()),
    }
}

fn percentiles(volume: &mut Volume, params: &Params, low: f32, high: f32) -> Result<(), Error> {
    let [depth, height, width] = volume.size();
    for channel in 0..volume.channels() {
        for slice in volume.channel_mut(channel).chunks_exact_mut((height * width).max(1)) {
            smooth_sharpen(slice, height, width, params.smooth_radius, params.sharpen_radius);
        }
    }
    if params.tile_norm_blocksize > 0 {
        // As in the reference, percentiles of tiles are not inverted.
        return tile_norm::normalize(volume, params, low, high);
    }
    let together = if params.norm3d { depth } else { 1 };
    let size = [together, height, width];
    for channel in 0..volume.channels() {
        let mut mapped = false;
        for block in volume.channel_mut(channel).chunks_exact_mut((together * height * width).max(1)) {
            mapped |= percentile(block, size, low, high);
        }
        if mapped && params.invert {
            invert(volume.channel_mut(channel));
        }
    }
    Ok(())
}

/// Maps the percentiles of a block to 0 and 1. Returns false for a constant block, which becomes 0.
fn percentile(block: &mut [f32], size: [usize; 3], low: f32, high: f32) -> bool {
    if is_constant(block) {
        block.fill(0.0);
        return false;
    }
    let (low, high) = bounds(block, size, low, high);
    let range = high - low;
    if range > MIN_CONTRAST {
        scale(block, low, range);
    } else {
        block.fill(0.0);
    }
    true
}

// Loops over values are `#[inline(never)]` for the reason stated in `network`.
#[inline(never)]
fn scale(block: &mut [f32], low: f32, range: f32) {
    block.par_iter_mut().for_each(|value| *value = (*value - low) / range);
}

/// Maps the range of each channel to 0 and 1. Each of the two operations is computed in f64 and rounded to f32, as
/// numpy does with a float64 scalar.
fn ranges(volume: &mut Volume, params: &Params, ranges: &[(f64, f64)]) -> Result<(), Error> {
    if ranges.len() != volume.channels() {
        let found = format!("{} ranges for a network of {} input channels", ranges.len(), volume.channels());
        return Err(Error::Param { name: "norm_range", found, expected: "one range, or one for each input channel" });
    }
    for (channel, &(low, high)) in ranges.iter().enumerate() {
        volume.channel_mut(channel).par_iter_mut().for_each(|value| {
            let shifted = (f64::from(*value) - low) as f32;
            *value = (f64::from(shifted) / (high - low)) as f32;
        });
        if params.invert {
            invert(volume.channel_mut(channel));
        }
    }
    Ok(())
}

fn invert(values: &mut [f32]) {
    values.par_iter_mut().for_each(|value| *value = 1.0 - *value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_channels_become_zero_and_stay_so_when_inverted() {
        let mut volume = Volume::new([vec![7.0; 6], vec![0.0; 6]].concat(), 2, 1, 2, 3).unwrap();
        normalize(&mut volume, &Params::new().invert(true)).unwrap();
        assert_eq!(volume.as_slice(), [0.0; 12]);
    }

    #[test]
    fn ranges_must_fit_the_channels() {
        let mut volume = Volume::zeros(2, 1, 2, 3);
        let params = Params::new().normalize(Normalize::Ranges(vec![(0.0, 1.0)]));
        assert!(matches!(normalize(&mut volume, &params), Err(Error::Param { name: "norm_range", .. })));
    }
}
