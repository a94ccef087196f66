//! Stage `network`: runs tiles through the operations of a plan.
//!
//! A tile runs operation by operation as the [`Plan`] lists them. Convolutions and max pooling are split into bands of
//! rows, one rayon task each, so one tile keeps several threads of the pool busy; with more than [`THREADS_PER_TILE`]
//! threads several tiles run at the same time. The split never changes a sum, so the results do not depend on the
//! number of threads.
//!
//! Loops over kernels and values are `#[inline(never)]`. A browser compiles function by function, first with its
//! baseline compiler. If they were inlined into one function, the whole pass would run as baseline code.

mod convolution;
mod diagnosis;
mod feature_map;
mod global_average;
mod linear;
mod max_pool;
mod step_timer;
#[cfg(test)]
mod tests;
mod workspace;

use std::sync::{Mutex, PoisonError};

use crate::parallel::*;
use cytoshade_core::{Convolution, Description, Linear, Operation, Plan, Recorder, TensorId, Weights};

use self::convolution::{Conv, ConvInput, Reads};
use self::step_timer::{StepTimer, TileTimer};
use self::workspace::Workspace;
use crate::Error;
pub use crate::simd::Isa;
use crate::simd::{AnyLanes, Block};

/// Threads that one tile keeps busy; with more threads several tiles run at the same time.
pub const THREADS_PER_TILE: usize = 8;

/// A network ready to run, its weights repacked for one instruction set.
///
/// It keeps the intermediates of a tile (24 MiB for the published networks and tiles of 224 x 224) for as many tiles as
/// ran at the same time, and each thread keeps up to 4 MiB for a band of rows. So later tiles of the same size allocate
/// no intermediates.
#[derive(Debug)]
pub struct Network {
    lanes: AnyLanes,
    description: Description,
    plan: Plan,
    steps: Vec<Step>,
    /// The layer of each step, by its name in the model file.
    layers: Vec<String>,
    spare: Mutex<Vec<Workspace>>,
}

/// An operation of the plan with its weights.
#[derive(Debug)]
enum Step {
    Convolution(Convolution, Box<Conv>),
    MaxPool { source: TensorId, target: TensorId },
    GlobalAverage { source: TensorId, target: TensorId },
    Linear { source: TensorId, products: Vec<(Linear, TensorId)> },
}

impl Step {
    fn new(operation: &Operation, weights: &Weights, lanes: AnyLanes) -> Self {
        match operation {
            Operation::Convolution(operation) => {
                Step::Convolution(operation.clone(), Box::new(Conv::new(operation, weights, lanes)))
            }
            &Operation::MaxPool { source, target } => Step::MaxPool { source, target },
            &Operation::GlobalAverage { source, target } => Step::GlobalAverage { source, target },
            Operation::Linear { source, products } => {
                let products = products.iter().map(|product| (weights[product.weights].clone(), product.target));
                Step::Linear { source: *source, products: products.collect() }
            }
        }
    }

    fn run(&self, lanes: AnyLanes, plan: &Plan, workspace: &mut Workspace) {
        match self {
            Step::Convolution(operation, conv) => {
                let &Convolution { source, skip, vector, residual, shortcut, target, .. } = operation;
                workspace.write_map(plan, target, |tensors, target| {
                    let map = |id| tensors.map(plan, id);
                    let source = ConvInput {
                        map: map(source),
                        skip: skip.map(map),
                        vector: vector.map(|vector| tensors.vector(plan, vector)),
                    };
                    let shortcut = shortcut.map(|shortcut| map(shortcut.source));
                    conv.run(lanes, Reads { source, residual: residual.map(map), shortcut }, target);
                });
            }
            &Step::MaxPool { source, target } => workspace.write_map(plan, target, |tensors, target| {
                max_pool::run(lanes, tensors.map(plan, source), target);
            }),
            &Step::GlobalAverage { source, target } => {
                workspace.write_average(plan, target, |tensors, sums, target| {
                    global_average::run(tensors.map(plan, source), sums, target);
                });
            }
            Step::Linear { source, products } => {
                for (linear, target) in products {
                    workspace.write_vector(plan, *target, |tensors, target| {
                        linear::run(linear, tensors.vector(plan, *source), target);
                    });
                }
            }
        }
    }
}

/// The results of a batch of `n` tiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The outputs in the order of the network's channels, of shape [n, outputs, height, width].
    pub outputs: Vec<f32>,
    /// The style vectors, of shape [n, style channels], each of L2 norm 1. Empty if the network has no style.
    ///
    /// A style is 0 if the deepest map averages to 0 in all channels. The reference then divides 0 by 0, and all its
    /// outputs are NaN.
    pub styles: Vec<f32>,
}

/// One tile of a batch.
struct Tile<'a> {
    input: &'a [f32],
    output: &'a mut [f32],
    style: Option<&'a mut [f32]>,
    /// Whether every output is a finite number.
    is_finite: bool,
}

impl Network {
    /// A network on the fastest instruction set that this machine has.
    pub fn new(network: &cytoshade_core::Network) -> Self {
        Self::with_lanes(network, AnyLanes::best())
    }

    /// A network on the instruction set `isa`; `None` if this machine lacks it (the error is [`Isa::missing`]).
    pub fn with_isa(network: &cytoshade_core::Network, isa: Isa) -> Option<Self> {
        Some(Self::with_lanes(network, isa.detect()?))
    }

    fn with_lanes(network: &cytoshade_core::Network, lanes: AnyLanes) -> Self {
        let (plan, weights) = (network.plan(), network.weights());
        let steps = plan.operations().par_iter().map(|operation| Step::new(operation, weights, lanes)).collect();
        let (description, plan) = (network.description().clone(), plan.clone());
        let layers = plan.operations().iter().map(|operation| operation.layer(weights).to_string()).collect();
        Self { lanes, description, plan, steps, layers, spare: Mutex::default() }
    }

    /// The instruction set that it runs on.
    pub fn isa(&self) -> Isa {
        self.lanes.isa()
    }

    /// The network's inputs, outputs, tiles, style and diameters.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Runs `n` tiles of shape [n, inputs, height, width], with sides in pixels.
    ///
    /// Calls `done` once for each tile with the number of completed tiles, after the tiles that run at the same time.
    /// An error from it ends the run.
    ///
    /// # Errors
    /// [`Error::Tiles`] if `tiles` is not of that shape, or a side is 0 or no multiple of
    /// [`TileRule::multiple`](cytoshade_core::TileRule::multiple); [`Error::NotFinite`] if an output is not finite;
    /// [`Error::Core`] with the error of `done`.
    pub fn run(
        &self,
        tiles: &[f32],
        n: usize,
        height: usize,
        width: usize,
        done: &mut dyn FnMut(usize) -> Result<(), cytoshade_core::Error>,
    ) -> Result<Batch, Error> {
        self.run_recorded(tiles, n, height, width, done, None)
    }

    /// As [`Network::run`]; `recorder` receives the timings of each tile's steps.
    ///
    /// # Errors
    /// As [`Network::run`].
    pub fn run_recorded(
        &self,
        tiles: &[f32],
        n: usize,
        height: usize,
        width: usize,
        done: &mut dyn FnMut(usize) -> Result<(), cytoshade_core::Error>,
        recorder: Option<&Recorder>,
    ) -> Result<Batch, Error> {
        self.check(tiles.len(), n, height, width)?;
        if n == 0 {
            return Ok(Batch { outputs: Vec::new(), styles: Vec::new() });
        }
        let Description { inputs, outputs, style, .. } = self.description;
        let pixels = height * width;
        let (output_len, style_len) = (outputs.count * pixels, style.unwrap_or(0));
        let mut batch = Batch { outputs: vec![0.0; n * output_len], styles: vec![0.0; n * style_len] };
        let outputs = batch.outputs.chunks_exact_mut(output_len);
        let mut styles = batch.styles.chunks_exact_mut(style_len.max(1));
        let tiles = tiles.chunks_exact(inputs * pixels).zip(outputs);
        let mut tiles: Vec<Tile<'_>> =
            tiles.map(|(input, output)| Tile { input, output, style: styles.next(), is_finite: true }).collect();

        let in_flight = current_num_threads().div_ceil(THREADS_PER_TILE).min(n);
        let mut workspaces: Vec<Workspace> = (0..in_flight).map(|_| self.take_workspace(height, width)).collect();
        let step_timer = recorder.map(|recorder| StepTimer::new(&self.plan, recorder, height, width));
        let result = tiles.chunks_mut(in_flight).enumerate().try_for_each(|(group, tiles)| {
            // Enters the pool once for all steps of a tile, instead of once for each.
            scope(|_| {
                tiles.par_iter_mut().zip(&mut workspaces).enumerate().for_each(|(lane, (tile, workspace))| {
                    let mut timer = step_timer.as_ref().map(|step_timer| step_timer.timer(lane));
                    self.run_tile(tile, workspace, &mut timer);
                });
            });
            if let Some(tile) = tiles.iter().find(|tile| !tile.is_finite) {
                let layer = self.first_not_finite(tile.input, &mut workspaces[0]).to_string();
                return Err(Error::NotFinite { layer });
            }
            Ok((1..=tiles.len()).try_for_each(|tile| done(group * in_flight + tile))?)
        });
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).append(&mut workspaces);
        result?;
        Ok(batch)
    }

    fn check(&self, found: usize, n: usize, height: usize, width: usize) -> Result<(), Error> {
        let (channels, multiple) = (self.description.inputs, self.description.tile.multiple);
        let expected = [height, width, n].iter().try_fold(channels, |product, &side| product.checked_mul(side));
        let fits = |side: usize| side > 0 && side.is_multiple_of(multiple);
        if expected == Some(found) && fits(height) && fits(width) {
            return Ok(());
        }
        let expected = expected.unwrap_or(usize::MAX);
        Err(Error::Tiles { count: n, channels, height, width, found, expected, multiple })
    }

    fn take_workspace(&self, height: usize, width: usize) -> Workspace {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        // The tiles of an image have one size. Workspaces of another size would only occupy memory.
        spare.retain(|workspace| (workspace.height, workspace.width) == (height, width));
        spare.pop().unwrap_or_else(|| Workspace::new(&self.plan, height, width))
    }

    #[inline(never)]
    fn run_tile(&self, tile: &mut Tile<'_>, workspace: &mut Workspace, timer: &mut Option<TileTimer<'_>>) {
        let mut lap = || timer.iter_mut().for_each(TileTimer::lap);
        let plan = &self.plan;
        workspace.write_map(plan, plan.input(), |_, target| feature_map::pack(tile.input, target));
        lap();
        for step in &self.steps {
            step.run(self.lanes, plan, workspace);
            lap();
        }
        feature_map::unpack(workspace.map(plan, plan.output()), tile.output);
        tile.is_finite = diagnosis::is_finite(tile.output);
        if let (Some(id), Some(style)) = (plan.style(), &mut tile.style) {
            let values = workspace.vector(plan, id).iter().flat_map(|block: &Block| &block.0);
            style.iter_mut().zip(values).for_each(|(style, &value)| *style = value);
        }
        lap();
    }
}
