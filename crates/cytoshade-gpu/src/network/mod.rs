//! Stage `network`: tiles through the operations of a plan.

mod arena;
mod conv_layer;
mod dispatch;
mod profile;
mod split;
mod submission;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use cytoshade_core::{
    BatchTimes, ConvId, Convolution, Description, Network as Weights, Operation, Plan, Recorder, Span, Storage,
    TensorId,
};
use cytoshade_shaders::{self as shaders, Precision};

use arena::Arena;
use conv_layer::Layer;
use profile::Clock;
pub use profile::StepTime;
use split::Split;
pub use submission::{Part, Submission};

use crate::buffers::{Bytes, WAIT_TIMEOUT};
use crate::convolution::ConvKernel;
use crate::device::{Gpu, lock};
use crate::error::Error;
use crate::kernel::Variant;
use crate::weights::linear_weights;
use crate::winograd::{self, Scratch};

/// The results of a batch of tiles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Outputs of shape [tiles, outputs, height, width].
    pub outputs: Vec<f32>,
    /// Style vectors of shape [tiles, style channels], each of L2 norm 1. Empty if the network has no style.
    pub styles: Vec<f32>,
}

/// How a network runs. The default suits every device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The kernel of the 3x3 convolutions; `None` for the one that suits the device best.
    pub kernel: Option<ConvKernel>,
    /// What activations and weights are stored in.
    pub precision: Precision,
}

/// Height and width of a tile in pixels.
type Size = [usize; 2];

/// Tiles of the usual size, for which each convolution runs as what was chosen for it.
const ANY: Size = [0, 0];

/// A network on a device: its weights, and the buffers that its intermediates live in.
#[derive(Debug)]
pub struct Network {
    gpu: Gpu,
    description: Description,
    plan: Plan,
    options: Options,
    layers: HashMap<ConvId, Layer>,
    /// The matrices of each [`Operation::Linear`], by the first vector that it writes.
    linears: HashMap<TensorId, LinearLayer>,
    /// Zeros, added by the 3x3 convolutions that have no skip where a second pipeline would take long to compile.
    no_skip: Option<wgpu::Buffer>,
    arena: Mutex<Option<Arc<Arena>>>,
}

/// The matrices of an operation on the device.
#[derive(Debug)]
struct LinearLayer {
    weights: wgpu::Buffer,
    bias: wgpu::Buffer,
}

/// Bytes of device memory that a batch of `tiles` tiles of `height` x `width` pixels takes, beside the weights.
///
/// Activations are stored in `precision`, all else in f32. Channel counts are padded to multiples of 4, and tensors share
/// buffers as the plan says ([`Plan::total_len`]). Beside them there are the input once and the output twice (on its way
/// back) as planes, the plan's vectors, and the style once more. The driver's own copies come on top: once the input.
pub fn memory(plan: &Plan, precision: Precision, tiles: usize, height: usize, width: usize) -> u64 {
    let [inputs, outputs] = [plan.input(), plan.output()].map(|id| plan[id].channels());
    let planes = (inputs + 2 * outputs) * height * width;
    let style = plan.style().map_or(0, |style| plan[style].channels().next_multiple_of(4));
    let vectors = plan.total_len(Storage::Vectors, height, width, 4) + style;
    let activations = precision.bytes() * plan.total_len(Storage::Activations, height, width, 4);
    (tiles * (activations + 4 * (planes + vectors))) as u64
}

impl Network {
    /// Brings checked weights to a device and builds the pipelines that the network needs.
    ///
    /// # Errors
    /// [`Error::Limit`] where a layer is too large for the device, and whatever the device says.
    pub async fn new(gpu: &Gpu, weights: &Weights) -> Result<Self, Error> {
        Self::with(gpu, weights, Options::default()).await
    }

    /// As [`Network::new`], run as `options` say.
    ///
    /// # Errors
    /// As [`Network::new`], and [`Error::Unsuitable`] where the device cannot run what `options` ask for.
    pub async fn with(gpu: &Gpu, weights: &Weights, options: Options) -> Result<Self, Error> {
        Self::with_kernel_choices(gpu, weights, options, &BTreeMap::new()).await
    }

    /// As [`Network::with`]; if `options` name no kernel, each 3x3 convolution runs as its kernel in `kernel_choices`, if
    /// the device can.
    ///
    /// # Errors
    /// As [`Network::with`].
    pub async fn with_kernel_choices(
        gpu: &Gpu,
        weights: &Weights,
        options: Options,
        kernel_choices: &BTreeMap<ConvId, ConvKernel>,
    ) -> Result<Self, Error> {
        if options.precision == Precision::F16 && !gpu.capabilities().f16 {
            return Err(Error::NoF16 { adapter: gpu.info().name.clone() });
        }
        let span = Span::begin("weights");
        let (description, plan) = (weights.description().clone(), weights.plan().clone());
        let (layers, linears, no_skip) = gpu
            .with_error_scopes("the network's weights", || {
                let layers = conv_layer::all(gpu, weights.weights(), &plan, options, kernel_choices)?;
                let linears = linear_layers(gpu, weights)?;
                let no_skip = gpu.compiles_slowly().then(|| gpu.upload("no skip", &[0.0f32; 4])).transpose()?;
                Ok((layers, linears, no_skip))
            })
            .await?;
        let network =
            Self { gpu: gpu.clone(), description, plan, options, layers, linears, no_skip, arena: Mutex::new(None) };
        gpu.phase(span);
        let span = Span::begin("pipelines");
        let mut variants = network.variants(ANY);
        if !gpu.compiles_slowly() {
            variants.extend([shaders::TILE, shaders::BLEND].map(|shader| network.stored(shader)));
        }
        gpu.build(&variants).await?;
        gpu.phase(span);
        Ok(network)
    }

    /// The network's inputs, outputs and tiles.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The operations that the network runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Dispatches that a batch takes, whatever its size, where its tiles are of one image and not so large that
    /// [`Network::prepare`] changes a kernel.
    pub fn dispatches(&self) -> usize {
        // Packing or cutting before the steps, unpacking or blending after them.
        2 + self.plan.operations().iter().map(|operation| self.variants_of(operation, ANY).len()).sum::<usize>()
    }

    /// The steps that a clock times: the operations of the plan, and one before and one after them.
    fn timed_steps(&self) -> usize {
        self.plan.operations().len() + 2
    }

    /// The options that it was made with.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The kernel of a 3x3 convolution.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn kernel_of(&self, conv: ConvId) -> Option<ConvKernel> {
        self.layers.get(&conv)?.kernel
    }

    /// The kernels of the 3x3 convolutions, each once, in the order of the plan.
    pub fn kernels(&self) -> Vec<ConvKernel> {
        let mut kernels = Vec::new();
        for operation in self.plan.operations() {
            if let Operation::Convolution(Convolution { weights, .. }) = operation
                && let Some(kernel) = self.layers[weights].kernel
                && !kernels.contains(&kernel)
            {
                kernels.push(kernel);
            }
        }
        kernels
    }

    /// The pipelines that the plan uses for tiles of a size: packing, unpacking, and the steps.
    fn variants(&self, size: Size) -> Vec<Variant> {
        let mut variants = vec![self.stored(shaders::PACK), self.stored(shaders::UNPACK)];
        variants.extend(self.plan.operations().iter().flat_map(|operation| self.variants_of(operation, size)));
        variants
    }

    fn stored(&self, shader: shaders::Shader) -> Variant {
        Variant::new(shader).with_precision(self.options.precision)
    }

    /// The pipelines of an operation's dispatches.
    fn variants_of(&self, operation: &Operation, size: Size) -> Vec<Variant> {
        match operation {
            Operation::MaxPool { .. } => vec![self.stored(shaders::MAX_POOL)],
            Operation::Convolution(Convolution { weights, skip, shortcut, .. }) => match self.layer(*weights, size) {
                layer if layer.winograd() => {
                    let variants = winograd::variants(layer.geometry.columns, skip.is_some(), shortcut.is_some());
                    variants.into_iter().map(|variant| variant.with_precision(self.options.precision)).collect()
                }
                layer => {
                    let adds = skip.is_some() || self.zeros_for(layer).is_some();
                    vec![layer.variant.clone().with(shaders::SKIP, adds)]
                }
            },
            Operation::GlobalAverage { .. } => {
                let lanes: u32 = if self.gpu.compiles_slowly() { 64 } else { 256 };
                vec![self.stored(shaders::STYLE).with(shaders::LANES, lanes)]
            }
            Operation::Linear { .. } => vec![Variant::new(shaders::STYLE_PROJECTIONS)],
        }
    }

    /// What a convolution adds as a skip where it has none, if it adds anything then. All read the same few zeros: what is
    /// read beyond the end of a buffer is something within it, or zero.
    fn zeros_for(&self, layer: &Layer) -> Option<&wgpu::Buffer> {
        self.no_skip.as_ref().filter(|_| layer.kernel.is_some())
    }

    /// The name of an operation in profiles.
    fn name_of(&self, operation: &Operation, size: Size) -> &'static str {
        match operation {
            Operation::Convolution(Convolution { weights, .. }) if self.layer(*weights, size).winograd() => {
                "conv3x3_winograd"
            }
            _ => self.variants_of(operation, size).first().map_or("", |variant| variant.shader.name),
        }
    }

    /// What a convolution runs as on tiles of a size.
    fn layer(&self, conv: ConvId, size: Size) -> &Layer {
        let layer = &self.layers[&conv];
        if self.is_too_large(layer, size) { layer.fallback.get().map_or(layer, Box::as_ref) } else { layer }
    }

    /// Whether a convolution's buffers for one tile are larger than the device's may be, and another kernel may take its
    /// place.
    fn is_too_large(&self, layer: &Layer, size: Size) -> bool {
        let Scratch { points, sums } = layer.scratch(1, size);
        self.options.kernel.is_none() && points.max(sums) > self.gpu.largest_binding()
    }

    /// The convolutions that another kernel must take the place of for tiles of a size, and that have none yet.
    fn lacking(&self, size: Size) -> impl Iterator<Item = (ConvId, &Layer)> {
        let lacks = move |layer: &Layer| layer.fallback.get().is_none() && self.is_too_large(layer, size);
        self.layers.iter().filter(move |(_, layer)| lacks(layer)).map(|(&conv, layer)| (conv, layer))
    }

    /// Makes the network ready for tiles of `height` x `width` pixels: convolutions that would need larger buffers for one
    /// than the device has run as another kernel then. `weights` are those that it was made of. There is nothing to do for
    /// tiles of usual size, nor where [`Options::kernel`] asks for a kernel.
    ///
    /// # Errors
    /// Whatever the device says.
    pub async fn prepare(&self, weights: &Weights, height: usize, width: usize) -> Result<(), Error> {
        // Known when it is compiled: browsers have no kernel that needs such buffers.
        if cfg!(target_arch = "wasm32") || self.lacking([height, width]).next().is_none() {
            return Ok(());
        }
        self.gpu
            .with_error_scopes("the network's weights", || {
                for (conv, layer) in self.lacking([height, width]) {
                    let fallback = layer.single_dispatch(&self.gpu, weights.weights(), conv, self.options)?;
                    // Whoever was first made the same.
                    let _ = layer.fallback.set(Box::new(fallback));
                }
                Ok(())
            })
            .await
    }

    /// What the Winograd convolutions need between their dispatches for a number of tiles.
    fn scratch(&self, tiles: usize, size: Size) -> Scratch {
        let needed = self.layers.values().filter(|layer| !self.is_too_large(layer, size));
        needed.map(|layer| layer.scratch(tiles, size)).fold(Scratch::default(), Scratch::max)
    }

    /// Bytes of device memory that a batch takes, beside the weights: [`memory`], and what the convolutions by minimal
    /// filtering need between their dispatches.
    pub fn memory(&self, tiles: usize, height: usize, width: usize) -> u64 {
        let Scratch { points, sums } = self.scratch(tiles, [height, width]);
        memory(&self.plan, self.options.precision, tiles, height, width) + points + sums
    }

    /// Most tiles of `height` x `width` pixels that one submission can take on this device, once it is
    /// [prepared](Network::prepare) for them; 0 where not even one fits.
    pub fn max_batch(&self, height: usize, width: usize) -> usize {
        let largest = self.largest(height, width);
        let binding = self.gpu.largest_binding() / largest.max(1);
        // Tiles are the third dimension of the convolutions' grid.
        binding.min(u64::from(self.gpu.limits().max_compute_workgroups_per_dimension)) as usize
    }

    /// Bytes of the largest buffer for one tile.
    fn largest(&self, height: usize, width: usize) -> u64 {
        let plan = &self.plan;
        let buffers = plan.buffers().iter().enumerate().map(|(at, buffer)| {
            let bytes = match buffer.storage() {
                Storage::Activations => self.options.precision.bytes(),
                Storage::Vectors => 4,
            };
            bytes * plan.buffer_len(at, height, width, 4)
        });
        let Description { inputs, outputs, .. } = self.description;
        let planes = inputs.max(outputs.count) * height * width;
        let largest = buffers.chain([4 * planes]).max().unwrap_or(0) as u64;
        let Scratch { points, sums } = self.scratch(1, [height, width]);
        largest.max(points).max(sums)
    }

    /// Runs `count` tiles of `height` x `width` pixels, of shape [count, channels, height, width], both sides multiples
    /// of [`TileRule::multiple`](cytoshade_core::TileRule::multiple).
    ///
    /// Batches that the device cannot take at once are split, and halved where its memory runs out.
    ///
    /// # Errors
    /// [`Error::TileSize`] and [`Error::Length`] for a wrong shape, [`Error::Limit`] and [`Error::OutOfMemory`] where
    /// not even one tile fits, and whatever the device says.
    pub async fn run(&self, tiles: &[f32], count: usize, height: usize, width: usize) -> Result<Batch, Error> {
        self.run_recorded(tiles, count, height, width, None).await
    }

    /// As [`Network::run`]; where there is a `recorder` it hears what each step took, by the device's own clock, or that
    /// the device has none.
    ///
    /// # Errors
    /// As [`Network::run`].
    pub async fn run_recorded(
        &self,
        tiles: &[f32],
        count: usize,
        height: usize,
        width: usize,
        recorder: Option<&Recorder>,
    ) -> Result<Batch, Error> {
        let tile = self.check_tiles(tiles, count, height, width)?;
        let mut batch = Batch::default();
        let mut split = Split { next: 0, count, most: self.most(height, width)? };
        while let Some(range) = split.range() {
            let tiles = &tiles[range.start * tile..range.end * tile];
            let part = self.run_single_submission(tiles, range.len(), height, width, recorder).await;
            if part.is_err() {
                // Whatever went wrong, the memory is worth more than the buffers.
                *lock(&self.arena) = None;
            }
            if let Some(part) = split.after(part)? {
                batch.outputs.extend_from_slice(&part.outputs);
                batch.styles.extend_from_slice(&part.styles);
            }
        }
        Ok(batch)
    }

    /// [`Network::max_batch`], with an error where not even one tile fits.
    fn most(&self, height: usize, width: usize) -> Result<usize, Error> {
        let most = self.max_batch(height, width);
        if most == 0 {
            self.gpu.check_binding("a tile's intermediates", self.largest(height, width))?;
        }
        for (_, layer) in self.lacking([height, width]) {
            let Scratch { points, sums } = layer.scratch(1, [height, width]);
            self.gpu.check_binding("a Winograd convolution", points.max(sums))?;
        }
        Ok(most.max(1))
    }

    /// Refuses tiles whose sides do not fit the network.
    fn check_tile(&self, height: usize, width: usize) -> Result<(), Error> {
        let multiple = self.description.tile.multiple;
        if height == 0 || width == 0 || !height.is_multiple_of(multiple) || !width.is_multiple_of(multiple) {
            return Err(Error::TileSize { height, width, multiple });
        }
        Ok(())
    }

    /// Refuses tiles of a wrong shape; else the values of one of them.
    fn check_tiles(&self, tiles: &[f32], count: usize, height: usize, width: usize) -> Result<usize, Error> {
        self.check_tile(height, width)?;
        let tile = self.description.inputs.saturating_mul(height).saturating_mul(width);
        let expected = count.saturating_mul(tile);
        if tiles.len() != expected {
            return Err(Error::Length { what: "tiles", found: tiles.len(), expected });
        }
        Ok(tile)
    }

    /// Runs a batch in one submission and waits for it.
    async fn run_single_submission(
        &self,
        tiles: &[f32],
        count: usize,
        height: usize,
        width: usize,
        recorder: Option<&Recorder>,
    ) -> Result<Batch, Error> {
        let clock = match recorder {
            Some(recorder) => self.clock(recorder).await?,
            None => None,
        };
        let submitted = recorder.map_or(0, Recorder::now);
        let (batch, submission) = self.submit(tiles, count, height, width, clock.as_ref()).await?;
        if let (Some(recorder), Some(clock)) = (recorder, clock) {
            let nanoseconds = clock.read(&self.gpu, submission).await?;
            let steps = self.costs([count, height, width]).into();
            recorder.add(BatchTimes { tiles: count, lane: 0, submitted, steps, nanoseconds });
        }
        Ok(batch)
    }

    /// The clock for a batch. Where the device has none, the recorder is told.
    async fn clock(&self, recorder: &Recorder) -> Result<Option<Clock>, Error> {
        // Known when it is compiled: a browser loads nothing of this.
        if cfg!(target_arch = "wasm32") {
            return Ok(None);
        }
        match Clock::new(&self.gpu, self.timed_steps()).await {
            Err(error @ Error::NoTimestamps { .. }) => {
                recorder.lacks(error.to_string());
                Ok(None)
            }
            clock => clock.map(Some),
        }
    }

    /// Submits a batch and reads what it gives.
    async fn submit(
        &self,
        tiles: &[f32],
        count: usize,
        height: usize,
        width: usize,
        clock: Option<&Clock>,
    ) -> Result<(Batch, wgpu::SubmissionIndex), Error> {
        const WHAT: &str = "a batch of tiles";
        let arena = self.arena(count, height, width).await?;
        let sizes = arena.sizes(&self.plan, count);
        let (back, submission) = self
            .gpu
            .with_error_scopes(WHAT, || {
                let back = self.gpu.readback(WHAT, sizes.outputs + sizes.styles)?;
                let submission = arena.submit(&self.gpu, tiles, count, &back, &sizes, clock)?;
                Ok((back, submission))
            })
            .await?;
        let bytes = self.gpu.read(WHAT, &back, submission.clone(), WAIT_TIMEOUT * count as u32).await?;
        let styles = styles(&bytes, sizes.outputs..sizes.outputs + sizes.styles, self.description.style);
        Ok((Batch { outputs: bytes.values(0..sizes.outputs), styles }, submission))
    }

    /// Buffers for at least `count` tiles of this size: those of the last run where they fit, else new ones.
    async fn arena(&self, count: usize, height: usize, width: usize) -> Result<Arc<Arena>, Error> {
        {
            let mut held = lock(&self.arena);
            match held.as_ref() {
                Some(arena) if arena.fits(count, height, width) => return Ok(Arc::clone(arena)),
                // Freed before the new ones are made.
                _ => *held = None,
            }
        }
        let mut kernels = Vec::new();
        for variant in self.variants([height, width]) {
            kernels.push(self.gpu.kernel(variant).await?);
        }
        let arena = self
            .gpu
            .with_error_scopes("the network's intermediates", || Arena::new(self, &kernels, count, height, width))
            .await?;
        let arena = Arc::new(arena);
        *lock(&self.arena) = Some(Arc::clone(&arena));
        Ok(arena)
    }
}

/// Uploads the matrices of every [`Operation::Linear`].
fn linear_layers(gpu: &Gpu, network: &Weights) -> Result<HashMap<TensorId, LinearLayer>, Error> {
    let mut layers = HashMap::new();
    for operation in network.plan().operations() {
        let Operation::Linear { products, .. } = operation else { continue };
        let linears: Vec<_> = products.iter().map(|product| &network.weights()[product.weights]).collect();
        let (weights, bias) = linear_weights(&linears);
        let (weights, bias) = (gpu.upload("matrices", &weights)?, gpu.upload("their biases", &bias)?);
        layers.insert(products[0].target, LinearLayer { weights, bias });
    }
    Ok(layers)
}

/// The style vectors without the channels that pad them; none for a network without style.
fn styles(bytes: &Bytes, range: Range<u64>, channels: Option<usize>) -> Vec<f32> {
    let Some(channels) = channels else { return Vec::new() };
    let padded: Vec<f32> = bytes.values(range);
    padded.chunks(channels.next_multiple_of(4)).flat_map(|style| &style[..channels]).copied().collect()
}

#[cfg(test)]
mod tests {
    use cytoshade_core::arch::unet::UNet;

    use super::*;

    /// Whoever drives the device from a multi-threaded executor needs this.
    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn every_future_can_move_between_threads() {
        fn sendable<T: Send>(_: impl FnOnce(&'static Gpu, &'static Network, &'static Weights) -> T) {}
        sendable(|_, _, _| Gpu::open(crate::Choice::Any));
        sendable(|_, _, _| crate::adapters());
        sendable(|gpu, _, weights| Network::new(gpu, weights));
        sendable(|_, network, _| network.run(&[], 0, 8, 8));
        sendable(|_, network, _| network.start(&[], None));
        fn planes(
            planes: &'static crate::GpuPlanes,
            tile_layout: &'static cytoshade_core::tiling::TileLayout,
            flight: Submission,
        ) {
            sendable(|_, network, _| network.tiled(planes.clone(), tile_layout));
            sendable(|_, _, _| flight.styles(None));
            sendable(|gpu, _, _| crate::bilinear(gpu, planes, 1, 1));
            sendable(|gpu, _, _| crate::percentiles(gpu, planes, 1.0, 99.0));
        }
        let _ = planes;
        fn flows(gpu: &'static Gpu, planes: &'static crate::GpuPlanes, labels: &'static mut crate::GpuLabels) {
            let (ends, counted) = (None::<&crate::GpuEndPoints>, None::<&crate::GpuHistogram>);
            sendable(|_, _, _| crate::follow_flows(gpu, planes, 0.0, 1, true));
            sendable(|_, _, _| crate::histogram(gpu, ends.unwrap()));
            sendable(|_, _, _| crate::masks(gpu, ends.unwrap(), counted.unwrap(), 0.4));
            sendable(|_, _, _| crate::fill_holes_and_remove_small(gpu, labels.clone(), (1, 1), 15));
            sendable(|_, _, _| crate::remove_bad(gpu, labels, planes, 0.4, |_, _| None));
        }
        let _ = flows;
    }

    #[test]
    fn memory_grows_with_tiles_and_holds_what_is_documented() {
        let plan = UNet::new(vec![2, 32, 64, 128, 256], 3).unwrap().plan().unwrap();
        let one = memory(&plan, Precision::F32, 1, 224, 224);
        assert_eq!(memory(&plan, Precision::F32, 8, 224, 224), 8 * one);
        let planes = 4 * (2 + 3 + 3) * 224 * 224;
        let styles = 4 * (2 * 256 + 3 * (32 + 64 + 128 + 256));
        assert_eq!(one, (4 * plan.total_len(Storage::Activations, 224, 224, 4) + planes + styles) as u64);
    }
}
