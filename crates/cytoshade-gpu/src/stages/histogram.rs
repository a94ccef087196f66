//! Counting end points (the reference's `dynamics.get_masks_torch`, its sparse histogram).

use cytoshade_core::{HISTOGRAM_PAD, Histogram};
use cytoshade_shaders as shaders;

use crate::device::Gpu;
use crate::error::Error;
use crate::pipeline::{Variant, plane_grid};
use crate::stages::follow_flows::GpuEndPoints;

const WHAT: &str = "the histogram of end points";

/// How many pixels end in each place, on the device: [`Histogram`], as the stages there see it.
#[derive(Clone, Debug)]
pub struct GpuHistogram {
    pub(crate) counts: wgpu::Buffer,
    height: usize,
    width: usize,
}

impl GpuHistogram {
    /// Reads it back.
    ///
    /// # Errors
    /// Whatever the device says.
    pub async fn read(&self, gpu: &Gpu) -> Result<Histogram, Error> {
        let bytes = 4 * bins(self.height, self.width) as u64;
        let counts = gpu.fetch(WHAT, &[(&self.counts, 0..bytes)]).await?.values(0..bytes);
        Ok(Histogram { counts, height: self.height, width: self.width })
    }
}

/// How many end points fall on each pixel of their plane.
///
/// # Errors
/// [`Error::Limit`] where the plane is too large for the device's `maxStorageBufferBindingSize` (4 bytes a bin), and
/// whatever the device says.
pub async fn histogram(gpu: &Gpu, ends: &GpuEndPoints) -> Result<GpuHistogram, Error> {
    let (height, width) = (ends.height, ends.width);
    let [kernel] = gpu.kernels_of([Variant::new(shaders::HISTOGRAM)]).await?;
    let counts = gpu
        .with_error_scopes(WHAT, || {
            let grid = plane_grid(gpu, WHAT, height, width)?;
            // A new buffer is all zeros.
            let counts = gpu.storage(WHAT, 4 * bins(height, width) as u64)?;
            let bound = kernel.bind(gpu, &[width as u32, height as u32], &[&ends.positions, &counts]);
            gpu.submit(WHAT, &[(&bound, grid)]);
            Ok(counts)
        })
        .await?;
    Ok(GpuHistogram { counts, height, width })
}

pub(crate) fn bins(height: usize, width: usize) -> usize {
    (height + 2 * HISTOGRAM_PAD) * (width + 2 * HISTOGRAM_PAD)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_shader_and_the_core_agree_on_the_margin() {
        assert_eq!(cytoshade_core::HISTOGRAM_PAD, cytoshade_shaders::HISTOGRAM_MARGIN as usize);
    }
}
