//! The cost and the time of the network's steps.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use web_time::Instant;

use crate::{Operation, Plan, Storage, TensorId};

/// A named interval of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Name of the work.
    pub name: &'static str,
    /// Start of the work.
    pub start: Instant,
    /// Duration of the work.
    pub time: Duration,
}

impl Span {
    /// An interval that begins now.
    pub fn begin(name: &'static str) -> Self {
        Self { name, start: Instant::now(), time: Duration::ZERO }
    }

    /// The interval, ended now.
    pub fn end(self) -> Self {
        Self { time: self.start.elapsed(), ..self }
    }
}

/// The cost of a step of the network for a batch of tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepCost {
    /// Name of the kernel. For a convolution `inputs->outputs at height x width` of the target follows, and `+ proj` if
    /// it has a shortcut.
    pub name: String,
    /// Floating-point operations of a convolution as a plain sum; 0 for other steps. A multiplication and an addition
    /// count as two. Winograd kernels need fewer, but count as plain sums.
    pub operations: u64,
    /// Minimum bytes to read and write: every map that the step reads or writes, and the weights of a convolution, once
    /// each.
    pub bytes: u64,
}

impl StepCost {
    fn new(
        plan: &Plan,
        operation: &Operation,
        kernel: &str,
        [count, height, width]: [usize; 3],
        value: usize,
        pad: usize,
    ) -> Self {
        let stored = |id: TensorId| match plan[id].shape.storage() {
            Storage::Activations => value * plan[id].shape.len(height, width, pad),
            // Negligible beside the maps.
            Storage::Vectors => 0,
        };
        let mut bytes = count * operation.sources().chain(operation.targets()).map(stored).sum::<usize>();
        let (mut name, mut operations) = (kernel.to_string(), 0);
        if let Operation::Convolution(convolution) = operation {
            let (source, target) = (plan[convolution.source], plan[convolution.target]);
            operations = count as u64 * plan.convolution_operations(convolution, height, width);
            bytes += value * plan.depth(convolution) * target.channels();
            let (height, width) = target.size(height, width);
            name += &format!(" {}->{} at {height} x {width}", source.channels(), target.channels());
            if convolution.shortcut.is_some() {
                name += " + proj";
            }
        }
        Self { name, operations, bytes: bytes as u64 }
    }

    /// The cost of packing f32 planes into the layout of the tensors, or of unpacking them.
    fn packing(name: &str, channels: usize, [count, height, width]: [usize; 3], value: usize, pad: usize) -> Self {
        let values = 4 * channels + value * channels.next_multiple_of(pad);
        Self { name: name.into(), operations: 0, bytes: (count * values * height * width) as u64 }
    }

    /// The cost of every operation of a plan for `tiles` (count, height, width), with packing before and unpacking after
    /// them.
    ///
    /// Activations are stored in `value` bytes each, their channels padded to multiples of `pad`. `kernel` names the kernel
    /// that runs an operation.
    pub fn all(
        plan: &Plan,
        kernel: impl Fn(&Operation) -> &'static str,
        tiles: [usize; 3],
        value: usize,
        pad: usize,
    ) -> Vec<Self> {
        let [inputs, outputs] = [plan.input(), plan.output()].map(|id| plan[id].channels());
        let mut all = vec![Self::packing("pack", inputs, tiles, value, pad)];
        let operations = plan.operations().iter();
        all.extend(operations.map(|operation| Self::new(plan, operation, kernel(operation), tiles, value, pad)));
        all.push(Self::packing("unpack", outputs, tiles, value, pad));
        all
    }
}

/// The times of the network's steps for a batch of tiles, by the clock of the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchTimes {
    /// Number of tiles of the batch.
    pub tiles: usize,
    /// Index of the batch among those that run at the same time, from 0.
    pub lane: usize,
    /// Time of submission, in nanoseconds since the recorder was made.
    pub submitted: u64,
    /// The costs of the steps, one for each entry of `nanoseconds`.
    pub steps: Arc<[StepCost]>,
    /// Start and end of each step, in nanoseconds of one clock for all batches.
    pub nanoseconds: Vec<[u64; 2]>,
}

/// A step summed over all batches.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerTime {
    /// Name of the step, as in [`StepCost::name`].
    pub name: String,
    /// Number of runs.
    pub runs: usize,
    /// Total time in seconds.
    pub seconds: f64,
    /// Total floating-point operations.
    pub operations: u64,
    /// Total bytes.
    pub bytes: u64,
}

/// One run of a step for one batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerSpan<'a> {
    /// The cost of the step.
    pub cost: &'a StepCost,
    /// Index of the batch among those that run at the same time, from 0.
    pub lane: usize,
    /// Start of the step, on the host's clock.
    pub start: Instant,
    /// Duration of the step.
    pub time: Duration,
}

/// The recorded batches of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The time at which the recorder was made.
    pub origin: Instant,
    /// The batches, in the order in which they ended.
    pub batches: Vec<BatchTimes>,
    /// The reason why there are no batches, if the device cannot time them.
    pub missing: Option<String>,
}

impl Recorded {
    /// The total of each step over all batches, in the order of the network. Steps of one name count as one.
    pub fn layers(&self) -> Vec<LayerTime> {
        let mut layers: Vec<LayerTime> = Vec::new();
        for batch in &self.batches {
            for (cost, [begin, end]) in batch.steps.iter().zip(&batch.nanoseconds) {
                let StepCost { name, operations, bytes } = cost;
                let at = layers.iter().position(|layer| layer.name == *name).unwrap_or_else(|| {
                    let name = name.clone();
                    layers.push(LayerTime { name, runs: 0, seconds: 0.0, operations: 0, bytes: 0 });
                    layers.len() - 1
                });
                let layer = &mut layers[at];
                layer.runs += 1;
                layer.seconds += end.saturating_sub(*begin) as f64 * 1e-9;
                layer.operations += operations;
                layer.bytes += bytes;
            }
        }
        layers
    }

    /// Every run of every step, on the host's clock.
    ///
    /// Adds to the device's clock the smallest offset by which no batch begins before its submission.
    pub fn spans(&self) -> impl Iterator<Item = LayerSpan<'_>> {
        let begins = |batch: &BatchTimes| batch.nanoseconds.first().map(|&[begin, _]| i128::from(begin));
        let offset = self.batches.iter().filter_map(|batch| Some(i128::from(batch.submitted) - begins(batch)?)).max();
        let place = move |time: u64| (i128::from(time) + offset.unwrap_or(0)).max(0) as u64;
        self.batches.iter().flat_map(move |batch| {
            batch.steps.iter().zip(&batch.nanoseconds).map(move |(cost, &[begin, end])| LayerSpan {
                cost,
                lane: batch.lane,
                start: self.origin + Duration::from_nanos(place(begin)),
                time: Duration::from_nanos(end.saturating_sub(begin)),
            })
        })
    }
}

/// Records the times of the network's steps. See [`crate::Control::record`].
#[derive(Debug)]
pub struct Recorder {
    origin: Instant,
    recorded: Mutex<(Vec<BatchTimes>, Option<String>)>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { origin: Instant::now(), recorded: Mutex::default() }
    }
}

impl Recorder {
    /// An empty recorder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nanoseconds since the recorder was made.
    pub fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    /// Records a batch.
    pub fn add(&self, batch: BatchTimes) {
        self.lock().0.push(batch);
    }

    /// Records the reason why batches cannot be timed.
    pub fn cannot_time(&self, reason: String) {
        self.lock().1 = Some(reason);
    }

    /// Takes the batches that were recorded since the last call.
    pub fn take(&self) -> Recorded {
        let (batches, missing) = std::mem::take(&mut *self.lock());
        Recorded { origin: self.origin, batches, missing }
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<BatchTimes>, Option<String>)> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::unet::UNet;

    fn batch(submitted: u64, nanoseconds: Vec<[u64; 2]>) -> BatchTimes {
        let step = |name: &str| StepCost { name: name.into(), operations: 10, bytes: 3 };
        BatchTimes { tiles: 1, lane: 0, submitted, steps: [step("a"), step("b"), step("a")].into(), nanoseconds }
    }

    #[test]
    fn steps_of_one_name_are_summed_over_batches() {
        let batches = vec![batch(0, vec![[5, 10], [10, 30], [30, 31]]), batch(0, vec![[50, 51], [51, 52], [60, 64]])];
        let recorded = Recorded { origin: Instant::now(), batches, missing: None };
        let layers = recorded.layers();
        let totals: Vec<_> = layers.iter().map(|l| (l.name.as_str(), l.runs, l.operations, l.bytes)).collect();
        assert_eq!(totals, [("a", 4, 40, 12), ("b", 2, 20, 6)]);
        assert!((layers[0].seconds - 11e-9).abs() < 1e-15 && (layers[1].seconds - 21e-9).abs() < 1e-15);
    }

    #[test]
    fn no_batch_begins_before_its_submission_and_one_begins_then() {
        // On the device the second batch begins 40 after the first; they were submitted 100 apart.
        let batches = vec![
            batch(7, vec![[1000, 1010], [1010, 1020], [1020, 1040]]),
            batch(107, vec![[1040, 1050], [1050, 1060], [1060, 1061]]),
        ];
        let origin = Instant::now();
        let recorded = Recorded { origin, batches, missing: None };
        let spans: Vec<_> = recorded.spans().collect();
        assert_eq!(spans.len(), 6);
        let since = |at: usize| spans[at].start.duration_since(origin).as_nanos();
        assert_eq!(since(3), 107);
        assert_eq!(since(0), 67, "distances are kept");
        assert_eq!(spans[5].time, Duration::from_nanos(1));
    }

    #[test]
    fn costs_are_those_of_a_plain_convolution() {
        let plan = UNet::new(vec![2, 32, 64, 128, 256], 3).unwrap().plan().unwrap();
        let costs = StepCost::all(&plan, |_| "k", [1, 224, 224], 4, 4);
        assert_eq!(costs.len(), plan.operations().len() + 2);
        let conv = costs.iter().find(|cost| cost.name == "k 32->32 at 224 x 224").unwrap();
        assert_eq!(conv.operations, 2 * 9 * 32 * 32 * 224 * 224);
        // About 31 GFLOP a tile.
        let all: u64 = costs.iter().map(|cost| cost.operations).sum();
        assert!((29_000_000_000..33_000_000_000).contains(&all), "{all}");
        let twice = StepCost::all(&plan, |_| "k", [2, 224, 224], 4, 4);
        assert_eq!(twice.iter().map(|cost| cost.operations).sum::<u64>(), 2 * all);
    }
}
