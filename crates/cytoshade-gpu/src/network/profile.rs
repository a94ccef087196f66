//! How long each step takes, by the device's own clock.

use cytoshade_core::{Plan, Step, Tensor};

use super::Network;
use super::arena::Arena;
use crate::buffers::PATIENCE;
use crate::error::Error;

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
        const WHAT: &str = "a profile";
        if !self.gpu.device().features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Err(Error::NoTimestamps { adapter: self.gpu.info().name.clone() });
        }
        self.check_tiles(tiles, count, height, width)?;
        let arena = self.arena(count, height, width).await?;
        let stamps = 2 * arena.dispatches() as u32;
        let (back, submission) = self
            .gpu
            .attempt(WHAT, || {
                let queries = self.gpu.device().create_query_set(&wgpu::QuerySetDescriptor {
                    label: Some(WHAT),
                    ty: wgpu::QueryType::Timestamp,
                    count: stamps,
                });
                let back = self.gpu.readback(WHAT, u64::from(stamps) * 8)?;
                let submission = arena.submit_timed(&self.gpu, tiles, count, &queries, &back)?;
                Ok((back, submission))
            })
            .await?;
        let bytes = self.gpu.read(WHAT, &back, submission, PATIENCE * count as u32).await?;
        let ticks: Vec<u64> = bytes.values(0..u64::from(stamps) * 8);
        let tick = f64::from(self.gpu.queue().get_timestamp_period()) * 1e-9;
        let seconds = ticks.chunks(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64 * tick);
        Ok(self
            .costs(&arena, count)
            .into_iter()
            .zip(seconds)
            .map(|(cost, seconds)| StepTime { seconds, ..cost })
            .collect())
    }

    /// What each dispatch does, with no time yet.
    fn costs(&self, arena: &Arena, count: usize) -> Vec<StepTime> {
        let (height, width) = arena.tile();
        let stored = |tensor: Tensor| {
            let (height, width) = tensor.size(height, width);
            (self.options.precision.bytes() * tensor.channels.next_multiple_of(4) * height * width) as u64
        };
        let planes = |tensor: Tensor| (4 * tensor.channels * height * width) as u64;
        let Plan { input, output, .. } = self.plan;
        let ends = |name: &'static str, tensor| StepTime {
            name: name.into(),
            shader: name,
            seconds: 0.0,
            operations: 0,
            bytes: count as u64 * (stored(tensor) + planes(tensor)),
        };
        let mut costs = vec![ends("pack", input)];
        for step in &self.plan.steps {
            let shader = self.variant(step).shader.name;
            let moved: u64 = step.reads().chain(step.target()).map(stored).sum();
            let mut cost =
                StepTime { name: shader.into(), shader, seconds: 0.0, operations: 0, bytes: count as u64 * moved };
            if let Step::Conv { conv, source, target, projection, .. } = step {
                let layer = &self.layers[conv];
                let (height, width) = target.size(height, width);
                let depth = layer.side * layer.side * source.channels
                    + projection.map_or(0, |projection| projection.source.channels);
                cost.operations = (2 * count * depth * target.channels * height * width) as u64;
                cost.bytes += layer.weights.size();
                cost.name = format!("{shader} {}->{} at {height} x {width}", source.channels, target.channels);
                if projection.is_some() {
                    cost.name += " + proj";
                }
            }
            costs.push(cost);
        }
        costs.push(ends("unpack", output));
        costs
    }
}
