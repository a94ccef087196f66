//! How long each step takes: a look at the clock between steps.

use std::sync::Arc;

use cytoshade_core::{BatchTimes, Recorder, Step, StepCost};

use super::Network;
use crate::simd::LANES;

/// Whom the tiles of a run report to.
pub(super) struct Clock<'a> {
    recorder: &'a Recorder,
    /// What the steps do for one tile.
    steps: Arc<[StepCost]>,
}

impl<'a> Clock<'a> {
    pub(super) fn new(network: &Network, recorder: &'a Recorder, height: usize, width: usize) -> Self {
        let Network { plan, shape, .. } = network;
        let convs = shape.convs();
        let name = |step: &Step| match step {
            Step::MaxPool { .. } => "max_pool",
            Step::Style { .. } => "style",
            Step::StyleProjections => "style_projections",
            Step::Conv { conv, .. } if convs[*conv].kernel == 1 => "conv1x1",
            Step::Conv { .. } => "conv3x3",
        };
        let steps = StepCost::all(plan, shape, name, [1, height, width], size_of::<f32>(), LANES);
        Self { recorder, steps: steps.into() }
    }

    /// For a tile that starts now, as one of those that run at the same time.
    pub(super) fn laps(&self, lane: usize) -> Laps<'_> {
        let submitted = self.recorder.now();
        Laps { clock: self, lane, submitted, last: submitted, laps: Vec::with_capacity(self.steps.len()) }
    }
}

/// The steps of one tile, reported when it is done.
pub(super) struct Laps<'a> {
    clock: &'a Clock<'a>,
    lane: usize,
    submitted: u64,
    last: u64,
    laps: Vec<[u64; 2]>,
}

impl Laps<'_> {
    /// A step is done.
    pub(super) fn lap(&mut self) {
        let now = self.clock.recorder.now();
        self.laps.push([self.last, now]);
        self.last = now;
    }
}

impl Drop for Laps<'_> {
    fn drop(&mut self) {
        let Self { clock, lane, submitted, .. } = *self;
        let nanoseconds = std::mem::take(&mut self.laps);
        clock.recorder.add(BatchTimes { tiles: 1, lane, submitted, steps: Arc::clone(&clock.steps), nanoseconds });
    }
}
