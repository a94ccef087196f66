//! Planes that stay on the device between stages.

use cytoshade_core::Planes;

use crate::device::Gpu;
use crate::device::buffers::WAIT_TIMEOUT;
use crate::error::Error;

const WHAT: &str = "planes";

/// Planar f32 values of shape [channels, height, width] on the device: the counterpart of [`Planes`].
#[derive(Clone, Debug)]
pub struct GpuPlanes {
    pub(crate) buffer: wgpu::Buffer,
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl GpuPlanes {
    /// Uploads planes.
    ///
    /// # Errors
    /// [`Error::Limit`] if they are too large for one binding, and errors of the device.
    pub async fn upload(gpu: &Gpu, planes: &Planes) -> Result<Self, Error> {
        let buffer = gpu.with_error_scopes(WHAT, || gpu.upload(WHAT, planes.as_slice())).await?;
        Ok(Self { buffer, channels: planes.channels(), height: planes.height(), width: planes.width() })
    }

    /// New zeroed planes. Call it inside [`Gpu::with_error_scopes`].
    pub(crate) fn zeros(
        gpu: &Gpu,
        what: &'static str,
        channels: usize,
        height: usize,
        width: usize,
    ) -> Result<Self, Error> {
        let bytes = 4 * channels as u64 * height as u64 * width as u64;
        Ok(Self { buffer: gpu.storage(what, bytes)?, channels, height, width })
    }

    /// Copies the planes in another order: plane `order[n]` becomes plane `n`.
    ///
    /// # Errors
    /// [`Error::Length`] if a plane of the order does not exist, [`Error::Limit`] and [`Error::OutOfMemory`] if the device has
    /// no room for the copy, and errors of the device.
    pub async fn reorder(&self, gpu: &Gpu, order: &[usize]) -> Result<Self, Error> {
        if let Some(&found) = order.iter().find(|&&channel| channel >= self.channels) {
            return Err(Error::Length { what: "the order of planes", found, expected: self.channels });
        }
        let bytes = 4 * (self.height * self.width) as u64;
        gpu.with_error_scopes(WHAT, || {
            let planes = Self::zeros(gpu, WHAT, order.len(), self.height, self.width)?;
            let mut encoder =
                gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(WHAT) });
            for (to, &from) in (0..).zip(order) {
                let from = from as u64 * bytes;
                encoder.copy_buffer_to_buffer(&self.buffer, from, &planes.buffer, to * bytes, Some(bytes));
            }
            gpu.queue().submit([encoder.finish()]);
            Ok(planes)
        })
        .await
    }

    /// Reads the planes back.
    ///
    /// # Errors
    /// Errors of the device.
    pub async fn read(&self, gpu: &Gpu) -> Result<Planes, Error> {
        self.start_read(gpu).await?.finish(gpu).await
    }

    /// Starts to read back the current planes, without waiting.
    ///
    /// # Errors
    /// Errors of the device.
    pub async fn start_read(&self, gpu: &Gpu) -> Result<PendingReadback, Error> {
        let bytes = 4 * (self.channels * self.height * self.width) as u64;
        let (back, submission) = gpu
            .with_error_scopes(WHAT, || {
                let back = gpu.readback(WHAT, bytes)?;
                let mut encoder =
                    gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(WHAT) });
                encoder.copy_buffer_to_buffer(&self.buffer, 0, &back, 0, Some(bytes));
                Ok((back, gpu.queue().submit([encoder.finish()])))
            })
            .await?;
        Ok(PendingReadback { back, submission, size: [self.channels, self.height, self.width] })
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

/// Planes on their way back to the host.
#[derive(Debug)]
pub struct PendingReadback {
    back: wgpu::Buffer,
    submission: wgpu::SubmissionIndex,
    size: [usize; 3],
}

impl PendingReadback {
    /// Waits for the planes.
    ///
    /// # Errors
    /// Errors of the device.
    pub async fn finish(self, gpu: &Gpu) -> Result<Planes, Error> {
        let [channels, height, width] = self.size;
        let bytes = 4 * (channels * height * width) as u64;
        let values = gpu.read(WHAT, &self.back, self.submission, WAIT_TIMEOUT).await?.values(0..bytes);
        Planes::new(values, channels, height, width)
            .map_err(|error| Error::Refused { what: WHAT, reason: error.to_string() })
    }
}
