//! Times each step by the device's clock.

use cytoshade_core::{Recorder, StepCost};

use super::Network;
use crate::device::Gpu;
use crate::device::buffers::WAIT_TIMEOUT;
use crate::error::Error;

const WHAT: &str = "a profile";

/// The time of one step of the network for a batch of tiles.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTime {
    /// The shader's name, and for convolutions `inputs->outputs` and the level.
    pub name: String,
    /// The shader's name.
    pub shader: &'static str,
    /// Seconds on the device.
    pub seconds: f64,
    /// Floating-point operations of convolutions; a multiply-add counts as two.
    pub operations: u64,
    /// Minimum memory traffic in bytes: every input once, every output once.
    pub bytes: u64,
}

/// Two timestamps for each step of one batch, written by the device.
#[derive(Debug)]
pub(super) struct Clock {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    back: wgpu::Buffer,
    stamps: u32,
}

impl Clock {
    /// A clock for a batch of `steps` steps.
    ///
    /// # Errors
    /// [`Error::NoTimestamps`] if the device has no timestamps.
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

    /// The timestamps of the pass of step `at`.
    pub(super) fn writes(&self, at: u32) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(2 * at),
            end_of_pass_write_index: Some(2 * at + 1),
        }
    }

    /// Records the copy of all timestamps, after the last pass.
    pub(super) fn copy(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.queries, 0..self.stamps, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.back, 0, Some(self.back.size()));
    }

    /// The begin and end of each step of a completed batch, in nanoseconds.
    pub(super) async fn read(&self, gpu: &Gpu, batch: wgpu::SubmissionIndex) -> Result<Vec<[u64; 2]>, Error> {
        let bytes = gpu.read(WHAT, &self.back, batch, WAIT_TIMEOUT).await?;
        let tick = f64::from(gpu.queue().get_timestamp_period());
        let nanoseconds = |ticks: u64| (ticks as f64 * tick) as u64;
        let ticks: Vec<[u64; 2]> = bytes.values(0..8 * u64::from(self.stamps));
        Ok(ticks.into_iter().map(|stamps| stamps.map(nanoseconds)).collect())
    }
}

impl Network {
    /// Runs a batch in one submission and returns the time of each step.
    ///
    /// The steps are packing, those of the plan, and unpacking. Unlike in [`Network::run`], steps do not overlap.
    ///
    /// # Errors
    /// [`Error::NoTimestamps`] if the device has no timestamps, and those of [`Network::run`].
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

    /// The clock of a batch. Without timestamps, the recorder receives the reason.
    pub(super) async fn clock(&self, recorder: &Recorder) -> Result<Option<Clock>, Error> {
        // A constant condition, so that the browser build omits this.
        if cfg!(target_arch = "wasm32") {
            return Ok(None);
        }
        match Clock::new(&self.gpu, self.timed_steps()).await {
            Err(error @ Error::NoTimestamps { .. }) => {
                recorder.cannot_time(error.to_string());
                Ok(None)
            }
            clock => clock.map(Some),
        }
    }

    /// The steps that a clock times: those of the plan, one before and one after them.
    fn timed_steps(&self) -> usize {
        self.plan.operations().len() + 2
    }

    /// The cost of each step for `tiles` [count, height, width].
    pub(super) fn costs(&self, tiles: [usize; 3]) -> Vec<StepCost> {
        let bytes = self.options.precision.bytes();
        let [_, height, width] = tiles;
        StepCost::all(&self.plan, |operation| self.name_of(operation, [height, width]), tiles, bytes, 4)
    }
}
