//! The operations of a plan as dispatches: parameters, buffers and grids.

use cytoshade_core::{Convolution, Operation, TensorId};

use super::arena::Grid;
use super::conv_layer::Layer;
use super::{LinearLayer, Network};
use crate::error::Error;
use crate::winograd;

/// A shader's parameters, buffers and grid.
pub(super) struct Dispatch<'a> {
    pub(super) params: Vec<u32>,
    pub(super) storage: Vec<&'a wgpu::Buffer>,
    pub(super) grid: Grid,
}

/// The buffers of a batch.
pub(super) struct DispatchContext<'a> {
    pub(super) network: &'a Network,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) capacity: usize,
    /// The buffers of the plan.
    pub(super) buffers: &'a [wgpu::Buffer],
    /// Between the dispatches of Winograd convolutions.
    pub(super) points: &'a wgpu::Buffer,
    pub(super) sums: &'a wgpu::Buffer,
}

/// vec4s that hold this many channels.
fn quads(channels: usize) -> u32 {
    channels.div_ceil(4) as u32
}

impl<'a> DispatchContext<'a> {
    fn size(&self, id: TensorId) -> (u32, u32) {
        let (height, width) = self.network.plan[id].size(self.height, self.width);
        (height as u32, width as u32)
    }

    /// vec4s of a tensor's channels.
    fn quads(&self, id: TensorId) -> u32 {
        quads(self.network.plan[id].channels())
    }

    /// vec4s of all vectors that are written together with a vector, for each tile.
    fn stride(&self, id: TensorId) -> u32 {
        quads(self.network.plan.group_len(id, self.height, self.width, 4))
    }

    fn buffer(&self, id: TensorId) -> &'a wgpu::Buffer {
        &self.buffers[self.network.plan[id].buffer]
    }

    /// Packing or unpacking.
    pub(super) fn planes(&self, id: TensorId, from: &'a wgpu::Buffer, to: &'a wgpu::Buffer) -> Dispatch<'a> {
        let (pixels, channels) = (self.height * self.width, self.network.plan[id].channels());
        // Packing has an invocation for each vec4, unpacking for each value.
        let packing = id == self.network.plan.input();
        let each = pixels * if packing { channels.div_ceil(4) } else { channels };
        Dispatch {
            params: vec![pixels as u32, channels as u32, (each * self.capacity) as u32],
            storage: vec![from, to],
            grid: Grid::Linear(each as u64),
        }
    }

    /// The dispatches of an operation, in the order of its variants.
    pub(super) fn dispatches(&self, operation: &Operation) -> Result<Vec<Dispatch<'a>>, Error> {
        let dispatch = match operation {
            Operation::Convolution(convolution) => return self.convolution(convolution),
            &Operation::MaxPool { source, target } => {
                let (height, width) = self.size(target);
                let each = height * width * self.quads(target);
                Dispatch {
                    params: vec![width, height, self.quads(target), each * self.capacity as u32],
                    storage: vec![self.buffer(source), self.buffer(target)],
                    grid: Grid::Linear(u64::from(each)),
                }
            }
            &Operation::GlobalAverage { source, target } => {
                let (height, width) = self.size(source);
                Dispatch {
                    params: vec![height * width, self.quads(source)],
                    storage: vec![self.buffer(source), self.buffer(target)],
                    grid: Grid::Tiles([1, 1]),
                }
            }
            Operation::Linear { source, products } => {
                let target = products[0].target;
                let LinearLayer { weights, bias } = &self.network.linears[&target];
                let outputs = self.stride(target);
                Dispatch {
                    params: vec![outputs, self.quads(*source)],
                    storage: vec![self.buffer(*source), weights, bias, self.buffer(target)],
                    grid: Grid::Tiles([outputs.div_ceil(64), 1]),
                }
            }
        };
        Ok(vec![dispatch])
    }

    fn convolution(&self, convolution: &Convolution) -> Result<Vec<Dispatch<'a>>, Error> {
        let &Convolution { weights, source, upsample, skip, vector, residual, shortcut, target, .. } = convolution;
        let layer = self.network.layer(weights, [self.height, self.width]);
        let (height, width) = self.size(target);
        let lowest = if layer.relu { 0.0 } else { f32::MIN };
        let stride = vector.map_or(0, |vector| self.stride(vector));
        let offset = vector.map_or(0, |vector| quads(self.network.plan.offset(vector, self.height, self.width, 4)));
        // The block's input is bound in the residual's place.
        let added = residual.or(shortcut.map(|shortcut| shortcut.source));
        let block_inputs = shortcut.map_or(0, |shortcut| self.quads(shortcut.source));
        let params = vec![
            width,
            height,
            self.quads(source),
            self.quads(target),
            u32::from(upsample),
            lowest.to_bits(),
            stride,
            offset,
            u32::from(residual.is_some()),
            block_inputs,
            shortcut.map_or(0, |shortcut| u32::from(shortcut.upsample)),
            self.capacity as u32,
        ];
        // Something must be bound where nothing is read: the source is, and may be twice.
        let source_buffer = self.buffer(source);
        let skip =
            skip.map_or_else(|| self.network.zeros_for(layer).unwrap_or(source_buffer), |skip| self.buffer(skip));
        let added = self.buffer(added.unwrap_or(source));
        let vector = vector.map_or(&layer.vectors, |vector| self.buffer(vector));
        let Layer { weights, vectors, geometry, .. } = layer;
        if layer.winograd() {
            let each = winograd::patches(height as usize, width as usize) as u64;
            let groups = self.network.plan[target].channels().div_ceil(winograd::GROUP) as u32;
            let dispatch = |storage, x, group| Dispatch {
                params: params.clone(),
                storage,
                grid: Grid::Patches { x, each, group },
            };
            // Once more for the block's input, where there is one.
            let channels = [self.quads(source), block_inputs].into_iter().filter(|&channels| channels > 0);
            let input = vec![source_buffer, skip, added, vectors, vector, self.points];
            let inputs = channels.map(|x| dispatch(input.clone(), x, u64::from(geometry.columns)));
            let product = vec![self.points, weights, added, vectors, self.sums, self.buffer(target)];
            let product = dispatch(product, groups, winograd::product_patches(geometry.columns));
            return Ok(inputs.chain([product]).collect());
        }
        let grid = geometry.grid(height, width, self.network.plan[target].channels());
        Ok(vec![Dispatch {
            params,
            storage: vec![source_buffer, skip, added, weights, vectors, vector, self.buffer(target)],
            grid: Grid::Tiles(self.within(grid)?),
        }])
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
