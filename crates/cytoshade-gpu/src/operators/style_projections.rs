//! Every projection of the style vector, in one dispatch.

use cytoshade_core::{Linear, StyleSlice};
use cytoshade_shaders as shaders;

use super::{Dispatch, Grid, quads};
use crate::device::Gpu;
use crate::error::Error;
use crate::pipeline::Variant;

/// The pipeline.
pub(crate) fn variant() -> Variant {
    Variant::new(&shaders::STYLE_PROJECTIONS)
}

/// The weights and biases of all projections on a device.
#[derive(Debug)]
pub(crate) struct StyleProjections {
    weights: wgpu::Buffer,
    bias: wgpu::Buffer,
}

impl StyleProjections {
    /// Uploads the projections, whose results lie at `slices` of a vector of `features` values.
    pub(crate) fn upload(gpu: &Gpu, linears: &[Linear], slices: &[StyleSlice], features: usize) -> Result<Self, Error> {
        let (weights, bias) = packed(linears, slices, features);
        let weights = gpu.upload("the style projections' weights", &weights)?;
        Ok(Self { weights, bias: gpu.upload("the style projections' biases", &bias)? })
    }

    /// Projects styles of `channels` to `features` values a tile.
    pub(crate) fn dispatch<'a>(
        &'a self,
        features: usize,
        channels: usize,
        style: &'a wgpu::Buffer,
        target: &'a wgpu::Buffer,
    ) -> Dispatch<'a> {
        let groups = quads(features).div_ceil(shaders::STYLE_PROJECTIONS.workgroup[0]);
        Dispatch {
            params: vec![quads(features), quads(channels)],
            storage: vec![style, &self.weights, &self.bias, target],
            grid: Grid::Tiles([u64::from(groups), 1]),
        }
    }
}

/// The weights [channel / 4][feature / 4] of 4 x 4, a column for each channel; and the biases.
fn packed(linears: &[Linear], slices: &[StyleSlice], features: usize) -> (Vec<f32>, Vec<f32>) {
    let channels = linears.first().map_or(0, Linear::inputs);
    let mut weights = vec![0.0; channels.div_ceil(4) * features.div_ceil(4) * 16];
    let mut bias = vec![0.0; features.next_multiple_of(4)];
    for slice in slices {
        let linear = &linears[slice.linear];
        bias[slice.offset..][..linear.outputs()].copy_from_slice(linear.bias());
        for (at, &weight) in linear.weight().iter().enumerate() {
            let (channel, feature) = (at % linear.inputs(), slice.offset + at / linear.inputs());
            let block = channel / 4 * features.div_ceil(4) + feature / 4;
            weights[block * 16 + channel % 4 * 4 + feature % 4] = weight;
        }
    }
    (weights, bias)
}
