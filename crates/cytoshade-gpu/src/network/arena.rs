//! Everything that a batch of tiles runs in, and its submission.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use cytoshade_core::{Plan, Storage};

use super::Network;
use super::dispatch::{Dispatch, DispatchContext};
use super::profile::Clock;
use crate::device::{Gpu, lock};
use crate::dispatch_list::DispatchList;
use crate::error::Error;
use crate::kernel::{Bound, Kernel, linear};
use crate::winograd::Scratch;

/// Everything that a batch of up to `capacity` tiles of one size runs in.
#[derive(Debug)]
pub(super) struct Arena {
    capacity: usize,
    height: usize,
    width: usize,
    /// Input and output as planes.
    input: wgpu::Buffer,
    output: wgpu::Buffer,
    /// The style vectors, if the network has any.
    style: Option<wgpu::Buffer>,
    /// Input and output as the steps have them.
    packed: wgpu::Buffer,
    result: wgpu::Buffer,
    /// Packing, the steps, unpacking.
    /// The dispatches of each step.
    work: Vec<Vec<(Bound, Grid)>>,
    /// Held from the upload to the submission, so that two batches do not mix.
    turn: Mutex<()>,
}

/// How a dispatch's grid follows from the number of tiles.
#[derive(Clone, Copy, Debug)]
pub(super) enum Grid {
    /// This many workgroups in x and y, and a tile in z.
    Tiles([u32; 2]),
    /// This many invocations a tile, counted row by row.
    Linear(u64),
    /// `x` workgroups in x, and in y one for each `group` of the patches of all tiles, of which a tile has `each`.
    Patches { x: u32, each: u64, group: u64 },
}

impl Grid {
    /// The grid for a number of tiles.
    fn workgroups(self, gpu: &Gpu, count: usize) -> Result<[u32; 3], Error> {
        match self {
            Grid::Tiles([x, y]) => Ok([x, y, count as u32]),
            Grid::Patches { x, each, group } => Ok([x, (each * count as u64).div_ceil(group) as u32, 1]),
            Grid::Linear(each) => linear(gpu, "a batch of tiles", each * count as u64),
        }
    }
}

/// Bytes of a batch's results.
pub(super) struct Sizes {
    pub(super) outputs: u64,
    pub(super) styles: u64,
}

impl Arena {
    pub(super) fn new(
        network: &Network,
        kernels: &[Arc<Kernel>],
        capacity: usize,
        height: usize,
        width: usize,
    ) -> Result<Self, Error> {
        let Network { gpu, plan, .. } = network;
        let bytes = network.options.precision.bytes();
        let buffer = |what, len: usize| gpu.storage(what, (4 * capacity * len) as u64);
        let buffers = (0..plan.buffers().len())
            .map(|at| {
                let len = plan.buffer_len(at, height, width, 4);
                match plan.buffers()[at].storage() {
                    Storage::Activations => gpu.storage("the network's intermediates", (bytes * capacity * len) as u64),
                    Storage::Vectors => buffer("the network's vectors", len),
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        let [inputs, outputs] = [plan.input(), plan.output()].map(|id| plan[id].channels());
        let input = buffer("the tiles", inputs * height * width)?;
        let output = buffer("the network's outputs", outputs * height * width)?;
        let style = plan.style().map(|style| buffers[plan[style].buffer].clone());

        let Scratch { points, sums } = network.scratch(capacity, [height, width]);
        let scratch = |what, bytes: u64| gpu.storage(what, bytes.max(4));
        let points = scratch("inputs at points", points)?;
        let sums = scratch("sums at points", sums)?;

        let site =
            DispatchContext { network, height, width, capacity, buffers: &buffers, points: &points, sums: &sums };
        let mut kernels = kernels.iter();
        let mut work = Vec::with_capacity(plan.operations().len() + 2);
        let mut add = |dispatches: Vec<Dispatch<'_>>| {
            let bind = |(dispatch, kernel): (Dispatch<'_>, &Arc<Kernel>)| {
                (kernel.bind(gpu, &dispatch.params, &dispatch.storage), dispatch.grid)
            };
            work.push(dispatches.into_iter().zip(&mut kernels).map(bind).collect());
        };
        // In the order of Network::variants.
        let [packed, result] = [plan.input(), plan.output()].map(|id| buffers[plan[id].buffer].clone());
        let pack = site.planes(plan.input(), &input, &packed);
        let unpack = site.planes(plan.output(), &result, &output);
        add(vec![pack]);
        add(vec![unpack]);
        for operation in plan.operations() {
            add(site.dispatches(operation)?);
        }
        // Unpacking comes last.
        work[1..].rotate_left(1);
        Ok(Self { capacity, height, width, input, output, style, packed, result, work, turn: Mutex::new(()) })
    }

    pub(super) fn fits(&self, count: usize, height: usize, width: usize) -> bool {
        self.capacity >= count && (self.height, self.width) == (height, width)
    }

    pub(super) fn sizes(&self, plan: &Plan, count: usize) -> Sizes {
        Sizes {
            outputs: 4 * (count * plan[plan.output()].channels() * self.height * self.width) as u64,
            styles: 4 * (count * plan.style().map_or(0, |style| plan[style].channels().next_multiple_of(4))) as u64,
        }
    }

    /// Uploads the tiles and submits all the work on them. With a clock each step is a pass of its own, between two
    /// timestamps.
    pub(super) fn submit(
        &self,
        gpu: &Gpu,
        tiles: &[f32],
        count: usize,
        back: &wgpu::Buffer,
        sizes: &Sizes,
        clock: Option<&Clock>,
    ) -> Result<wgpu::SubmissionIndex, Error> {
        let mut encoder = self.encoder(gpu);
        encode(&mut encoder, &self.steps(gpu, 0..self.work.len(), count)?, clock);
        encoder.copy_buffer_to_buffer(&self.output, 0, back, 0, Some(sizes.outputs));
        if let Some(style) = &self.style {
            encoder.copy_buffer_to_buffer(style, 0, back, sizes.outputs, Some(sizes.styles));
        }
        Ok(self.upload_and_submit(gpu, tiles, encoder))
    }

    /// The tiles as the first step takes them.
    pub(super) fn packed(&self) -> &wgpu::Buffer {
        &self.packed
    }

    /// The outputs as the last step leaves them.
    pub(super) fn result(&self) -> &wgpu::Buffer {
        &self.result
    }

    /// Submits the steps alone, between work that brings the tiles and work that takes the outputs, each of which counts
    /// as one step for the clock. Copies the styles to `back`.
    pub(super) fn submit_between(
        &self,
        gpu: &Gpu,
        count: usize,
        (before, after): (&DispatchList, &DispatchList),
        back: &wgpu::Buffer,
        clock: Option<&Clock>,
    ) -> Result<wgpu::SubmissionIndex, Error> {
        let mut encoder = self.encoder(gpu);
        let mut pieces = vec![before.iter().collect()];
        pieces.append(&mut self.steps(gpu, 1..self.work.len() - 1, count)?);
        pieces.push(after.iter().collect());
        encode(&mut encoder, &pieces, clock);
        // Without a style some bytes are read back all the same: nothing else tells a browser that the batch is done.
        let last = self.style.as_ref().unwrap_or(&self.result);
        encoder.copy_buffer_to_buffer(last, 0, back, 0, Some(back.size().min(last.size())));
        Ok(gpu.queue().submit([encoder.finish()]))
    }

    /// Steps of the work, each a piece.
    fn steps(&self, gpu: &Gpu, range: Range<usize>, count: usize) -> Result<Vec<Piece<'_>>, Error> {
        let mut pieces = Vec::new();
        for step in &self.work[range] {
            let piece: Result<_, Error> =
                step.iter().map(|(bound, grid)| Ok((bound, grid.workgroups(gpu, count)?))).collect();
            pieces.push(piece?);
        }
        Ok(pieces)
    }

    fn encoder(&self, gpu: &Gpu) -> wgpu::CommandEncoder {
        gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("network") })
    }

    fn upload_and_submit(&self, gpu: &Gpu, tiles: &[f32], encoder: wgpu::CommandEncoder) -> wgpu::SubmissionIndex {
        let commands = encoder.finish();
        let _turn = lock(&self.turn);
        gpu.queue().write_buffer(&self.input, 0, bytemuck::cast_slice(tiles));
        gpu.queue().submit([commands])
    }
}

/// Dispatches between two timestamps.
type Piece<'a> = Vec<(&'a Bound, [u32; 3])>;

/// Records pieces, each as a pass of its own where there is a clock.
fn encode(encoder: &mut wgpu::CommandEncoder, pieces: &[Piece<'_>], clock: Option<&Clock>) {
    let Some(clock) = clock else {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        return pieces.iter().flatten().for_each(|(bound, grid)| bound.dispatch(&mut pass, *grid));
    };
    for (at, piece) in (0..).zip(pieces) {
        let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes: Some(clock.writes(at)) };
        let mut pass = encoder.begin_compute_pass(&descriptor);
        piece.iter().for_each(|(bound, grid)| bound.dispatch(&mut pass, *grid));
    }
    clock.copy(encoder);
}
