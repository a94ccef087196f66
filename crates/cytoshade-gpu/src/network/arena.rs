//! The buffers and dispatches for a batch of tiles, and their submission.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use cytoshade_core::{Plan, Storage, TensorId};

use super::Network;
use super::dispatch::DispatchContext;
use super::profile::Clock;
use crate::device::sync::lock;
use crate::device::{DispatchList, Gpu};
use crate::error::Error;
use crate::operators::{Dispatch, Grid};
use crate::pipeline::{Bound, Kernel};

/// The buffers and dispatches of batches of up to `capacity` tiles of one size.
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
    /// Input and output as activations.
    packed: wgpu::Buffer,
    result: wgpu::Buffer,
    /// The buffers of the plan.
    buffers: Vec<wgpu::Buffer>,
    /// The dispatches of packing, of each operation, and of unpacking.
    work: Vec<Vec<(Bound, Grid)>>,
    /// Locked from the upload to the submission, so that two batches do not mix.
    turn: Mutex<()>,
}

/// Bytes of the flag for non-finite outputs.
pub(super) const FLAG: u64 = 4;

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
        let precision = network.options.precision;
        let floats = |what, len: usize| gpu.storage(what, (4 * capacity * len) as u64);
        let mut buffers = Vec::with_capacity(plan.buffers().len());
        for (at, buffer) in plan.buffers().iter().enumerate() {
            let len = plan.buffer_len(at, height, width, 4);
            buffers.push(match buffer.storage() {
                Storage::Activations => {
                    gpu.storage("the network's intermediates", (precision.bytes() * capacity * len) as u64)?
                }
                Storage::Vectors => floats("the network's vectors", len)?,
            });
        }
        let [inputs, outputs] = [plan.input(), plan.output()].map(|id| plan[id].channels());
        let input = floats("the tiles", inputs * height * width)?;
        let output = floats("the network's outputs", outputs * height * width)?;
        let style = plan.style().map(|style| buffers[plan[style].buffer].clone());
        let [first, second] = network.scratch(capacity, [height, width]).0;
        let scratch = [gpu.storage("a convolution's scratch", first)?, gpu.storage("a convolution's scratch", second)?];

        let context =
            DispatchContext { network, height, width, capacity, buffers: &buffers, scratch: scratch.each_ref() };
        let mut kernels = kernels.iter();
        let mut work = Vec::with_capacity(plan.operations().len() + 2);
        let mut add = |dispatches: Vec<Dispatch<'_>>| {
            let mut bound = Vec::new();
            for (Dispatch { params, storage, grid }, kernel) in dispatches.into_iter().zip(&mut kernels) {
                grid.check(gpu, "an operation of the network")?;
                bound.push((gpu.bind(kernel, &params, &storage), grid));
            }
            work.push(bound);
            Ok::<_, Error>(())
        };
        // In the order of Network::variants.
        add(vec![context.pack(&input)])?;
        add(vec![context.unpack(&output)])?;
        for operation in plan.operations() {
            add(context.dispatches(operation))?;
        }
        // Unpacking comes last.
        work[1..].rotate_left(1);
        let [packed, result] = [plan.input(), plan.output()].map(|id| buffers[plan[id].buffer].clone());
        let turn = Mutex::new(());
        Ok(Self { capacity, height, width, input, output, style, packed, result, buffers, work, turn })
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

    /// Uploads tiles and submits all work on them.
    ///
    /// With a clock, each step is a separate pass between two timestamps.
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

    /// The tiles as activations, input of the first step.
    pub(super) fn packed(&self) -> &wgpu::Buffer {
        &self.packed
    }

    /// The outputs as activations, output of the last step.
    pub(super) fn result(&self) -> &wgpu::Buffer {
        &self.result
    }

    /// Uploads tiles and packs them.
    pub(super) fn pack(&self, gpu: &Gpu, tiles: &[f32], count: usize) -> Result<(), Error> {
        let mut encoder = self.encoder(gpu);
        encode(&mut encoder, &self.steps(gpu, 0..1, count)?, None);
        self.upload_and_submit(gpu, tiles, encoder);
        Ok(())
    }

    /// Submits one operation of the plan.
    pub(super) fn run_operation(&self, gpu: &Gpu, at: usize, count: usize) -> Result<(), Error> {
        let mut encoder = self.encoder(gpu);
        encode(&mut encoder, &self.steps(gpu, at + 1..at + 2, count)?, None);
        gpu.queue().submit([encoder.finish()]);
        Ok(())
    }

    /// The buffer of a tensor.
    pub(super) fn tensor(&self, plan: &Plan, id: TensorId) -> &wgpu::Buffer {
        &self.buffers[plan[id].buffer]
    }

    /// Submits the steps, after work that writes the tiles and before work that reads the outputs.
    ///
    /// Each of these two counts as one step for the clock. Copies `not_finite` to `back`, then the styles.
    pub(super) fn submit_between(
        &self,
        gpu: &Gpu,
        count: usize,
        (before, after): (&DispatchList, &DispatchList),
        (back, not_finite): (&wgpu::Buffer, &wgpu::Buffer),
        clock: Option<&Clock>,
    ) -> Result<wgpu::SubmissionIndex, Error> {
        let mut encoder = self.encoder(gpu);
        let mut pieces = vec![before.iter().collect()];
        pieces.append(&mut self.steps(gpu, 1..self.work.len() - 1, count)?);
        pieces.push(after.iter().collect());
        encode(&mut encoder, &pieces, clock);
        encoder.copy_buffer_to_buffer(not_finite, 0, back, 0, Some(FLAG));
        if let Some(style) = &self.style {
            let bytes = style.size().min(back.size() - FLAG);
            encoder.copy_buffer_to_buffer(style, 0, back, FLAG, Some(bytes));
        }
        Ok(gpu.queue().submit([encoder.finish()]))
    }

    /// The pieces of a range of steps.
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

/// Records pieces; with a clock, each as a separate pass.
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
