//! How long each step takes: a look at the clock between steps.

use std::sync::Arc;

use cytoshade_core::{BatchTimes, Recorder, Step, StepCost};

use super::Network;
use crate::simd::LANES;

/// Times the steps of each tile for a recorder.
pub(super) struct StepTimer<'a> {
    recorder: &'a Recorder,
    /// What the steps do for one tile.
    steps: Arc<[StepCost]>,
}

impl<'a> StepTimer<'a> {
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
    pub(super) fn timer(&self, lane: usize) -> TileTimer<'_> {
        let submitted = self.recorder.now();
        TileTimer {
            step_timer: self,
            lane,
            submitted,
            last: submitted,
            nanoseconds: Vec::with_capacity(self.steps.len()),
        }
    }
}

/// The steps of one tile, reported when it is done.
pub(super) struct TileTimer<'a> {
    step_timer: &'a StepTimer<'a>,
    lane: usize,
    submitted: u64,
    last: u64,
    nanoseconds: Vec<[u64; 2]>,
}

impl TileTimer<'_> {
    /// A step is done.
    pub(super) fn lap(&mut self) {
        let now = self.step_timer.recorder.now();
        self.nanoseconds.push([self.last, now]);
        self.last = now;
    }
}

impl Drop for TileTimer<'_> {
    fn drop(&mut self) {
        let Self { step_timer, lane, submitted, .. } = *self;
        let nanoseconds = std::mem::take(&mut self.nanoseconds);
        step_timer.recorder.add(BatchTimes {
            tiles: 1,
            lane,
            submitted,
            steps: Arc::clone(&step_timer.steps),
            nanoseconds,
        });
    }
}
