//! Counting end points (the reference's `dynamics.get_masks_torch`, its sparse histogram).

use std::sync::Arc;

use cytoshade_core::{EndPoints, HISTOGRAM_PAD, Histogram};
use cytoshade_shaders as shaders;

use crate::buffers::{Bytes, PATIENCE};
use crate::device::Gpu;
use crate::error::Error;
use crate::kernel::{Bound, Kernel, Variant, linear};

const WHAT: &str = "the histogram of end points";

/// How many end points fall on each pixel of a plane of `height` x `width`.
///
/// # Errors
/// [`Error::Length`] where `y` and `x` differ in length, [`Error::Limit`] where the plane or the end points are too
/// many for the device's `maxStorageBufferBindingSize` (4 bytes a bin, 8 bytes an end point), and whatever the device
/// says.
pub async fn histogram(gpu: &Gpu, ends: &EndPoints, height: usize, width: usize) -> Result<Histogram, Error> {
    if ends.x.len() != ends.y.len() {
        return Err(Error::Length { what: "x", found: ends.x.len(), expected: ends.y.len() });
    }
    if ends.y.is_empty() || height == 0 || width == 0 {
        return Ok(Counting::nothing(height, width));
    }
    let points: Vec<[f32; 2]> = ends.y.iter().zip(&ends.x).map(|(&y, &x)| [y, x]).collect();
    let kernel = Counting::kernel(gpu).await?;
    let (back, submission) = gpu
        .attempt(WHAT, || {
            let positions = gpu.upload(WHAT, &points)?;
            let counting = Counting::new(gpu, &kernel, &positions, points.len(), height, width)?;
            let back = gpu.readback(WHAT, counting.bytes())?;
            let mut encoder =
                gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("histogram") });
            counting.dispatch(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
            counting.copy(&mut encoder, &back, 0);
            Ok((back, gpu.queue().submit([encoder.finish()])))
        })
        .await?;
    let bytes = gpu.read(WHAT, &back, submission, PATIENCE).await?;
    Ok(Counting::read(&bytes, 0, height, width))
}

/// The counting of end points that are on the device.
#[derive(Debug)]
pub(crate) struct Counting {
    bound: Bound,
    grid: [u32; 3],
    counts: wgpu::Buffer,
    bytes: u64,
}

impl Counting {
    pub(crate) async fn kernel(gpu: &Gpu) -> Result<Arc<Kernel>, Error> {
        gpu.kernel(Self::variant()).await
    }

    pub(crate) fn variant() -> Variant {
        Variant::of(shaders::HISTOGRAM)
    }

    /// Counts `count` positions (y, x).
    pub(crate) fn new(
        gpu: &Gpu,
        kernel: &Arc<Kernel>,
        positions: &wgpu::Buffer,
        count: usize,
        height: usize,
        width: usize,
    ) -> Result<Self, Error> {
        let bytes = 4 * bins(height, width) as u64;
        // A new buffer is all zeros.
        let counts = gpu.storage(WHAT, bytes)?;
        let bound = kernel.bind(gpu, &[width as u32, height as u32, count as u32], &[positions, &counts]);
        Ok(Self { bound, grid: linear(gpu, WHAT, count as u64)?, counts, bytes })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>) {
        self.bound.dispatch(pass, self.grid);
    }

    pub(crate) fn copy(&self, encoder: &mut wgpu::CommandEncoder, back: &wgpu::Buffer, offset: u64) {
        encoder.copy_buffer_to_buffer(&self.counts, 0, back, offset, Some(self.bytes));
    }

    /// The histogram at an offset of what was read back.
    pub(crate) fn read(bytes: &Bytes, offset: u64, height: usize, width: usize) -> Histogram {
        let counts = bytes.values(offset..offset + 4 * bins(height, width) as u64);
        Histogram { counts, height, width }
    }

    /// The histogram of no end points.
    pub(crate) fn nothing(height: usize, width: usize) -> Histogram {
        Histogram { counts: vec![0; bins(height, width)], height, width }
    }
}

fn bins(height: usize, width: usize) -> usize {
    (height + 2 * HISTOGRAM_PAD) * (width + 2 * HISTOGRAM_PAD)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_shader_and_the_core_agree_on_the_margin() {
        assert_eq!(cytoshade_core::HISTOGRAM_PAD, cytoshade_shaders::HISTOGRAM_MARGIN as usize);
    }
}
