//! The steps of a plan as dispatches: parameters, buffers and grids.

use cytoshade_core::{Step, StyleSlice, Tensor};

use super::Network;
use super::arena::Grid;
use super::conv_layer::Layer;
use crate::error::Error;
use crate::operators::conv3x3::winograd;

/// A shader's parameters, buffers and grid.
pub(super) struct Dispatch<'a> {
    pub(super) params: Vec<u32>,
    pub(super) storage: Vec<&'a wgpu::Buffer>,
    pub(super) grid: Grid,
}

/// What the steps of a plan are made into dispatches with.
pub(super) struct DispatchContext<'a> {
    pub(super) network: &'a Network,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) capacity: usize,
    pub(super) tensors: &'a [wgpu::Buffer],
    pub(super) style: &'a wgpu::Buffer,
    pub(super) features: &'a wgpu::Buffer,
    /// Between the dispatches of Winograd convolutions.
    pub(super) points: &'a wgpu::Buffer,
    pub(super) sums: &'a wgpu::Buffer,
}

/// vec4s that hold this many channels.
fn quads(channels: usize) -> u32 {
    channels.div_ceil(4) as u32
}

impl<'a> DispatchContext<'a> {
    fn size(&self, tensor: Tensor) -> (u32, u32) {
        let (height, width) = tensor.size(self.height, self.width);
        (height as u32, width as u32)
    }

    /// Packing or unpacking.
    pub(super) fn planes(&self, tensor: Tensor, from: &'a wgpu::Buffer, to: &'a wgpu::Buffer) -> Dispatch<'a> {
        let pixels = self.height * self.width;
        // Packing has an invocation for each vec4, unpacking for each value.
        let packing = tensor == self.network.plan.input;
        let each = pixels * if packing { tensor.channels.div_ceil(4) } else { tensor.channels };
        Dispatch {
            params: vec![pixels as u32, tensor.channels as u32, (each * self.capacity) as u32],
            storage: vec![from, to],
            grid: Grid::Linear(each as u64),
        }
    }

    /// The dispatches of a step, in the order of its variants.
    pub(super) fn dispatches(&self, step: &Step) -> Result<Vec<Dispatch<'a>>, Error> {
        let tensor = |tensor: Tensor| &self.tensors[tensor.buffer];
        let dispatch = match step {
            Step::MaxPool { source, target } => {
                let (height, width) = self.size(*target);
                let each = height * width * quads(target.channels);
                Dispatch {
                    params: vec![width, height, quads(target.channels), each * self.capacity as u32],
                    storage: vec![tensor(*source), tensor(*target)],
                    grid: Grid::Linear(u64::from(each)),
                }
            }
            Step::Style { source } => {
                let (height, width) = self.size(*source);
                Dispatch {
                    params: vec![height * width, quads(source.channels)],
                    storage: vec![tensor(*source), self.style],
                    grid: Grid::Tiles([1, 1]),
                }
            }
            Step::StyleProjections => {
                let features = quads(self.network.plan.style_features);
                let Network { linear_weights, linear_bias, shape, .. } = self.network;
                Dispatch {
                    params: vec![features, quads(shape.style_channels())],
                    storage: vec![self.style, linear_weights, linear_bias, self.features],
                    grid: Grid::Tiles([features.div_ceil(64), 1]),
                }
            }
            Step::Conv { conv, source, upsample, skip, style, residual, projection, target } => {
                let layer = self.network.layer(*conv, [self.height, self.width]);
                let (height, width) = self.size(*target);
                let lowest = if layer.relu { 0.0 } else { f32::MIN };
                let stride = if style.is_some() { quads(self.network.plan.style_features) } else { 0 };
                let offset = style.map_or(0, |StyleSlice { offset, .. }| quads(offset));
                // The block's input is bound in the residual's place.
                let added = residual.or(projection.map(|projection| projection.source));
                let block_inputs = projection.map_or(0, |projection| quads(projection.source.channels));
                let params = vec![
                    width,
                    height,
                    quads(source.channels),
                    quads(target.channels),
                    u32::from(*upsample),
                    lowest.to_bits(),
                    stride,
                    offset,
                    u32::from(residual.is_some()),
                    block_inputs,
                    projection.map_or(0, |projection| u32::from(projection.upsample)),
                    self.capacity as u32,
                ];
                // Something must be bound where nothing is read: the source is, and may be twice.
                let source_buffer = tensor(*source);
                let skip = skip.map_or_else(|| self.network.zeros_for(layer).unwrap_or(source_buffer), tensor);
                let added = tensor(added.unwrap_or(*source));
                let style = if style.is_some() { self.features } else { &layer.vectors };
                let Layer { weights, vectors, geometry, .. } = layer;
                if layer.winograd() {
                    let each = winograd::patches(height as usize, width as usize) as u64;
                    let groups = target.channels.div_ceil(winograd::GROUP) as u32;
                    let dispatch = |storage, x, group| Dispatch {
                        params: params.clone(),
                        storage,
                        grid: Grid::Patches { x, each, group },
                    };
                    // Once more for the block's input, where there is one.
                    let channels = [quads(source.channels), block_inputs].into_iter().filter(|&channels| channels > 0);
                    let input = vec![source_buffer, skip, added, vectors, style, self.points];
                    let inputs = channels.map(|x| dispatch(input.clone(), x, u64::from(geometry.columns)));
                    let product = vec![self.points, weights, added, vectors, self.sums, tensor(*target)];
                    let product = dispatch(product, groups, winograd::product_patches(geometry.columns));
                    return Ok(inputs.chain([product]).collect());
                }
                Dispatch {
                    params,
                    storage: vec![source_buffer, skip, added, weights, vectors, style, tensor(*target)],
                    grid: Grid::Tiles(self.within(geometry.grid(height, width, target.channels))?),
                }
            }
        };
        Ok(vec![dispatch])
    }

    /// A grid that the device allows.
    fn within(&self, grid: [u64; 2]) -> Result<[u32; 2], Error> {
        let allowed = u64::from(self.network.gpu.limits().max_compute_workgroups_per_dimension);
        match grid.into_iter().find(|&count| count > allowed) {
            None => Ok(grid.map(|count| count as u32)),
            Some(needed) => {
                let limit = "maxComputeWorkgroupsPerDimension";
                Err(Error::Limit { what: "a convolution", needed, limit, allowed })
            }
        }
    }
}
