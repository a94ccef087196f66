//! Counts end points (the sparse histogram of the reference's `dynamics.get_masks_torch`).

use cytoshade_core::Histogram;
use cytoshade_shaders as shaders;

use crate::device::Gpu;
use crate::error::Error;
use crate::pipeline::Variant;
use crate::stages::follow_flows::GpuEndPoints;
use crate::stages::plane_limits::bins;

const WHAT: &str = "the histogram of end points";

/// The number of end points per bin, on the device: the counterpart of [`Histogram`].
#[derive(Clone, Debug)]
pub struct GpuHistogram {
    pub(crate) counts: wgpu::Buffer,
    height: usize,
    width: usize,
}

impl GpuHistogram {
    /// Reads the histogram back.
    ///
    /// # Errors
    /// Errors of the device.
    pub async fn read(&self, gpu: &Gpu) -> Result<Histogram, Error> {
        let bytes = 4 * bins(self.height, self.width) as u64;
        let counts = gpu.fetch(WHAT, &[(&self.counts, 0..bytes)]).await?.values(0..bytes);
        Ok(Histogram { counts, height: self.height, width: self.width })
    }
}

/// Counts the end points on each pixel of their plane.
///
/// # Errors
/// [`Error::Limit`] if the plane is too large for the device's `maxStorageBufferBindingSize` (4 bytes a bin), and errors
/// of the device.
pub async fn histogram(gpu: &Gpu, ends: &GpuEndPoints) -> Result<GpuHistogram, Error> {
    let (height, width) = (ends.height, ends.width);
    let [kernel] = gpu.kernels_of([Variant::new(&shaders::HISTOGRAM)]).await?;
    let counts = gpu
        .with_error_scopes(WHAT, || {
            let grid = gpu.plane_grid(WHAT, height, width)?;
            // A new buffer holds zeros.
            let counts = gpu.storage(WHAT, 4 * bins(height, width) as u64)?;
            let bound = gpu.bind(&kernel, &[width as u32, height as u32], &[&ends.positions, &counts]);
            gpu.submit(WHAT, &[(&bound, grid)]);
            Ok(counts)
        })
        .await?;
    Ok(GpuHistogram { counts, height, width })
}
