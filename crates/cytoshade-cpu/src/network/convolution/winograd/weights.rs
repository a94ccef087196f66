//! The kernels of a convolution, transformed to Winograd's points.

use cytoshade_core::Conv;
use cytoshade_core::winograd::{PRODUCTS, transform_kernels};

use crate::simd::{Block, LANES, Lanes, Work, compiled};

/// The kernels of a 3x3 convolution at the points, with output blocks in groups of `group`: shape
/// [point, output group, input channel, block in group, 16].
#[inline(never)]
pub(in crate::network) fn weights(conv: &Conv, group: usize) -> Vec<Block> {
    let (inputs, blocks) = (conv.inputs(), conv.outputs().div_ceil(LANES));
    let mut packed = vec![Block::ZERO; PRODUCTS * blocks * inputs];
    for block in 0..blocks {
        let (first, within) = (block / group * group, block % group);
        let in_group = (blocks - first).min(group);
        for input in 0..inputs {
            let at = first * inputs + input * in_group + within;
            let points = compiled(BlockKernels { conv, block, input });
            for (weights, point) in packed.chunks_exact_mut(blocks * inputs).zip(points) {
                weights[at] = Block(point);
            }
        }
    }
    packed
}

/// Transforms the kernels from an input channel to a block of output channels.
struct BlockKernels<'a> {
    conv: &'a Conv,
    block: usize,
    input: usize,
}

impl Work for BlockKernels<'_> {
    type Output = [[f32; LANES]; PRODUCTS];

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) -> Self::Output {
        let Self { conv, block, input } = self;
        let (of_conv, _) = conv.weight().as_chunks::<9>();
        let mut kernels = [[0.0; LANES]; 9];
        for (lane, output) in (block * LANES..conv.outputs()).take(LANES).enumerate() {
            for (tap, value) in kernels.iter_mut().zip(of_conv[output * conv.inputs() + input]) {
                tap[lane] = value;
            }
        }
        transform_kernels(&kernels)
    }
}
