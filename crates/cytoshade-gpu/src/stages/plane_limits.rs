//! Limits on planes in the flow dynamics of a device.

use cytoshade_core::HISTOGRAM_PAD;

use crate::device::Gpu;
use crate::error::Error;

const WHAT: &str = "the flow dynamics";

/// Fails if a plane is too large for the flow dynamics, before any allocation.
///
/// # Errors
/// [`Error::Limit`].
pub(crate) fn check_plane(gpu: &Gpu, height: usize, width: usize) -> Result<(), Error> {
    let (pixels, bins) = ((height * width) as u64, bins(height, width) as u64);
    gpu.check_binding(WHAT, (8 * pixels).max(4 * bins))?;
    gpu.plane_grid(WHAT, height, width).map(|_| ())
}

/// Bins of the histogram of end points, including its margin.
pub(crate) fn bins(height: usize, width: usize) -> usize {
    (height + 2 * HISTOGRAM_PAD) * (width + 2 * HISTOGRAM_PAD)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_shader_and_the_core_have_one_margin() {
        assert_eq!(cytoshade_core::HISTOGRAM_PAD, cytoshade_shaders::histogram::MARGIN as usize);
    }
}
