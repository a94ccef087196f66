//! The steps of a plan as dispatches: their tensors, buffers and sizes for one arena.

use cytoshade_core::{Projection, Step, StyleSlice, Tensor};

use super::Network;
use super::conv_layer::ConvLayer;
use crate::operators::convolution::ConvArgs;
use crate::operators::{Dispatch, max_pool, quads, style};

/// The buffers of an arena, and the sizes of its tiles.
pub(super) struct DispatchContext<'a> {
    pub(super) network: &'a Network,
    pub(super) height: usize,
    pub(super) width: usize,
    /// Tiles that the buffers have room for.
    pub(super) capacity: usize,
    pub(super) tensors: &'a [wgpu::Buffer],
    pub(super) style: &'a wgpu::Buffer,
    pub(super) features: &'a wgpu::Buffer,
    pub(super) scratch: [&'a wgpu::Buffer; 2],
}

impl<'a> DispatchContext<'a> {
    /// Height and width of a tensor.
    fn size(&self, tensor: Tensor) -> [u32; 2] {
        let (height, width) = tensor.size(self.height, self.width);
        [height as u32, width as u32]
    }

    fn buffer(&self, tensor: Tensor) -> &'a wgpu::Buffer {
        &self.tensors[tensor.buffer]
    }

    /// The dispatches of a step, in the order of its variants.
    pub(super) fn dispatches(&self, step: &Step) -> Vec<Dispatch<'a>> {
        let Network { plan, style_projections, shape, .. } = self.network;
        match step {
            Step::MaxPool { source, target } => {
                let (size, capacity) = (self.size(*target), self.capacity as u32);
                let (source, target_buffer) = (self.buffer(*source), self.buffer(*target));
                vec![max_pool::dispatch(size, target.channels, capacity, source, target_buffer)]
            }
            Step::Style { source } => {
                let pixels = self.size(*source).iter().product();
                vec![style::dispatch(pixels, source.channels, self.buffer(*source), self.style)]
            }
            Step::StyleProjections => {
                let (features, channels) = (plan.style_features, shape.style_channels());
                vec![style_projections.dispatch(features, channels, self.style, self.features)]
            }
            Step::Conv { conv, .. } => {
                let layer = self.network.layer(*conv, [self.height, self.width]);
                self.conv_args(step, layer).map_or_else(Vec::new, |args| layer.dispatches(&args))
            }
        }
    }

    /// The parameters and buffers of a convolution; `None` for another step.
    fn conv_args(&self, step: &Step, layer: &'a ConvLayer) -> Option<ConvArgs<'a>> {
        let Step::Conv { source, upsample, skip, style, residual, projection, target, .. } = step else { return None };
        let [height, width] = self.size(*target);
        let style_of = |slice: &StyleSlice| [quads(self.network.plan.style_features), quads(slice.offset)];
        let block_of = |block: &Projection| (block.source.channels, block.upsample);
        // The block's input is bound in the residual's place.
        let added = residual.or(projection.map(|projection| projection.source));
        // Every binding needs a buffer, even one that is not read: the source may be bound twice.
        let unread = self.buffer(*source);
        Some(ConvArgs {
            height,
            width,
            inputs: source.channels,
            outputs: target.channels,
            upsample: *upsample,
            relu: layer.relu,
            style: style.as_ref().map(style_of),
            add_residual: residual.is_some(),
            block: projection.as_ref().map(block_of),
            capacity: self.capacity as u32,
            source: self.buffer(*source),
            skip: skip.map_or_else(|| self.network.zeros_for(layer).unwrap_or(unread), |skip| self.buffer(skip)),
            residual: added.map_or(unread, |added| self.buffer(added)),
            weights: &layer.weights,
            vectors: &layer.vectors,
            features: if style.is_some() { self.features } else { &layer.vectors },
            target: self.buffer(*target),
            scratch: self.scratch,
        })
    }
}
