//! What there is to know of 3x3 Winograd convolution beside their shaders: weights at their points, and the
//! buffers between their dispatches.

use cytoshade_core::Conv;
use cytoshade_core::winograd::{PRODUCTS, SIDE, transform_kernel};
use cytoshade_shaders as shaders;

use crate::pipeline::Variant;

/// Output channels that an invocation of the product computes.
pub(crate) const GROUP: usize = 32;

/// Patches that an invocation of the product computes.
const RUN: usize = 4;

/// Channels of what is transformed together: inputs and those of the block, each padded to vec4s.
fn depth(inputs: usize, block: usize) -> usize {
    inputs.next_multiple_of(4) + block.next_multiple_of(4)
}

/// Bytes of the weights.
pub(crate) fn weight_bytes(inputs: usize, block: usize, outputs: usize) -> u64 {
    4 * PRODUCTS as u64 * depth(inputs, block) as u64 * outputs.next_multiple_of(GROUP) as u64
}

/// Weights [point][output / 32][input / 4][output / 4 % 8][input % 4][output % 4], with those of `proj` as more inputs.
pub(crate) fn weights(conv: &Conv, proj: Option<&Conv>) -> Vec<f32> {
    if cfg!(target_arch = "wasm32") {
        // Never asked for there; known when it is compiled, so that a browser does not load what follows.
        return Vec::new();
    }
    let block = proj.map_or(0, Conv::inputs);
    let (inputs, depth) = (conv.inputs(), depth(conv.inputs(), block));
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
    if let Some(proj) = proj {
        let first = inputs.next_multiple_of(4);
        for (at, weight) in proj.weight().iter().enumerate() {
            let (output, input) = (at / block, at % block);
            // A 1x1 kernel is a 3x3 kernel with a middle. `proj` has no ReLU: its norm's scale goes into the weights.
            let mut kernel = [0.0; 9];
            kernel[4] = weight * proj.scale()[input];
            put(output, first + input, &kernel);
        }
    }
    packed
}

/// Patches of 4 x 4 pixels of a tile.
pub(crate) fn patches(height: usize, width: usize) -> usize {
    height.div_ceil(SIDE) * width.div_ceil(SIDE)
}

/// Bytes of what lies between the dispatches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scratch {
    /// The input at the points.
    pub(crate) points: u64,
    /// The sums at the points.
    pub(crate) sums: u64,
}

impl Scratch {
    /// Of a convolution of `patches` patches.
    pub(crate) fn new(lanes: u32, patches: usize, inputs: usize, block: usize, outputs: usize) -> Self {
        let values = PRODUCTS * patches.next_multiple_of(RUN * lanes as usize);
        let bytes = |channels: usize| 4 * values as u64 * channels as u64;
        Self { points: bytes(depth(inputs, block)), sums: bytes(outputs.next_multiple_of(GROUP)) }
    }

    /// What serves both.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { points: self.points.max(other.points), sums: self.sums.max(other.sums) }
    }
}

/// What runs one after another: the input and, where there is one, the block's input at the points; the product.
pub(crate) fn variants(lanes: u32, skip: bool, block: bool) -> Vec<Variant> {
    let input = || Variant::new(shaders::CONV3X3_WINOGRAD_INPUT).with(shaders::LANES, lanes);
    let mut variants = vec![input().with(shaders::SKIP, skip)];
    if block {
        variants.push(input().with(shaders::BLOCK, true));
    }
    variants.push(Variant::new(shaders::CONV3X3_WINOGRAD_PRODUCT).with(shaders::LANES, lanes));
    variants
}

/// Patches of a workgroup of the product; those of the input have `lanes`.
pub(crate) fn product_patches(lanes: u32) -> u64 {
    RUN as u64 * u64::from(lanes)
}

#[cfg(test)]
mod tests {
    use cytoshade_core::winograd::{P, Q};
    use cytoshade_shaders::Precision;

    use super::*;

    #[test]
    fn the_shaders_have_the_points_of_the_weights() {
        for shader in [shaders::CONV3X3_WINOGRAD_INPUT, shaders::CONV3X3_WINOGRAD_PRODUCT] {
            let source = shader.source(Precision::F32);
            for line in [
                format!("const P = {P};"),
                format!("const Q = {Q};"),
                format!("const POINTS = {PRODUCTS}u;"),
                format!("let block = {RUN}u * LANES;"),
            ] {
                assert!(source.contains(&line), "{} has no {line}", shader.name);
            }
        }
    }

    #[test]
    fn buffers_hold_whole_blocks_and_groups() {
        // 33 patches are 2 blocks of 4 * 8; 5 + 3 inputs are 2 + 1 vec4s, 33 outputs 2 groups.
        let scratch = Scratch::new(8, 33, 5, 3, 33);
        assert_eq!(scratch, Scratch { points: 4 * 36 * 64 * 12, sums: 4 * 36 * 64 * 64 });
        assert_eq!(patches(9, 16), 3 * 4);
        // Every lane of every workgroup has its place.
        assert_eq!(64 % product_patches(8), 0);
    }
}
