//! Smoothing of 3-D flows (the reference's `scipy.ndimage.gaussian_filter` for `flow3D_smooth`).

use cytoshade_core::Volume;

use crate::gaussian;

/// Smooths every channel along its three axes by a Gaussian of `sigma` voxels; 0 leaves it as it is.
pub fn smooth(volume: Volume, sigma: f64) -> Volume {
    if sigma <= 0.0 {
        return volume;
    }
    let [depth, height, width] = volume.size();
    let shape = [volume.channels(), depth, height, width];
    let mut values = volume.into_vec();
    for axis in 1..4 {
        gaussian::smooth(&mut values, &shape, axis, sigma);
    }
    // As many values as there were, so this never falls back.
    Volume::new(values, shape[0], depth, height, width).unwrap_or_default()
}
