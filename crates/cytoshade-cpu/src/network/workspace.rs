//! The memory in which one tile runs.

use cytoshade_core::{Operation, Plan, Storage, TensorId};

use super::feature_map::FeatureMap;
use crate::simd::{Block, LANES};

/// The tensors of one tile, in the buffers that the plan assigns.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) height: usize,
    pub(super) width: usize,
    buffers: Vec<Vec<Block>>,
    /// Scratch for the sums over a map, one for each channel.
    sums: Vec<[f64; LANES]>,
}

impl Workspace {
    pub(super) fn new(plan: &Plan, height: usize, width: usize) -> Self {
        let blocks = |buffer| plan.buffer_len(buffer, height, width, LANES) / LANES;
        let summed = plan.operations().iter().map(|operation| match operation {
            Operation::GlobalAverage { source, .. } => plan[*source].channels().div_ceil(LANES),
            Operation::Convolution(_) | Operation::MaxPool { .. } | Operation::Linear { .. } => 0,
        });
        Self {
            height,
            width,
            buffers: (0..plan.buffers().len()).map(|buffer| vec![Block::ZERO; blocks(buffer)]).collect(),
            sums: vec![[0.0; LANES]; summed.max().unwrap_or(0)],
        }
    }

    /// The map `id`.
    pub(super) fn map(&self, plan: &Plan, id: TensorId) -> FeatureMap<&[Block]> {
        let tensor = plan[id];
        let (height, width) = tensor.size(self.height, self.width);
        FeatureMap::new(&self.buffers[tensor.buffer], tensor.channels(), height, width)
    }

    /// The values of the map or vector `id`.
    pub(super) fn blocks(&self, plan: &Plan, id: TensorId) -> &[Block] {
        match plan[id].shape.storage() {
            Storage::Activations => self.map(plan, id).data,
            Storage::Vectors => self.vector(plan, id),
        }
    }

    /// The vector `id`.
    pub(super) fn vector(&self, plan: &Plan, id: TensorId) -> &[Block] {
        let tensor = plan[id];
        let first = plan.offset(id, self.height, self.width, LANES) / LANES;
        &self.buffers[tensor.buffer][first..][..tensor.channels().div_ceil(LANES)]
    }

    /// Runs `work`, which writes the map `id` and may read other tensors. No operation of a plan reads its own target.
    pub(super) fn write_map(&mut self, plan: &Plan, id: TensorId, work: impl FnOnce(&Self, FeatureMap<&mut [Block]>)) {
        let tensor = plan[id];
        let (height, width) = tensor.size(self.height, self.width);
        let mut buffer = std::mem::take(&mut self.buffers[tensor.buffer]);
        work(self, FeatureMap::new_mut(&mut buffer, tensor.channels(), height, width));
        self.buffers[tensor.buffer] = buffer;
    }

    /// Runs `work`, which writes the vector `id` and may read other tensors.
    pub(super) fn write_vector(&mut self, plan: &Plan, id: TensorId, work: impl FnOnce(&Self, &mut [Block])) {
        let tensor = plan[id];
        let first = plan.offset(id, self.height, self.width, LANES) / LANES;
        let mut buffer = std::mem::take(&mut self.buffers[tensor.buffer]);
        work(self, &mut buffer[first..][..tensor.channels().div_ceil(LANES)]);
        self.buffers[tensor.buffer] = buffer;
    }

    /// As [`Workspace::write_vector`], with scratch for the sums over a map, one for each channel.
    pub(super) fn write_average(
        &mut self,
        plan: &Plan,
        id: TensorId,
        work: impl FnOnce(&Self, &mut [[f64; LANES]], &mut [Block]),
    ) {
        let mut sums = std::mem::take(&mut self.sums);
        self.write_vector(plan, id, |tensors, target| work(tensors, &mut sums, target));
        self.sums = sums;
    }
}
