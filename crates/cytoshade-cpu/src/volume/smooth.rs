//! Smooths 3-D flows (the reference's `scipy.ndimage.gaussian_filter` for `flow3D_smooth`).

use cytoshade_core::Volume;

use crate::gaussian;

/// Smooths the first `channels` channels along all three axes by a Gaussian with a standard deviation of `sigma`
/// voxels; 0 is off.
pub fn smooth(volume: Volume, channels: usize, sigma: f64) -> Volume {
    if sigma <= 0.0 {
        return volume;
    }
    let ([depth, height, width], all) = (volume.size(), volume.channels());
    let shape = [channels.min(all), depth, height, width];
    let mut values = volume.into_vec();
    let others = values.split_off(shape.iter().product());
    for axis in 1..4 {
        gaussian::smooth(&mut values, &shape, axis, sigma);
    }
    values.extend(others);
    // The counts agree, so the default is never taken.
    Volume::new(values, all, depth, height, width).unwrap_or_default()
}
