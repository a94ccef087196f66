//! 3x3 Winograd convolution, F(4x4, 3x3), with scratch between its dispatches.
//!
//! The first dispatches transform the input to the points; the last one multiplies and transforms the sums to the
//! output. `shared/winograd.wgsl` describes the points.

use cytoshade_core::Conv;
use cytoshade_core::winograd::{PRODUCTS, SIDE, transform_kernel};
use cytoshade_shaders::{self as shaders, Precision, Shader, overrides};

use super::broadcast::subgroup;
use crate::device::capabilities::Capabilities;
use crate::error::Unsupported;
use crate::operators::convolution::{ConvAlgorithm, ConvArgs, Geometry, Layer, Scratch};
use crate::operators::{Dispatch, Grid, quads};
use crate::pipeline::Variant;

/// Output channels per invocation of the product.
const GROUP: usize = 32;

/// Patches per invocation of the product.
const RUN: usize = 4;

/// Maximum workgroup size.
const MAX_LANES: u32 = 64;

/// Minimum number of channels at which Winograd is faster than direct sums on Mesa's llvmpipe.
///
/// It has a quarter of the products, but writes its points and reads them again.
const FEWEST_CHANNELS: usize = 32;

/// [`super::ConvKernel::Winograd`].
///
/// A geometry's columns are the invocations of a workgroup, its rows the patches of each.
#[derive(Debug)]
pub(super) struct Winograd;

impl ConvAlgorithm for Winograd {
    /// A workgroup is as wide as a subgroup: on a CPU more would only be a loop.
    fn applies(&self, capabilities: &Capabilities, layer: &Layer) -> Result<Geometry, Unsupported> {
        let lanes = subgroup(capabilities)?.min(MAX_LANES);
        let needed = weight_bytes(layer);
        if capabilities.binding < needed {
            return Err(Unsupported::Binding { found: capabilities.binding, needed });
        }
        Ok(Geometry { columns: lanes, rows: RUN as u32, channels: GROUP as u32 })
    }

    /// Whether Winograd is faster on GPUs has not been measured.
    fn is_preferred(&self, capabilities: &Capabilities, layer: &Layer) -> bool {
        capabilities.software && layer.inputs.min(layer.outputs) >= FEWEST_CHANNELS
    }

    fn shader(&self, _: &Geometry) -> &'static Shader {
        &shaders::CONV3X3_WINOGRAD_PRODUCT
    }

    fn name(&self, _: &Geometry) -> &'static str {
        "conv3x3_winograd"
    }

    fn weights(&self, _: &Geometry, conv: &Conv, shortcut: Option<&Conv>) -> Vec<f32> {
        weights(conv, shortcut)
    }

    /// At the points, f16 rounding would exceed the parity limit.
    fn weight_precision(&self, _: Precision) -> Precision {
        Precision::F32
    }

    /// The input and, if any, the shortcut's source at the points; then the product.
    fn variants(&self, _: &Capabilities, geometry: &Geometry, skip: bool, shortcut: bool) -> Vec<Variant> {
        let lanes = |shader| Variant::new(shader).with(overrides::LANES, geometry.columns);
        let mut variants = vec![lanes(&shaders::CONV3X3_WINOGRAD_INPUT).with(overrides::SKIP, skip)];
        if shortcut {
            variants.push(lanes(&shaders::CONV3X3_WINOGRAD_INPUT).with(overrides::BLOCK, true));
        }
        variants.push(lanes(&shaders::CONV3X3_WINOGRAD_PRODUCT));
        variants
    }

    /// The points of the input, and their sums.
    fn scratch(&self, geometry: &Geometry, layer: &Layer, tiles: usize, [height, width]: [usize; 2]) -> Scratch {
        let patches = tiles * patches(height, width);
        let values = PRODUCTS * patches.next_multiple_of(RUN * geometry.columns as usize);
        let bytes = |channels: usize| 4 * values as u64 * channels as u64;
        Scratch([bytes(depth(layer)), bytes(layer.outputs.next_multiple_of(GROUP))])
    }

    fn dispatches<'a>(&self, geometry: &Geometry, args: &ConvArgs<'a>) -> Vec<Dispatch<'a>> {
        let &ConvArgs { source, skip, residual, weights, vectors, style, target, scratch: [points, sums], .. } = args;
        let each = patches(args.height as usize, args.width as usize) as u64;
        let lanes = u64::from(geometry.columns);
        let dispatch =
            |storage, x, group| Dispatch { params: args.params(), storage, grid: Grid::Items { x, each, group } };
        // One invocation per vec4 of channels; a second dispatch for the shortcut's source.
        let channels = [quads(args.inputs), args.shortcut_quads()].into_iter().filter(|&channels| channels > 0);
        let input = vec![source, skip, residual, vectors, style, points];
        let inputs = channels.map(|x| dispatch(input.clone(), x, lanes));
        let product = vec![points, weights, residual, vectors, sums, target];
        let product = dispatch(product, args.outputs.div_ceil(GROUP) as u32, RUN as u64 * lanes);
        inputs.chain([product]).collect()
    }
}

/// Channels transformed together: the input's and the shortcut source's, each padded to vec4s.
fn depth(layer: &Layer) -> usize {
    layer.inputs.next_multiple_of(4) + layer.shortcut.next_multiple_of(4)
}

/// Bytes of the weights.
fn weight_bytes(layer: &Layer) -> u64 {
    4 * PRODUCTS as u64 * depth(layer) as u64 * layer.outputs.next_multiple_of(GROUP) as u64
}

/// Patches of 4 x 4 pixels per tile.
fn patches(height: usize, width: usize) -> usize {
    height.div_ceil(SIDE) * width.div_ceil(SIDE)
}

/// The weights [point][output / 32][input / 4][output / 4 % 8][input % 4][output % 4].
///
/// The shortcut's weights are those of additional inputs.
fn weights(conv: &Conv, shortcut: Option<&Conv>) -> Vec<f32> {
    let inputs = conv.inputs();
    let depth = inputs.next_multiple_of(4) + shortcut.map_or(0, Conv::inputs).next_multiple_of(4);
    let groups = conv.outputs().div_ceil(GROUP);
    let mut packed = vec![0.0; PRODUCTS * groups * depth * GROUP];
    let mut put = |output: usize, input: usize, kernel: &[f32; 9]| {
        let row =
            (output / GROUP * depth + input / 4 * 4) * GROUP + output % GROUP / 4 * 16 + input % 4 * 4 + output % 4;
        for (point, value) in transform_kernel(kernel).into_iter().enumerate() {
            packed[point * groups * depth * GROUP + row] = value;
        }
    };
    for (at, kernel) in conv.weight().as_chunks().0.iter().enumerate() {
        put(at / inputs, at % inputs, kernel);
    }
    if let Some(shortcut) = shortcut {
        let first = inputs.next_multiple_of(4);
        for (at, weight) in shortcut.weight().iter().enumerate() {
            let (output, input) = (at / shortcut.inputs(), at % shortcut.inputs());
            // A 1x1 kernel is the center of a 3x3 kernel. A shortcut has no ReLU, so its BatchNorm's scale is folded
            // into the weights.
            let mut kernel = [0.0; 9];
            kernel[4] = weight * shortcut.scale()[input];
            put(output, first + input, &kernel);
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use cytoshade_core::winograd::{P, Q};

    use super::*;

    const LAYER: Layer = Layer { inputs: 64, outputs: 33, shortcut: 6, precision: Precision::F32 };

    fn llvmpipe(binding: u64) -> Capabilities {
        Capabilities { software: true, subgroups: Some((8, 8)), binding, ..Capabilities::default() }
    }

    /// WGSL declares the two points as abstract numbers, which leave no constant in the compiled shader.
    #[test]
    fn the_shaders_have_the_points_of_the_weights() {
        assert_eq!(shaders::conv3x3_winograd_input::POINTS as usize, PRODUCTS);
        for shader in [shaders::CONV3X3_WINOGRAD_INPUT, shaders::CONV3X3_WINOGRAD_PRODUCT] {
            let source = shader.source(Precision::F32);
            for line in [format!("const P = {P};"), format!("const Q = {Q};"), format!("let block = {RUN}u * LANES;")] {
                assert!(source.contains(&line), "{} has no {line}", shader.name);
            }
        }
    }

    #[test]
    fn scratch_holds_whole_blocks_and_groups() {
        // 33 patches are 2 blocks of 4 * 8; 5 + 3 inputs are 2 + 1 vec4s, 33 outputs 2 groups.
        let layer = Layer { inputs: 5, shortcut: 3, ..LAYER };
        let geometry = Geometry { columns: 8, rows: 4, channels: 32 };
        let scratch = Winograd.scratch(&geometry, &layer, 11, [12, 4]);
        assert_eq!(scratch, Scratch([4 * 36 * 64 * 12, 4 * 36 * 64 * 64]));
        assert_eq!(patches(9, 16), 3 * 4);
    }

    #[test]
    fn weights_that_exceed_a_binding_are_declined() {
        // 36 points, 64 + 6 padded to 8 inputs, 33 padded to 64 outputs, 4 bytes.
        let needed = 36 * 72 * 64 * 4;
        assert!(Winograd.applies(&llvmpipe(needed), &LAYER).is_ok());
        let declined = Unsupported::Binding { found: needed - 1, needed };
        assert_eq!(Winograd.applies(&llvmpipe(needed - 1), &LAYER), Err(declined));
    }
}
