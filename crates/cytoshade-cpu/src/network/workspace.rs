//! The memory that one tile runs in.

use cytoshade_core::{Operation, Plan, TensorId};

use super::feature_map::FeatureMap;
use crate::simd::{Block, LANES};

/// The tensors of one tile, in the buffers that the plan assigns.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) height: usize,
    pub(super) width: usize,
    buffers: Vec<Vec<Block>>,
    /// Scratch for the sums of a map's channels.
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

    /// A map.
    pub(super) fn map(&self, plan: &Plan, id: TensorId) -> FeatureMap<&[Block]> {
        let tensor = plan[id];
        let (height, width) = tensor.size(self.height, self.width);
        FeatureMap::new(&self.buffers[tensor.buffer], tensor.channels(), height, width)
    }

    /// A vector.
    pub(super) fn vector(&self, plan: &Plan, id: TensorId) -> &[Block] {
        let tensor = plan[id];
        let first = plan.offset(id, self.height, self.width, LANES) / LANES;
        &self.buffers[tensor.buffer][first..][..tensor.channels().div_ceil(LANES)]
    }

    /// Lets `work` write a map while it reads other tensors. The plan never lets an operation read its own target.
    pub(super) fn write_map(&mut self, plan: &Plan, id: TensorId, work: impl FnOnce(&Self, FeatureMap<&mut [Block]>)) {
        let tensor = plan[id];
        let (height, width) = tensor.size(self.height, self.width);
        let mut buffer = std::mem::take(&mut self.buffers[tensor.buffer]);
        work(self, FeatureMap::new_mut(&mut buffer, tensor.channels(), height, width));
        self.buffers[tensor.buffer] = buffer;
    }

    /// Lets `work` write a vector while it reads other tensors.
    pub(super) fn write_vector(&mut self, plan: &Plan, id: TensorId, work: impl FnOnce(&Self, &mut [Block])) {
        let tensor = plan[id];
        let first = plan.offset(id, self.height, self.width, LANES) / LANES;
        let mut buffer = std::mem::take(&mut self.buffers[tensor.buffer]);
        work(self, &mut buffer[first..][..tensor.channels().div_ceil(LANES)]);
        self.buffers[tensor.buffer] = buffer;
    }

    /// As [`Workspace::write_vector`], with scratch for the sums of a map's channels.
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
