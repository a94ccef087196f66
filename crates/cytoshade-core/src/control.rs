//! Progress, cancellation and timings of a segmentation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use web_time::Instant;

use crate::Error;
use crate::profile::{Recorder, Span};

/// The stages of the pipeline, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// Selects the input planes of the network from an image.
    Channels,
    /// Smooths, sharpens and normalizes intensities.
    Normalize,
    /// Resizes planes to the network's diameter, and its outputs back.
    Resize,
    /// Runs the network on tiles.
    Network,
    /// Averages tiles in their overlaps.
    Blend,
    /// Smooths the 3-D flows of a stack.
    Smooth,
    /// Integrates the flows (Euler's method).
    FollowFlows,
    /// Finds seeds in the histogram of the end points, grows them into masks, and drops masks that are too large.
    Masks,
    /// Drops masks whose flows differ too much from the network's.
    FlowError,
    /// Fills holes and drops small masks.
    FillHoles,
    /// Joins the cells of neighbouring z-slices.
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

/// The progress of a segmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The stage that is running.
    pub stage: Stage,
    /// Completed units of the stage: tiles in [`Stage::Network`], 0 or 1 in other stages.
    pub done: usize,
    /// Units of the stage in all: tiles in [`Stage::Network`], 1 in other stages.
    pub total: usize,
    /// Index of the image in a batch of images, from 0; 0 for a single image.
    pub image: usize,
}

/// Cancels a segmentation from another thread or task. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A handle in the state "not cancelled".
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels: the call returns [`Error::Cancelled`] after the tiles that are running (on a GPU: the batch of tiles),
    /// or at the start or the end of a stage.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A progress callback. It runs on the thread that runs the stage.
#[cfg(not(target_arch = "wasm32"))]
pub type ProgressFn<'a> = dyn Fn(Progress) + Sync + 'a;
/// A progress callback.
#[cfg(target_arch = "wasm32")]
pub type ProgressFn<'a> = dyn Fn(Progress) + 'a;

/// A borrowed callback, or one for threads that outlive the caller.
#[derive(Clone)]
enum Callback<'a> {
    Borrowed(&'a ProgressFn<'a>),
    #[cfg(not(target_arch = "wasm32"))]
    Shared(Arc<dyn Fn(Progress) + Send + Sync>),
}

/// The progress callback, cancel handles and recorder of a call. The default has none of them.
///
/// ```
/// use cytoshade_core::{Cancel, Control, Stage};
/// let cancel = Cancel::new();
/// let control = Control::new().progress(&|progress| println!("{progress:?}")).cancel(&cancel);
/// cancel.cancel();
/// assert!(control.step(Stage::Network, 1, 4).is_err());
/// ```
#[derive(Clone, Default)]
pub struct Control<'a> {
    progress: Option<Callback<'a>>,
    image: usize,
    cancel: Vec<Cancel>,
    recorder: Option<&'a Recorder>,
}

impl std::fmt::Debug for Control<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control")
            .field("progress", &self.progress.as_ref().map(|_| "callback"))
            .field("image", &self.image)
            .field("cancel", &self.cancel)
            .field("recorder", &self.recorder.map(|_| "recorder"))
            .finish()
    }
}

impl<'a> Control<'a> {
    /// No callback, handle or recorder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `progress` at the start and the end of each stage, and after each tile or batch of tiles.
    pub fn progress(mut self, progress: &'a ProgressFn<'a>) -> Self {
        self.progress = Some(Callback::Borrowed(progress));
        self
    }

    /// [`Control::progress`] with a callback that the control owns, for batches of images.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn on_progress(mut self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Callback::Shared(Arc::new(progress)));
        self
    }

    /// Adds a handle. After [`Cancel::cancel`] on any of several handles, the call returns [`Error::Cancelled`].
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel.push(cancel.clone());
        self
    }

    /// Records the time of each of the network's steps. On a GPU the steps then no longer overlap.
    pub fn record(mut self, recorder: &'a Recorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// The control of one image of a batch of images, by its index from 0.
    pub fn for_image(&self, image: usize) -> Self {
        Self { image, ..self.clone() }
    }

    /// Index of the image in a batch of images, from 0.
    pub fn image(&self) -> usize {
        self.image
    }

    /// The recorder of the network's steps.
    pub fn recorder(&self) -> Option<&'a Recorder> {
        self.recorder
    }

    /// Reports `done` of `total` units of a stage, then checks for cancellation.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if a handle was cancelled.
    pub fn step(&self, stage: Stage, done: usize, total: usize) -> Result<(), Error> {
        let progress = Progress { stage, done, total, image: self.image };
        match &self.progress {
            None => {}
            Some(Callback::Borrowed(callback)) => callback(progress),
            #[cfg(not(target_arch = "wasm32"))]
            Some(Callback::Shared(callback)) => callback(progress),
        }
        self.check()
    }

    /// Checks for cancellation.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if a handle was cancelled.
    pub fn check(&self) -> Result<(), Error> {
        if self.cancel.iter().any(Cancel::is_cancelled) { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// The time of each stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timings(Vec<(Stage, Span)>);

impl Timings {
    /// Runs `work` and adds its time to `stage`.
    pub fn measure<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(stage, start.elapsed());
        result
    }

    /// Adds the time of a piece of work that ends now.
    pub fn add(&mut self, stage: Stage, time: Duration) {
        let now = Instant::now();
        let start = now.checked_sub(time).unwrap_or(now);
        self.0.push((stage, Span { name: stage.name(), start, time }));
    }

    /// The total time of each stage that ran, in the order of [`Stage`].
    pub fn iter(&self) -> impl Iterator<Item = (Stage, Duration)> + '_ {
        let mut stages: Vec<(Stage, Duration)> = Vec::new();
        for &(stage, Span { time, .. }) in &self.0 {
            let place = stages.partition_point(|(before, _)| *before < stage);
            match stages.get_mut(place) {
                Some((found, sum)) if *found == stage => *sum += time,
                _ => stages.insert(place, (stage, time)),
            }
        }
        stages.into_iter()
    }

    /// Each measured piece of work, in the order in which they ended.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        self.0.iter().map(|&(_, span)| span)
    }

    /// The sum of all stages.
    pub fn total(&self) -> Duration {
        self.0.iter().map(|(_, span)| span.time).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_summed_in_their_order_and_listed_one_by_one() {
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
