//! Every projection of the style in one dispatch: matrix products with biases ([`Operation::Linear`]).
//!
//! [`Operation::Linear`]: cytoshade_core::Operation::Linear

use cytoshade_core::Linear;
use cytoshade_shaders as shaders;

use super::{Dispatch, Grid};
use crate::device::Gpu;
use crate::error::Error;
use crate::pipeline::Variant;

/// The pipeline.
pub(crate) fn variant() -> Variant {
    Variant::new(&shaders::STYLE_PROJECTIONS)
}

/// The matrices of the projections on a device.
#[derive(Debug)]
pub(crate) struct StyleProjections {
    weights: wgpu::Buffer,
    bias: wgpu::Buffer,
}

impl StyleProjections {
    /// Uploads the matrices of one operation.
    pub(crate) fn upload(gpu: &Gpu, linears: &[&Linear]) -> Result<Self, Error> {
        let (weights, bias) = packed(linears);
        let weights = gpu.upload("the style projections' weights", &weights)?;
        Ok(Self { weights, bias: gpu.upload("the style projections' biases", &bias)? })
    }

    /// Multiplies styles of `inputs` vec4s into features of `outputs` vec4s per tile.
    pub(crate) fn dispatch<'a>(
        &'a self,
        [inputs, outputs]: [u32; 2],
        [source, target]: [&'a wgpu::Buffer; 2],
    ) -> Dispatch<'a> {
        let groups = outputs.div_ceil(shaders::STYLE_PROJECTIONS.workgroup[0]);
        Dispatch {
            params: vec![outputs, inputs],
            storage: vec![source, &self.weights, &self.bias, target],
            grid: Grid::Tiles([u64::from(groups), 1]),
        }
    }
}

/// The weights and biases of matrices with a common input.
///
/// Weights are [input / 4][output / 4] of 4 x 4, a column for each input. `output` counts through the outputs of all
/// matrices, each padded with zeros to a multiple of 4.
fn packed(linears: &[&Linear]) -> (Vec<f32>, Vec<f32>) {
    let inputs = linears.first().map_or(0, |linear| linear.inputs());
    let outputs: usize = linears.iter().map(|linear| linear.outputs().next_multiple_of(4)).sum();
    let mut weights = vec![0.0; inputs.div_ceil(4) * outputs / 4 * 16];
    let mut bias = vec![0.0; outputs];
    let mut first = 0;
    for linear in linears {
        bias[first..][..linear.outputs()].copy_from_slice(linear.bias());
        for (at, &weight) in linear.weight().iter().enumerate() {
            let (input, output) = (at % linear.inputs(), first + at / linear.inputs());
            let block = input / 4 * (outputs / 4) + output / 4;
            weights[block * 16 + input % 4 * 4 + output % 4] = weight;
        }
        first += linear.outputs().next_multiple_of(4);
    }
    (weights, bias)
}
