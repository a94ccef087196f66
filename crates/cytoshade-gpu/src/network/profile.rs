//! How long each step takes, by the device's own clock.

use cytoshade_core::StepCost;

use super::Network;
use crate::buffers::WAIT_TIMEOUT;
use crate::device::Gpu;
use crate::error::Error;

const WHAT: &str = "a profile";

/// What a step of the network took for a batch of tiles.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTime {
    /// What ran: the shader's name, and for convolutions `inputs->outputs` and the level.
    pub name: String,
    /// The shader's name.
    pub shader: &'static str,
    /// Seconds on the device.
    pub seconds: f64,
    /// Floating-point operations of convolutions, a multiplication and an addition counting as two.
    pub operations: u64,
    /// Bytes that must be read and written at least: every input once, every output once.
    pub bytes: u64,
}

/// Two timestamps for each step of one batch, written by the device as it goes.
#[derive(Debug)]
pub(super) struct Clock {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    back: wgpu::Buffer,
    stamps: u32,
}

impl Clock {
    /// For a batch of so many steps.
    ///
    /// # Errors
    /// [`Error::NoTimestamps`] where the device has no clock.
    pub(super) async fn new(gpu: &Gpu, steps: usize) -> Result<Self, Error> {
        if !gpu.device().features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Err(Error::NoTimestamps { adapter: gpu.info().name.clone() });
        }
        let stamps = 2 * steps as u32;
        let bytes = 8 * u64::from(stamps);
        gpu.with_error_scopes(WHAT, || {
            let queries = gpu.device().create_query_set(&wgpu::QuerySetDescriptor {
                label: Some(WHAT),
                ty: wgpu::QueryType::Timestamp,
                count: stamps,
            });
            let resolved = gpu.resolved(WHAT, bytes);
            Ok(Self { queries, resolved, back: gpu.readback(WHAT, bytes)?, stamps })
        })
        .await
    }

    /// Where the pass of the step `at` writes when it begins and ends.
    pub(super) fn writes(&self, at: u32) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(2 * at),
            end_of_pass_write_index: Some(2 * at + 1),
        }
    }

    /// After the last pass.
    pub(super) fn copy(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.queries, 0..self.stamps, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.back, 0, Some(self.back.size()));
    }

    /// When each step of a batch that is done began and ended, in nanoseconds.
    pub(super) async fn read(&self, gpu: &Gpu, batch: wgpu::SubmissionIndex) -> Result<Vec<[u64; 2]>, Error> {
        let bytes = gpu.read(WHAT, &self.back, batch, WAIT_TIMEOUT).await?;
        let tick = f64::from(gpu.queue().get_timestamp_period());
        let nanoseconds = |ticks: u64| (ticks as f64 * tick) as u64;
        let ticks: Vec<[u64; 2]> = bytes.values(0..8 * u64::from(self.stamps));
        Ok(ticks.into_iter().map(|stamps| stamps.map(nanoseconds)).collect())
    }
}

impl Network {
    /// Runs a batch as [`Network::run`] does, in one submission, and says how long each step took: packing, the steps
    /// of the plan, unpacking. Steps do not overlap here as they may in [`Network::run`].
    ///
    /// # Errors
    /// [`Error::NoTimestamps`] where the device has no clock, and those of [`Network::run`].
    pub async fn profile(
        &self,
        tiles: &[f32],
        count: usize,
        height: usize,
        width: usize,
    ) -> Result<Vec<StepTime>, Error> {
        self.check_tiles(tiles, count, height, width)?;
        let clock = Clock::new(&self.gpu, self.timed_steps()).await?;
        let (_, batch) = self.submit(tiles, count, height, width, Some(&clock)).await?;
        let nanoseconds = clock.read(&self.gpu, batch).await?;
        let names = self.plan.operations().iter().map(|operation| self.name_of(operation, [height, width]));
        let shaders = std::iter::once("pack").chain(names);
        let costs = self.costs([count, height, width]).into_iter().zip(shaders.chain(["unpack"]));
        let step = |((cost, shader), [begin, end]): ((StepCost, _), [u64; 2])| {
            let seconds = end.saturating_sub(begin) as f64 * 1e-9;
            StepTime { name: cost.name, shader, seconds, operations: cost.operations, bytes: cost.bytes }
        };
        Ok(costs.zip(nanoseconds).map(step).collect())
    }

    /// What each step does for `tiles` (how many, height, width).
    pub(super) fn costs(&self, tiles: [usize; 3]) -> Vec<StepCost> {
        let bytes = self.options.precision.bytes();
        let [_, height, width] = tiles;
        StepCost::all(&self.plan, |operation| self.name_of(operation, [height, width]), tiles, bytes, 4)
    }
}
