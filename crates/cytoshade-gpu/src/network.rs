//! The U-Net: tiles in, flows, cellprob and styles out.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use cytoshade_core::{Conv, Network as Weights, Plan, Shape, Step, StyleSlice, Tensor};
use cytoshade_shaders as shaders;

use crate::buffers::{Bytes, PATIENCE};
use crate::device::{Gpu, lock};
use crate::error::Error;
use crate::kernel::{Bound, Variant, linear};
use crate::weights::{conv_vectors, conv_weights, linear_weights};

/// What the network gives for a batch of tiles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Outputs of shape [tiles, nout, height, width]; for segmentation nout is 3: dY, dX and cellprob.
    pub outputs: Vec<f32>,
    /// Style vectors of shape [tiles, style channels], each of L2 norm 1.
    pub styles: Vec<f32>,
}

/// A network on a device: its weights, and the buffers that its intermediates live in.
#[derive(Debug)]
pub struct Network {
    gpu: Gpu,
    shape: Shape,
    plan: Plan,
    convs: Vec<ConvWeights>,
    linear_weights: wgpu::Buffer,
    linear_bias: wgpu::Buffer,
    arena: Mutex<Option<Arc<Arena>>>,
}

/// A convolution's weights on the device.
#[derive(Debug)]
struct ConvWeights {
    kernel: usize,
    relu: bool,
    weights: wgpu::Buffer,
    vectors: wgpu::Buffer,
}

impl ConvWeights {
    fn new(gpu: &Gpu, conv: &Conv) -> Result<Self, Error> {
        let weights = gpu.upload("a convolution's weights", &conv_weights(conv))?;
        let vectors = gpu.upload("a convolution's vectors", &conv_vectors(conv))?;
        Ok(Self { kernel: conv.kernel(), relu: conv.relu(), weights, vectors })
    }

    /// Rows of the target that an invocation computes.
    fn rows(&self) -> u32 {
        if self.kernel == 1 { shaders::CONV1X1_ROWS } else { shaders::CONV3X3_ROWS }
    }

    fn variant(&self, skip: bool) -> Variant {
        let shader = if self.kernel == 1 { shaders::CONV1X1 } else { shaders::CONV3X3 };
        Variant::with(shader, shaders::SKIP, skip)
    }
}

/// Bytes of device memory that a batch of `tiles` tiles of `height` x `width` pixels takes, beside the weights.
///
/// All values are f32. Intermediates have their channel counts padded to multiples of 4 and share buffers as the plan
/// says ([`Plan::total_len`]). Beside them there are the input once and the output twice (on its way back) as planes,
/// the style vector twice and its projections. The driver's own copies on the way up and down come on top: once the
/// input.
pub fn memory(plan: &Plan, tiles: usize, height: usize, width: usize) -> u64 {
    let planes = (plan.input.channels + 2 * plan.output.channels) * height * width;
    let styles = 2 * style_channels(plan).next_multiple_of(4) + plan.style_features;
    4 * (tiles * (plan.total_len(height, width, 4) + planes + styles)) as u64
}

fn style_channels(plan: &Plan) -> usize {
    let sources = plan.steps.iter().filter_map(|step| match step {
        Step::Style { source } => Some(source.channels),
        _ => None,
    });
    sources.max().unwrap_or(0)
}

impl Network {
    /// Brings checked weights to a device and builds the pipelines that the network needs.
    ///
    /// # Errors
    /// [`Error::Limit`] where a layer is too large for the device, and whatever the device says.
    pub async fn new(gpu: &Gpu, weights: &Weights) -> Result<Self, Error> {
        let shape = weights.shape().clone();
        let plan = Plan::new(&shape);
        let (convs, linear_weights, linear_bias) = gpu
            .attempt("the network's weights", || {
                let convs =
                    weights.convs().iter().map(|conv| ConvWeights::new(gpu, conv)).collect::<Result<Vec<_>, _>>()?;
                let (weights, bias) = linear_weights(weights.linears(), &plan.styles, plan.style_features);
                let weights = gpu.upload("the style projections' weights", &weights)?;
                Ok((convs, weights, gpu.upload("the style projections' biases", &bias)?))
            })
            .await?;
        let network =
            Self { gpu: gpu.clone(), shape, plan, convs, linear_weights, linear_bias, arena: Mutex::new(None) };
        gpu.build(&network.variants()).await?;
        Ok(network)
    }

    /// The network's layout.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The order in which the network runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Dispatches that a batch takes, whatever its size.
    pub fn dispatches(&self) -> usize {
        // Packing before the steps, unpacking after them.
        self.plan.steps.len() + 2
    }

    /// The pipelines that the plan uses.
    fn variants(&self) -> Vec<Variant> {
        let mut variants = vec![Variant::of(shaders::PACK), Variant::of(shaders::UNPACK)];
        variants.extend(self.plan.steps.iter().map(|step| self.variant(step)));
        variants
    }

    fn variant(&self, step: &Step) -> Variant {
        match step {
            Step::MaxPool { .. } => Variant::of(shaders::MAX_POOL),
            Step::Conv { conv, skip, .. } => self.convs[*conv].variant(skip.is_some()),
            Step::Style { .. } => Variant::of(shaders::STYLE),
            Step::StyleProjections => Variant::of(shaders::STYLE_PROJECTIONS),
        }
    }

    /// Most tiles of `height` x `width` pixels that one submission can take on this device; 0 where not even one fits.
    pub fn max_batch(&self, height: usize, width: usize) -> usize {
        let largest = self.largest(height, width);
        let binding = self.gpu.largest_binding() / largest.max(1);
        // Tiles are the third dimension of the convolutions' grid.
        binding.min(u64::from(self.gpu.limits().max_compute_workgroups_per_dimension)) as usize
    }

    /// Bytes of the largest buffer for one tile.
    fn largest(&self, height: usize, width: usize) -> u64 {
        let plan = &self.plan;
        let intermediates = (0..plan.buffers()).map(|buffer| plan.buffer_len(buffer, height, width, 4));
        let planes = plan.input.channels.max(plan.output.channels) * height * width;
        4 * intermediates.chain([planes, plan.style_features]).max().unwrap_or(0) as u64
    }

    /// Runs `count` tiles of `height` x `width` pixels, of shape [count, channels, height, width], both sides multiples
    /// of [`Shape::tile_multiple`].
    ///
    /// Batches that the device cannot take at once are split, and halved where its memory runs out.
    ///
    /// # Errors
    /// [`Error::TileSize`] and [`Error::Length`] for a wrong shape, [`Error::Limit`] and [`Error::OutOfMemory`] where
    /// not even one tile fits, and whatever the device says.
    pub async fn run(&self, tiles: &[f32], count: usize, height: usize, width: usize) -> Result<Batch, Error> {
        let multiple = self.shape.tile_multiple();
        if height == 0 || width == 0 || !height.is_multiple_of(multiple) || !width.is_multiple_of(multiple) {
            return Err(Error::TileSize { height, width, multiple });
        }
        let tile = self.shape.inputs().saturating_mul(height).saturating_mul(width);
        let expected = count.saturating_mul(tile);
        if tiles.len() != expected {
            return Err(Error::Length { what: "tiles", found: tiles.len(), expected });
        }
        let most = self.max_batch(height, width);
        if most == 0 {
            self.gpu.check_binding("a tile's intermediates", self.largest(height, width))?;
        }
        let mut batch = Batch::default();
        let mut split = Split { next: 0, count, most: most.max(1) };
        while let Some(range) = split.range() {
            let tiles = &tiles[range.start * tile..range.end * tile];
            let part = self.run_at_once(tiles, range.len(), height, width).await;
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

    /// Runs a batch in one submission and waits for it.
    async fn run_at_once(&self, tiles: &[f32], count: usize, height: usize, width: usize) -> Result<Batch, Error> {
        const WHAT: &str = "a batch of tiles";
        let arena = self.arena(count, height, width).await?;
        let sizes = arena.sizes(&self.plan, count);
        let (back, submission) = self
            .gpu
            .attempt(WHAT, || {
                let back = self.gpu.readback(WHAT, sizes.outputs + sizes.styles)?;
                let submission = arena.submit(&self.gpu, tiles, count, &back, &sizes)?;
                Ok((back, submission))
            })
            .await?;
        let bytes = self.gpu.read(WHAT, &back, submission, PATIENCE * count as u32).await?;
        Ok(Batch {
            outputs: bytes.values(0..sizes.outputs),
            styles: self.styles(&bytes, sizes.outputs..sizes.outputs + sizes.styles),
        })
    }

    /// The style vectors without the channels that pad them.
    fn styles(&self, bytes: &Bytes, range: Range<u64>) -> Vec<f32> {
        let channels = self.shape.style_channels();
        let padded: Vec<f32> = bytes.values(range);
        padded.chunks(channels.next_multiple_of(4)).flat_map(|style| &style[..channels]).copied().collect()
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
        for variant in self.variants() {
            kernels.push(self.gpu.kernel(variant).await?);
        }
        let arena = self
            .gpu
            .attempt("the network's intermediates", || Arena::new(self, &kernels, count, height, width))
            .await?;
        let arena = Arc::new(arena);
        *lock(&self.arena) = Some(Arc::clone(&arena));
        Ok(arena)
    }
}

/// Goes through `count` tiles in ranges of at most `most`. Where a range runs out of memory the ranges become half as
/// long, for the rest of the tiles too.
struct Split {
    next: usize,
    count: usize,
    most: usize,
}

impl Split {
    /// The tiles to run now.
    fn range(&self) -> Option<Range<usize>> {
        let end = self.count.min(self.next + self.most);
        (self.next < end).then_some(self.next..end)
    }

    /// Goes on after a range; `None` where it has to run again in smaller parts.
    fn after<T>(&mut self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        let length = self.range().map_or(0, |range| range.len());
        match result {
            Ok(part) => {
                self.next += length;
                Ok(Some(part))
            }
            Err(Error::OutOfMemory { .. }) if length > 1 => {
                self.most = length.div_ceil(2);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Everything that a batch of up to `capacity` tiles of one size runs in.
#[derive(Debug)]
struct Arena {
    capacity: usize,
    height: usize,
    width: usize,
    /// Input and output as planes.
    input: wgpu::Buffer,
    output: wgpu::Buffer,
    style: wgpu::Buffer,
    work: Vec<(Bound, Grid)>,
    /// Held from the upload to the submission, so that two batches do not mix.
    turn: Mutex<()>,
}

/// How a dispatch's grid follows from the number of tiles.
#[derive(Clone, Copy, Debug)]
enum Grid {
    /// This many workgroups in x and y, and a tile in z.
    Tiles([u32; 2]),
    /// This many invocations a tile, counted row by row.
    Linear(u64),
}

/// Bytes of a batch's results.
struct Sizes {
    outputs: u64,
    styles: u64,
}

impl Arena {
    fn new(
        network: &Network,
        kernels: &[Arc<crate::kernel::Kernel>],
        capacity: usize,
        height: usize,
        width: usize,
    ) -> Result<Self, Error> {
        let Network { gpu, plan, .. } = network;
        let buffer = |what, len: usize| gpu.storage(what, 4 * (capacity * len) as u64);
        let tensors = (0..plan.buffers())
            .map(|at| buffer("the network's intermediates", plan.buffer_len(at, height, width, 4)))
            .collect::<Result<Vec<_>, _>>()?;
        let input = buffer("the tiles", plan.input.channels * height * width)?;
        let output = buffer("the network's outputs", plan.output.channels * height * width)?;
        let style = buffer("the style vectors", style_channels(plan).next_multiple_of(4))?;
        let features = buffer("the style projections", plan.style_features)?;

        let site = Site { network, height, width, capacity, tensors: &tensors, style: &style, features: &features };
        let mut kernels = kernels.iter();
        let mut work = Vec::with_capacity(plan.steps.len() + 2);
        let mut add = |job: Job<'_>| {
            if let Some(kernel) = kernels.next() {
                work.push((kernel.bind(gpu, &job.params, &job.storage), job.grid));
            }
        };
        // In the order of Network::variants.
        let pack = site.planes(plan.input, &input, &tensors[plan.input.buffer]);
        let unpack = site.planes(plan.output, &tensors[plan.output.buffer], &output);
        add(pack);
        add(unpack);
        for step in &plan.steps {
            add(site.job(step)?);
        }
        // Unpacking comes last.
        work[1..].rotate_left(1);
        Ok(Self { capacity, height, width, input, output, style, work, turn: Mutex::new(()) })
    }

    fn fits(&self, count: usize, height: usize, width: usize) -> bool {
        self.capacity >= count && (self.height, self.width) == (height, width)
    }

    fn sizes(&self, plan: &Plan, count: usize) -> Sizes {
        Sizes {
            outputs: 4 * (count * plan.output.channels * self.height * self.width) as u64,
            styles: 4 * (count * style_channels(plan).next_multiple_of(4)) as u64,
        }
    }

    /// Uploads the tiles and submits all the work on them.
    fn submit(
        &self,
        gpu: &Gpu,
        tiles: &[f32],
        count: usize,
        back: &wgpu::Buffer,
        sizes: &Sizes,
    ) -> Result<wgpu::SubmissionIndex, Error> {
        let mut encoder =
            gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("network") });
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for (bound, grid) in &self.work {
                let grid = match *grid {
                    Grid::Tiles([x, y]) => [x, y, count as u32],
                    Grid::Linear(each) => linear(gpu, "a batch of tiles", each * count as u64)?,
                };
                bound.dispatch(&mut pass, grid);
            }
        }
        encoder.copy_buffer_to_buffer(&self.output, 0, back, 0, Some(sizes.outputs));
        encoder.copy_buffer_to_buffer(&self.style, 0, back, sizes.outputs, Some(sizes.styles));
        let commands = encoder.finish();
        let _turn = lock(&self.turn);
        gpu.queue().write_buffer(&self.input, 0, bytemuck::cast_slice(tiles));
        Ok(gpu.queue().submit([commands]))
    }
}

/// A shader's parameters, buffers and grid.
struct Job<'a> {
    params: Vec<u32>,
    storage: Vec<&'a wgpu::Buffer>,
    grid: Grid,
}

/// What the steps of a plan are made into jobs with.
struct Site<'a> {
    network: &'a Network,
    height: usize,
    width: usize,
    capacity: usize,
    tensors: &'a [wgpu::Buffer],
    style: &'a wgpu::Buffer,
    features: &'a wgpu::Buffer,
}

/// vec4s that hold this many channels.
fn quads(channels: usize) -> u32 {
    channels.div_ceil(4) as u32
}

impl<'a> Site<'a> {
    fn size(&self, tensor: Tensor) -> (u32, u32) {
        let (height, width) = tensor.size(self.height, self.width);
        (height as u32, width as u32)
    }

    /// Packing or unpacking.
    fn planes(&self, tensor: Tensor, from: &'a wgpu::Buffer, to: &'a wgpu::Buffer) -> Job<'a> {
        let pixels = self.height * self.width;
        // Packing has an invocation for each vec4, unpacking for each value.
        let packing = tensor == self.network.plan.input;
        let each = pixels * if packing { tensor.channels.div_ceil(4) } else { tensor.channels };
        Job {
            params: vec![pixels as u32, tensor.channels as u32, (each * self.capacity) as u32],
            storage: vec![from, to],
            grid: Grid::Linear(each as u64),
        }
    }

    fn job(&self, step: &Step) -> Result<Job<'a>, Error> {
        let tensor = |tensor: Tensor| &self.tensors[tensor.buffer];
        Ok(match step {
            Step::MaxPool { source, target } => {
                let (height, width) = self.size(*target);
                let each = height * width * quads(target.channels);
                Job {
                    params: vec![width, height, quads(target.channels), each * self.capacity as u32],
                    storage: vec![tensor(*source), tensor(*target)],
                    grid: Grid::Linear(u64::from(each)),
                }
            }
            Step::Style { source } => {
                let (height, width) = self.size(*source);
                Job {
                    params: vec![height * width, quads(source.channels)],
                    storage: vec![tensor(*source), self.style],
                    grid: Grid::Tiles([1, 1]),
                }
            }
            Step::StyleProjections => {
                let features = quads(self.network.plan.style_features);
                let Network { linear_weights, linear_bias, shape, .. } = self.network;
                Job {
                    params: vec![features, quads(shape.style_channels())],
                    storage: vec![self.style, linear_weights, linear_bias, self.features],
                    grid: Grid::Tiles([features.div_ceil(64), 1]),
                }
            }
            Step::Conv { conv, source, upsample, skip, style, residual, target } => {
                let weights = &self.network.convs[*conv];
                let (height, width) = self.size(*target);
                let lowest = if weights.relu { 0.0 } else { f32::MIN };
                let stride = if style.is_some() { quads(self.network.plan.style_features) } else { 0 };
                let offset = style.map_or(0, |StyleSlice { offset, .. }| quads(offset));
                Job {
                    params: vec![
                        width,
                        height,
                        quads(source.channels),
                        quads(target.channels),
                        u32::from(*upsample),
                        lowest.to_bits(),
                        stride,
                        offset,
                        u32::from(residual.is_some()),
                    ],
                    // Something must be bound where nothing is read: the source is, and may be twice.
                    storage: vec![
                        tensor(*source),
                        tensor(skip.unwrap_or(*source)),
                        tensor(residual.unwrap_or(*source)),
                        &weights.weights,
                        &weights.vectors,
                        if style.is_some() { self.features } else { &weights.vectors },
                        tensor(*target),
                    ],
                    grid: Grid::Tiles(self.conv_grid(weights.rows(), height, width, quads(target.channels))?),
                }
            }
        })
    }

    fn conv_grid(&self, rows: u32, height: u32, width: u32, outputs: u32) -> Result<[u32; 2], Error> {
        let [across, down, _] = shaders::CONV3X3.workgroup;
        let y = (u64::from(height.div_ceil(rows)) * u64::from(outputs)).div_ceil(u64::from(down));
        let allowed = u64::from(self.network.gpu.limits().max_compute_workgroups_per_dimension);
        if y > allowed {
            let limit = "maxComputeWorkgroupsPerDimension";
            return Err(Error::Limit { what: "a convolution", needed: y, limit, allowed });
        }
        Ok([width.div_ceil(across), y as u32])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_split_and_halved_where_memory_runs_out_and_every_tile_runs_once() {
        for (count, most, room) in [(0, 4, 9), (1, 1, 1), (10, 4, 9), (10, 100, 3), (121, 16, 1), (7, 7, 7)] {
            let mut ran = Vec::new();
            let mut split = Split { next: 0, count, most };
            while let Some(range) = split.range() {
                assert!(range.len() <= most);
                let fits = range.len() <= room;
                let result = if fits { Ok(()) } else { Err(Error::OutOfMemory { what: "a test" }) };
                if split.after(result).unwrap().is_some() {
                    ran.extend(range);
                }
            }
            assert_eq!(ran, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn one_tile_that_does_not_fit_and_other_errors_end_the_run() {
        let memory = Error::OutOfMemory { what: "a test" };
        let mut split = Split { next: 0, count: 5, most: 2 };
        assert_eq!(split.after::<()>(Err(memory.clone())), Ok(None));
        assert_eq!(split.after::<()>(Err(memory.clone())), Err(memory));
        let lost = Error::Lost { reason: String::new() };
        assert_eq!(Split { next: 0, count: 5, most: 4 }.after::<()>(Err(lost.clone())), Err(lost));
    }

    /// Whoever drives the device from a multi-threaded executor needs this.
    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn every_future_can_move_between_threads() {
        fn sendable<T: Send>(_: impl FnOnce(&'static Gpu, &'static Network, &'static Weights) -> T) {}
        sendable(|_, _, _| Gpu::open(crate::Choice::Any));
        sendable(|_, _, _| crate::adapters());
        sendable(|gpu, _, weights| Network::new(gpu, weights));
        sendable(|_, network, _| network.run(&[], 0, 8, 8));
        const ENDS: &cytoshade_core::EndPoints =
            &cytoshade_core::EndPoints { pixels: Vec::new(), y: Vec::new(), x: Vec::new() };
        sendable(|gpu, _, _| crate::histogram(gpu, ENDS, 1, 1));
        fn flows(gpu: &'static Gpu, planes: &'static cytoshade_core::Planes) {
            sendable(|_, _, _| crate::follow_flows(gpu, planes, &[], 0.0, 1, true));
            sendable(|_, _, _| crate::sinks(gpu, planes, &[], 0.0, 1, true));
        }
        let _ = flows;
    }

    #[test]
    fn memory_grows_with_tiles_and_holds_what_is_documented() {
        let plan = Plan::new(&Shape::new(vec![2, 32, 64, 128, 256], 3).unwrap());
        let one = memory(&plan, 1, 224, 224);
        assert_eq!(memory(&plan, 8, 224, 224), 8 * one);
        let planes = 4 * (2 + 3 + 3) * 224 * 224;
        let styles = 4 * (2 * 256 + plan.style_features);
        assert_eq!(one, (4 * plan.total_len(224, 224, 4) + planes + styles) as u64);
    }
}
