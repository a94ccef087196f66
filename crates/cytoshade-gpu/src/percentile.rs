//! Percentiles of planes by radix selection: four passes over the values, 8 bits of the order statistics each. Exact.

use std::sync::Arc;

use cytoshade_core::percentile::{Rank, steps};
use cytoshade_shaders as shaders;

use crate::device::Gpu;
use crate::error::Error;
use crate::kernel::{Kernel, Variant};
use crate::planes::GpuPlanes;
use crate::work::Work;

const WHAT: &str = "the percentiles";

/// Values that a workgroup counts, at least.
const SHARE: usize = 4096;
/// Most workgroups that share the values of a channel.
const GROUPS: usize = 512;
/// Order statistics of a channel: two for each of two percentiles.
const RANKS: usize = 4;
/// Counts of a channel: 256 digits for each rank, and whether its values differ.
const COUNTS: usize = RANKS * 256 + 1;

/// The pipelines of the selection.
#[derive(Debug)]
pub(crate) struct Percentiles {
    count: Arc<Kernel>,
    pick: Arc<Kernel>,
}

impl Percentiles {
    pub(crate) async fn new(gpu: &Gpu) -> Result<Self, Error> {
        let count = gpu.kernel(Variant::of(shaders::PERCENTILE_COUNT)).await?;
        Ok(Self { count, pick: gpu.kernel(Variant::of(shaders::PERCENTILE_PICK)).await? })
    }

    /// Adds the selection of the percentiles `low` and `high` of every channel to the work. Returns the bounds that
    /// normalizing by them takes, four values a channel; channels whose percentiles differ by no more than `contrast`
    /// and constant ones have the range 0, and constant ones are not inverted.
    pub(crate) fn add(
        &self,
        gpu: &Gpu,
        work: &mut Work,
        planes: &GpuPlanes,
        (low, high): (f32, f32),
        contrast: f32,
        invert: bool,
    ) -> Result<wgpu::Buffer, Error> {
        let GpuPlanes { channels, height, width, .. } = *planes;
        let [_, step_y, step_x] = steps([1, height, width]);
        let samples = height.div_ceil(step_y) * width.div_ceil(step_x);
        let rank = |q| Rank::new(samples, q).ok_or(Error::Length { what: "planes", found: 0, expected: 1 });
        let (low, high) = (rank(low)?, rank(high)?);
        let wanted = [low.below, low.above, high.below, high.above].map(|below| [0, below as u32]);
        let ranks = gpu.upload(WHAT, &vec![wanted; channels])?;
        // A new buffer is all zeros.
        let counts = gpu.storage(WHAT, (4 * COUNTS * channels) as u64)?;
        let bounds = gpu.storage(WHAT, (16 * channels) as u64)?;
        let groups = (height * width).div_ceil(SHARE).clamp(1, GROUPS) as u32;
        for shift in [24, 16, 8, 0] {
            let params = [width, height * width, step_y, step_x, shift].map(|value| value as u32);
            let count = self.count.bind(gpu, &params, &[&planes.buffer, &ranks, &counts]);
            work.add(count, [groups, 1, channels as u32]);
            let params =
                [shift as u32, low.gamma.to_bits(), high.gamma.to_bits(), contrast.to_bits(), u32::from(invert)];
            work.add(self.pick.bind(gpu, &params, &[&ranks, &counts, &bounds]), [1, 1, channels as u32]);
        }
        Ok(bounds)
    }
}

/// The value at the percentile `low` of each channel, and how far above it the one at `high` is, as numpy's
/// `percentile` gives them for float32 values (of every n-th row and column where there are more than 224^3). Of a
/// constant channel both may be anything.
///
/// # Errors
/// [`Error::Length`] for planes without pixels, and whatever the device says.
pub async fn percentiles(gpu: &Gpu, planes: &GpuPlanes, low: f32, high: f32) -> Result<Vec<(f32, f32)>, Error> {
    let selection = Percentiles::new(gpu).await?;
    let bounds = gpu
        .attempt(WHAT, || {
            let mut work = Work::default();
            let bounds = selection.add(gpu, &mut work, planes, (low, high), f32::MIN, false)?;
            work.submit(gpu, WHAT);
            Ok(bounds)
        })
        .await?;
    let bounds = GpuPlanes { buffer: bounds, channels: planes.channels, height: 1, width: 4 }.read(gpu).await?;
    Ok(bounds.as_slice().chunks_exact(4).map(|bound| (bound[0], bound[2])).collect())
}
