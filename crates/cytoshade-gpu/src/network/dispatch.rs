//! Turns the operations of a plan into dispatches, with buffers and sizes in an arena.

use cytoshade_core::{Convolution, Operation, TensorId};

use super::Network;
use crate::operators::convolution::ConvArgs;
use crate::operators::{Dispatch, max_pool, pack, quads, style};

/// The buffers of an arena, and the sizes of its tiles.
pub(super) struct DispatchContext<'a> {
    pub(super) network: &'a Network,
    pub(super) height: usize,
    pub(super) width: usize,
    /// Capacity of the buffers in tiles.
    pub(super) capacity: usize,
    /// The buffers of the plan.
    pub(super) buffers: &'a [wgpu::Buffer],
    pub(super) scratch: [&'a wgpu::Buffer; 2],
}

impl<'a> DispatchContext<'a> {
    /// Height and width of a tensor.
    fn size(&self, id: TensorId) -> [u32; 2] {
        let (height, width) = self.network.plan[id].size(self.height, self.width);
        [height as u32, width as u32]
    }

    fn channels(&self, id: TensorId) -> usize {
        self.network.plan[id].channels()
    }

    /// vec4s per tile of all vectors written together with this one.
    fn stride(&self, id: TensorId) -> u32 {
        quads(self.network.plan.group_len(id, self.height, self.width, 4))
    }

    /// vec4s before this vector among those.
    fn offset(&self, id: TensorId) -> u32 {
        quads(self.network.plan.offset(id, self.height, self.width, 4))
    }

    fn buffer(&self, id: TensorId) -> &'a wgpu::Buffer {
        &self.buffers[self.network.plan[id].buffer]
    }

    /// Packs planes into the plan's input.
    pub(super) fn pack(&self, planes: &'a wgpu::Buffer) -> Dispatch<'a> {
        let (id, pixels) = (self.network.plan.input(), self.height * self.width);
        pack::pack(pixels, self.channels(id), self.capacity, planes, self.buffer(id))
    }

    /// Unpacks the plan's output into planes.
    pub(super) fn unpack(&self, planes: &'a wgpu::Buffer) -> Dispatch<'a> {
        let (id, pixels) = (self.network.plan.output(), self.height * self.width);
        pack::unpack(pixels, self.channels(id), self.capacity, self.buffer(id), planes)
    }

    /// The dispatches of an operation, in the order of its variants.
    pub(super) fn dispatches(&self, operation: &Operation) -> Vec<Dispatch<'a>> {
        match operation {
            Operation::Convolution(convolution) => self.convolution(convolution),
            &Operation::MaxPool { source, target } => {
                let (channels, capacity) = (self.channels(target), self.capacity as u32);
                let buffers = [self.buffer(source), self.buffer(target)];
                vec![max_pool::dispatch(self.size(target), channels, capacity, buffers)]
            }
            &Operation::GlobalAverage { source, target } => {
                let (pixels, buffers) =
                    (self.size(source).iter().product(), [self.buffer(source), self.buffer(target)]);
                vec![style::dispatch(pixels, self.channels(source), buffers)]
            }
            Operation::Linear { source, products } => {
                let Some(target) = products.first().map(|product| product.target) else { return Vec::new() };
                let vec4s = [quads(self.channels(*source)), self.stride(target)];
                let buffers = [self.buffer(*source), self.buffer(target)];
                vec![self.network.linears[&target].dispatch(vec4s, buffers)]
            }
        }
    }

    fn convolution(&self, convolution: &Convolution) -> Vec<Dispatch<'a>> {
        let &Convolution { weights, source, upsample, skip, vector, residual, shortcut, target, .. } = convolution;
        let layer = self.network.layer(weights, [self.height, self.width]);
        let [height, width] = self.size(target);
        // The shortcut's source takes the residual's binding.
        let added = residual.or(shortcut.map(|shortcut| shortcut.source));
        // Every binding needs a buffer, even an unread one: the source may be bound several times.
        let unread = self.buffer(source);
        layer.dispatches(&ConvArgs {
            height,
            width,
            inputs: self.channels(source),
            outputs: self.channels(target),
            upsample,
            relu: layer.relu,
            style_slice: vector.map(|vector| [self.stride(vector), self.offset(vector)]),
            add_residual: residual.is_some(),
            shortcut: shortcut.map(|shortcut| (self.channels(shortcut.source), shortcut.upsample)),
            capacity: self.capacity as u32,
            source: self.buffer(source),
            skip: skip.map_or_else(|| self.network.zeros_for(layer).unwrap_or(unread), |skip| self.buffer(skip)),
            residual: added.map_or(unread, |added| self.buffer(added)),
            weights: &layer.weights,
            vectors: &layer.vectors,
            style: vector.map_or(&layer.vectors, |vector| self.buffer(vector)),
            target: self.buffer(target),
            scratch: self.scratch,
        })
    }
}
