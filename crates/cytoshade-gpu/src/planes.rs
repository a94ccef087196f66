//! Planar f32 data that stays on the device between stages.

use cytoshade_core::Planes;

use crate::device::Gpu;
use crate::error::Error;

const WHAT: &str = "planes";

/// Planar f32 values of shape [channels, height, width] on the device: [`Planes`], as the stages there see them.
#[derive(Clone, Debug)]
pub struct GpuPlanes {
    pub(crate) buffer: wgpu::Buffer,
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl GpuPlanes {
    /// Brings planes to the device.
    ///
    /// # Errors
    /// [`Error::Limit`] where they are too large for one binding, and whatever the device says.
    pub async fn upload(gpu: &Gpu, planes: &Planes) -> Result<Self, Error> {
        let buffer = gpu.attempt(WHAT, || gpu.upload(WHAT, planes.as_slice())).await?;
        Ok(Self { buffer, channels: planes.channels(), height: planes.height(), width: planes.width() })
    }

    /// Reads them back.
    ///
    /// # Errors
    /// Whatever the device says.
    pub async fn read(&self, gpu: &Gpu) -> Result<Planes, Error> {
        let bytes = 4 * (self.channels * self.height * self.width) as u64;
        let values = gpu.fetch(WHAT, &[(&self.buffer, 0..bytes)]).await?.values(0..bytes);
        Planes::new(values, self.channels, self.height, self.width)
            .map_err(|error| Error::Refused { what: WHAT, reason: error.to_string() })
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }
}
