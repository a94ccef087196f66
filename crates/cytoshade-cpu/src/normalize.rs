//! Intensities to the range that the network was trained on (the reference's `transforms.normalize_img`).

use crate::parallel::*;
use cytoshade_core::{Error, Normalize, Params, Volume};

use crate::percentile::{bounds, is_constant};
use crate::sharpen::smooth_sharpen;
use crate::tile_norm;

/// A channel whose percentiles differ by no more than this carries no signal.
const MIN_CONTRAST: f32 = 1e-3;

/// Smooths, sharpens, normalizes and inverts every channel as `params` say; an image is a volume of one layer.
///
/// Percentiles are numpy's (linear interpolation, float32 arithmetic). A channel without contrast becomes zero. So does
/// a constant one, where the reference leaves it as it is; and it is not inverted.
///
/// # Errors
/// [`Error::Param`] where ranges are given for another number of channels, and where percentiles of tiles cannot be
/// taken layer by layer.
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
        for layer in volume.channel_mut(channel).chunks_exact_mut((height * width).max(1)) {
            smooth_sharpen(layer, height, width, params.smooth_radius, params.sharpen_radius);
        }
    }
    if params.tile_norm_blocksize > 0 {
        // Nothing is inverted: so it is in the reference.
        return tile_norm::normalize(volume, params, low, high);
    }
    let layers = if params.norm3d { depth } else { 1 };
    let size = [layers, height, width];
    for channel in 0..volume.channels() {
        let mut mapped = false;
        for block in volume.channel_mut(channel).chunks_exact_mut((layers * height * width).max(1)) {
            mapped |= percentile(block, size, low, high);
        }
        if mapped && params.invert {
            invert(volume.channel_mut(channel));
        }
    }
    Ok(())
}

/// Returns false for a constant block.
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

// What loops over values is `#[inline(never)]`, for the reason that the network's are.
#[inline(never)]
fn scale(block: &mut [f32], low: f32, range: f32) {
    block.par_iter_mut().for_each(|value| *value = (*value - low) / range);
}

/// In f64 for each of the two operations, rounded to f32 between, as numpy does with a float64 scalar.
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
