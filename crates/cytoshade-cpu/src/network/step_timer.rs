//! The times of the steps: the clock is read between steps.

use std::sync::Arc;

use cytoshade_core::{BatchTimes, Convolution, Operation, Plan, Recorder, StepCost};

use crate::simd::LANES;

/// Times the steps of each tile for a recorder.
pub(super) struct StepTimer<'a> {
    recorder: &'a Recorder,
    /// The cost of the steps for one tile.
    steps: Arc<[StepCost]>,
}

impl<'a> StepTimer<'a> {
    pub(super) fn new(plan: &Plan, recorder: &'a Recorder, height: usize, width: usize) -> Self {
        let name = |operation: &Operation| match operation {
            Operation::MaxPool { .. } => "max_pool",
            Operation::GlobalAverage { .. } => "style",
            Operation::Linear { .. } => "style_projections",
            Operation::Convolution(Convolution { kernel: 1, .. }) => "conv1x1",
            Operation::Convolution(_) => "conv3x3",
        };
        let steps = StepCost::all(plan, name, [1, height, width], size_of::<f32>(), LANES);
        Self { recorder, steps: steps.into() }
    }

    /// Times a tile that starts now. `lane` is its index among the tiles that run at the same time.
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

/// The times of one tile's steps. Dropping it passes them to the recorder.
pub(super) struct TileTimer<'a> {
    step_timer: &'a StepTimer<'a>,
    lane: usize,
    submitted: u64,
    last: u64,
    nanoseconds: Vec<[u64; 2]>,
}

impl TileTimer<'_> {
    /// Ends a step.
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
