//! Stage `network`: tiles through the U-Net (the reference's `resnet_torch.CPnet.forward`).
//!
//! A tile runs step by step as [`cytoshade_core::Plan`] lists them. Each step is split into bands of rows, one rayon
//! task each, so one tile keeps several cores of the caller's pool busy; with more cores several tiles run at the same
//! time. How the rows are split never changes a sum, so the results do not depend on the number of threads.
//!
//! What loops over kernels or values is `#[inline(never)]`: drawn into one function, the whole pass takes a browser, which
//! compiles function by function, a tenth of a second, and until it is done the pass runs as compiled in haste.

mod accumulate;
mod band;
mod conv;
mod conv_input;
mod direct;
mod feature_map;
mod max_pool;
mod microkernel;
mod proj;
mod step_timer;
mod style;
mod weights;
mod winograd;

use std::sync::{Mutex, PoisonError};

use crate::parallel::*;
use cytoshade_core::{Plan, Recorder, Shape, Step, Tensor};

use self::conv::{Conv, Reads};
use self::conv_input::ConvInput;
use self::feature_map::FeatureMap;
use self::proj::Proj;
use self::step_timer::{StepTimer, TileTimer};
use self::style::Projection;
use crate::Error;
pub use crate::simd::Isa;
use crate::simd::{AnyLanes, Block, LANES};

/// Threads that one tile keeps busy; where there are more, several tiles run at the same time.
const THREADS_PER_TILE: usize = 8;

/// A network ready to run, its weights repacked for one instruction set.
///
/// It keeps the intermediates of a tile (24 MiB for the published networks and tiles of 224 x 224) for as many tiles as
/// ever ran at the same time, and each thread keeps what it needs for a band of rows (up to 4 MiB); so nothing is allocated
/// from the second tile on.
#[derive(Debug)]
pub struct Network {
    lanes: AnyLanes,
    shape: Shape,
    plan: Plan,
    /// The convolution of each step that is one.
    convs: Vec<Option<Conv>>,
    projections: Vec<Projection>,
    spare: Mutex<Vec<Workspace>>,
}

/// What the network makes of a batch of `n` tiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The outputs, of shape [n, nout, height, width].
    pub outputs: Vec<f32>,
    /// The style vectors, of shape [n, style channels], each of L2 norm 1.
    ///
    /// Where the deepest map averages to 0 in all channels the style is 0; the reference divides 0 by 0 there, and
    /// everything that follows is NaN.
    pub styles: Vec<f32>,
}

impl Network {
    /// A network on the fastest instruction set that this machine has.
    pub fn new(network: &cytoshade_core::Network) -> Self {
        Self::on(network, AnyLanes::best())
    }

    /// A network on the instruction set `isa`; `None` where this machine lacks it.
    pub fn with_isa(network: &cytoshade_core::Network, isa: Isa) -> Option<Self> {
        Some(Self::on(network, isa.detect()?))
    }

    fn on(network: &cytoshade_core::Network, lanes: AnyLanes) -> Self {
        let plan = Plan::fused(network.shape());
        let conv = |step: &Step| match *step {
            Step::Conv { conv, upsample, projection, .. } => {
                let proj = projection.map(|proj| Proj::new(&network.convs()[proj.conv], proj.upsample, lanes));
                Some(Conv::new(&network.convs()[conv], upsample, proj, lanes))
            }
            _ => None,
        };
        let convs = plan.steps.par_iter().map(conv).collect();
        Self {
            lanes,
            shape: network.shape().clone(),
            plan,
            convs,
            projections: network.linears().iter().map(Projection::new).collect(),
            spare: Mutex::default(),
        }
    }

    /// The instruction set that it runs on.
    pub fn isa(&self) -> Isa {
        self.lanes.isa()
    }

    /// The network's layout.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Runs `n` tiles, planar, of shape [n, C, height, width].
    ///
    /// Calls `done` after each tile with the number of tiles that are done; an error from it ends the run.
    ///
    /// # Errors
    /// [`Error::Tiles`] where `tiles` is not of that shape, or a side is 0 or no multiple of
    /// [`Shape::tile_multiple`]; and what `done` returns.
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

    /// As [`Network::run`]; where there is a `recorder` it hears what each step took for each tile.
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
        let pixels = height * width;
        let mut outputs = vec![0.0; n * self.shape.nout() * pixels];
        let mut styles = vec![0.0; n * self.shape.style_channels()];
        let in_flight = current_num_threads().div_ceil(THREADS_PER_TILE).min(n);
        let mut workspaces: Vec<Workspace> = (0..in_flight).map(|_| self.take_workspace(height, width)).collect();
        let tiles: Vec<&[f32]> = tiles.chunks_exact(self.shape.inputs() * pixels).collect();
        let step_timer = recorder.map(|recorder| StepTimer::new(self, recorder, height, width));
        let result = tiles
            .chunks(in_flight)
            .zip(outputs.chunks_mut(in_flight * self.shape.nout() * pixels))
            .zip(styles.chunks_mut(in_flight * self.shape.style_channels()))
            .enumerate()
            .try_for_each(|(group, ((tiles, outputs), styles))| {
                // Within the pool, a tile's steps follow one another without a call from outside each.
                scope(|_| {
                    tiles
                        .par_iter()
                        .zip(outputs.par_chunks_exact_mut(self.shape.nout() * pixels))
                        .zip(styles.par_chunks_exact_mut(self.shape.style_channels()))
                        .zip(&mut workspaces)
                        .enumerate()
                        .for_each(|(lane, (((tile, output), style), workspace))| {
                            let mut timer = step_timer.as_ref().map(|step_timer| step_timer.timer(lane));
                            self.run_tile(tile, output, style, workspace, &mut timer);
                        });
                });
                (1..=tiles.len()).try_for_each(|tile| done(group * in_flight + tile))
            });
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).append(&mut workspaces);
        result?;
        Ok(Batch { outputs, styles })
    }

    fn check(&self, found: usize, n: usize, height: usize, width: usize) -> Result<(), Error> {
        let (channels, multiple) = (self.shape.inputs(), self.shape.tile_multiple());
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
        // The tiles of an image are of one size: what is left of another size would only take room.
        spare.retain(|workspace| (workspace.height, workspace.width) == (height, width));
        spare.pop().unwrap_or_else(|| Workspace::new(self, height, width))
    }

    #[inline(never)]
    fn run_tile(
        &self,
        tile: &[f32],
        output: &mut [f32],
        style: &mut [f32],
        workspace: &mut Workspace,
        timer: &mut Option<TileTimer<'_>>,
    ) {
        let mut lap = || timer.iter_mut().for_each(TileTimer::lap);
        workspace.write(self.plan.input, |_, target| feature_map::pack(tile, target));
        lap();
        for (step, conv) in self.plan.steps.iter().zip(&self.convs) {
            match *step {
                Step::MaxPool { source, target } => {
                    workspace.write(target, |maps, target| max_pool::run(self.lanes, maps.read(source), target));
                }
                Step::Style { source } => workspace.write_style(source, style),
                Step::StyleProjections => {
                    for (projection, projected) in self.projections.iter().zip(&mut workspace.projected) {
                        projection.run(style, projected);
                    }
                }
                Step::Conv { source, skip, style, residual, projection, target, .. } => {
                    workspace.write(target, |maps, target| {
                        let source = ConvInput {
                            map: maps.read(source),
                            skip: skip.map(|skip| maps.read(skip)),
                            style: style.map(|style| maps.projected[style.linear].as_slice()),
                        };
                        let residual = residual.map(|residual| maps.read(residual));
                        let projected = projection.map(|projection| maps.read(projection.source));
                        if let Some(conv) = conv {
                            conv.run(self.lanes, Reads { source, residual, projected }, target);
                        }
                    });
                }
            }
            lap();
        }
        feature_map::unpack(workspace.read(self.plan.output), output);
        lap();
    }
}

/// The intermediates of one tile, in the buffers that the plan shares among them.
#[derive(Debug)]
struct Workspace {
    height: usize,
    width: usize,
    buffers: Vec<Vec<Block>>,
    /// Each projection of the style.
    projected: Vec<Vec<Block>>,
    /// Sums of the channels of the map that the style is taken from.
    sums: Vec<[f64; LANES]>,
}

impl Workspace {
    fn new(network: &Network, height: usize, width: usize) -> Self {
        let Network { plan, projections, shape, .. } = network;
        let blocks = |buffer| plan.buffer_len(buffer, height, width, LANES) / LANES;
        Self {
            height,
            width,
            buffers: (0..plan.buffers()).map(|buffer| vec![Block::ZERO; blocks(buffer)]).collect(),
            projected: projections.iter().map(|projection| vec![Block::ZERO; projection.blocks()]).collect(),
            sums: vec![[0.0; LANES]; shape.style_channels().div_ceil(LANES)],
        }
    }

    fn write_style(&mut self, source: Tensor, style: &mut [f32]) {
        let mut sums = std::mem::take(&mut self.sums);
        style::mean(self.read(source), &mut sums, style);
        self.sums = sums;
    }

    fn read(&self, tensor: Tensor) -> FeatureMap<&[Block]> {
        let (height, width) = tensor.size(self.height, self.width);
        FeatureMap::new(&self.buffers[tensor.buffer], tensor.channels, height, width)
    }

    /// Lets `work` write `tensor` while it reads others: the plan never has it read what it writes.
    fn write(&mut self, tensor: Tensor, work: impl FnOnce(&Self, FeatureMap<&mut [Block]>)) {
        let (height, width) = tensor.size(self.height, self.width);
        let mut buffer = std::mem::take(&mut self.buffers[tensor.buffer]);
        work(self, FeatureMap::new_mut(&mut buffer, tensor.channels, height, width));
        self.buffers[tensor.buffer] = buffer;
    }
}

#[cfg(test)]
mod tests {
    use cytoshade_core::{BatchNorm, Conv, Linear};

    use super::*;

    /// A network with made-up weights; the oracle's networks are tested in the crate `tests`, this one is for Miri.
    fn network(nbase: &[usize]) -> cytoshade_core::Network {
        let shape = Shape::new(nbase.to_vec(), 3).unwrap();
        let values = |len: usize| (0..len).map(|i| ((i * 37 + len) % 101) as f32 / 101.0 - 0.5).collect::<Vec<f32>>();
        let convs = shape.convs().into_iter().map(|layer| {
            let norm = BatchNorm {
                weight: vec![1.0; layer.inputs],
                bias: values(layer.inputs),
                mean: values(layer.inputs),
                var: vec![1.0; layer.inputs],
            };
            let fan_in = layer.inputs * layer.kernel * layer.kernel;
            let weight = values(layer.outputs * fan_in).iter().map(|w| w / (fan_in as f32).sqrt()).collect();
            Conv::new(&layer, &norm, weight, values(layer.outputs)).unwrap()
        });
        let linears = shape
            .linears()
            .into_iter()
            .map(|layer| Linear::new(&layer, values(layer.inputs * layer.outputs), values(layer.outputs)).unwrap());
        cytoshade_core::Network::new(shape.clone(), convs.collect(), linears.collect(), 30.0, 30.0).unwrap()
    }

    /// Every step of a plan. Under Miri few channels: its ways through a convolution are in `conv`'s tests.
    #[test]
    fn instruction_sets_agree() {
        let weights = network(if cfg!(miri) { &[1, 2, 3] } else { &[1, 17, 3] });
        let tile: Vec<f32> = (0..6 * 10).map(|i| ((i * 29) % 31) as f32 / 31.0).collect();
        let on = |isa| {
            let network = Network::with_isa(&weights, isa).unwrap();
            network.run(&tile, 1, 6, 10, &mut |_| Ok(())).unwrap().outputs
        };
        let expected = on(Isa::Portable);
        for isa in Isa::available().into_iter().filter(|&isa| isa != Isa::Portable) {
            let difference = on(isa).iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < 1e-5, "{isa}: {difference}");
        }
    }
}
