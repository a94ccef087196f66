//! Watching and stopping a segmentation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use web_time::Instant;

use crate::Error;
use crate::profile::{Recorder, Span};

/// The stages of the pipeline, in the order in which they run. One name everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// Image to the planes that the network sees.
    Channels,
    /// Percentile normalisation.
    Normalize,
    /// Resize to the model's diameter, and of the flows back.
    Resize,
    /// Tiles through the network.
    Network,
    /// Tiles averaged in their overlaps.
    Blend,
    /// A stack's 3-D flows smoothed.
    Smooth,
    /// Euler integration of the flows.
    FollowFlows,
    /// Histogram of the end points, its maxima, and their growth into masks.
    Masks,
    /// The check of each mask's flows against the network's.
    FlowError,
    /// Hole filling and the size filter.
    FillHoles,
    /// Cells of a stack's layers joined.
    Stitch,
}

impl Stage {
    /// The stage's name in reports and file names.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Channels => "channels",
            Stage::Normalize => "normalize",
            Stage::Resize => "resize",
            Stage::Network => "network",
            Stage::Blend => "blend",
            Stage::Smooth => "smooth",
            Stage::FollowFlows => "follow_flows",
            Stage::Masks => "masks",
            Stage::FlowError => "flow_error",
            Stage::FillHoles => "fill_holes",
            Stage::Stitch => "stitch",
        }
    }
}

/// How far a segmentation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The stage that is running.
    pub stage: Stage,
    /// Units of it that are done: tiles in [`Stage::Network`], 0 or 1 elsewhere.
    pub done: usize,
    /// Units that it has.
    pub total: usize,
}

/// A handle that stops a segmentation from another thread or task. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A handle that nobody has used yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a stop. It takes effect at the next tile (the next batch of tiles on a GPU) or stage.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A callback that watches a segmentation. It may be called from the thread that segments, which need not be the
/// caller's where the future is sent elsewhere.
#[cfg(not(target_arch = "wasm32"))]
pub type ProgressFn<'a> = dyn Fn(Progress) + Sync + 'a;
/// A callback that watches a segmentation.
#[cfg(target_arch = "wasm32")]
pub type ProgressFn<'a> = dyn Fn(Progress) + 'a;

/// What a caller gives to watch and stop a segmentation. The default does neither.
#[derive(Clone, Copy, Default)]
pub struct Control<'a> {
    progress: Option<&'a ProgressFn<'a>>,
    cancel: Option<&'a Cancel>,
    recorder: Option<&'a Recorder>,
}

impl std::fmt::Debug for Control<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control")
            .field("progress", &self.progress.map(|_| "callback"))
            .field("cancel", &self.cancel)
            .field("recorder", &self.recorder.map(|_| "recorder"))
            .finish()
    }
}

impl<'a> Control<'a> {
    /// Neither watches nor stops.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `progress` at the start and the end of each stage, and after each tile or batch of tiles.
    pub fn progress(mut self, progress: &'a ProgressFn<'a>) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Stops when `cancel` says so.
    pub fn cancel(mut self, cancel: &'a Cancel) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Tells `recorder` what each step of the network takes. The work is the same, but for a GPU's steps, which no
    /// longer overlap.
    pub fn record(mut self, recorder: &'a Recorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Who hears what the network's steps take.
    pub fn recorder(&self) -> Option<&'a Recorder> {
        self.recorder
    }

    /// Reports, then looks whether to stop.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn step(&self, stage: Stage, done: usize, total: usize) -> Result<(), Error> {
        if let Some(progress) = self.progress {
            progress(Progress { stage, done, total });
        }
        self.check()
    }

    /// Looks whether to stop.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn check(&self) -> Result<(), Error> {
        match self.cancel {
            Some(cancel) if cancel.is_cancelled() => Err(Error::Cancelled),
            _ => Ok(()),
        }
    }
}

/// Time spent in each stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timings(Vec<(Stage, Span)>);

impl Timings {
    /// Runs `work`, adding its time to `stage`.
    pub fn measure<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(stage, start.elapsed());
        result
    }

    /// Adds time to a stage, which ends now.
    pub fn add(&mut self, stage: Stage, time: Duration) {
        let now = Instant::now();
        let start = now.checked_sub(time).unwrap_or(now);
        self.0.push((stage, Span { name: stage.name(), start, time }));
    }

    /// Each stage that ran, in the order of [`Stage`], with its time.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, Duration)> + '_ {
        let mut stages: Vec<(Stage, Duration)> = Vec::new();
        for &(stage, Span { time, .. }) in &self.0 {
            match stages.iter_mut().find(|(of, _)| *of == stage) {
                Some((_, sum)) => *sum += time,
                None => stages.push((stage, time)),
            }
        }
        stages.sort_by_key(|&(stage, _)| stage);
        stages.into_iter()
    }

    /// Each piece of work by itself, in the order in which they ended.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        self.0.iter().map(|&(_, span)| span)
    }

    /// All stages together.
    pub fn total(&self) -> Duration {
        self.0.iter().map(|(_, span)| span.time).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_summed_in_their_order_and_told_one_by_one() {
        let mut timings = Timings::default();
        let ms = Duration::from_millis;
        for (stage, time) in [(Stage::Blend, 5), (Stage::Network, 2), (Stage::Blend, 1)] {
            timings.add(stage, ms(time));
        }
        assert_eq!(timings.iter().collect::<Vec<_>>(), [(Stage::Network, ms(2)), (Stage::Blend, ms(6))]);
        assert_eq!(timings.spans().map(|span| span.name).collect::<Vec<_>>(), ["blend", "network", "blend"]);
        assert_eq!(timings.total(), ms(8));
    }
}
