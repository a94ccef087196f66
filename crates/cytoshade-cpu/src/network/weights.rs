//! The weights of a convolution in the order in which the products read them.

use std::collections::BTreeMap;

use cytoshade_core::Conv;

use super::winograd::{PRODUCTS, transform_kernels};
use crate::simd::{Block, LANES, Lanes, Work, compiled};

/// Taps of the largest kernel.
const MAX_TAPS: usize = 9;

/// The taps and weights that give an output pixel.
///
/// A convolution of a source that is doubled by repetition meets each source pixel with several of its taps. Adding
/// up their weights beforehand leaves 2 x 2 taps of 3 x 3, other ones for each of the four output pixels that a source
/// pixel becomes; so the doubled source is never made.
#[derive(Debug)]
pub(super) struct Product {
    /// Which of the output pixels of a source pixel it gives: (row, column), each below the factor of repetition.
    pub(super) phase: (usize, usize),
    /// The source pixels that it meets: (row, column), counted in the source with `kernel / 2` zeros around it.
    taps: Vec<(usize, usize)>,
    /// Shape [output group, input block, tap, input channel, block in group, 16].
    pub(super) weights: Vec<Block>,
}

impl Product {
    /// The products of a convolution of a source that is repeated `factor` times on each axis, with output blocks in
    /// groups of `group`. A kernel of one tap gives the same for all output pixels of a source pixel, so there is one
    /// product only.
    pub(super) fn all(conv: &Conv, factor: usize, group: usize) -> Vec<Product> {
        let different = if conv.kernel() == 1 { 1 } else { factor };
        let phases = (0..different).flat_map(|y| (0..different).map(move |x| (y, x)));
        phases.map(|phase| Self::new(conv, factor, phase, group)).collect()
    }

    fn new(conv: &Conv, factor: usize, phase: (usize, usize), group: usize) -> Self {
        let kernel = conv.kernel();
        // The source row, counted with its zeros, that kernel row `k` meets; and likewise the column.
        let meets = |phase: usize, k: usize| (phase + k + (factor - 1) * (kernel / 2)) / factor;
        // Each tap with the kernel's positions that meet it; in order, so that rows are read one after another.
        let mut met: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for k in 0..kernel * kernel {
            met.entry((meets(phase.0, k / kernel), meets(phase.1, k % kernel))).or_default().push(k);
        }
        let weights = pack(conv, group, met.values().map(Vec::as_slice));
        Self { phase, taps: met.into_keys().collect(), weights }
    }

    /// From the buffer's pixel that the first tap meets to the ones that each tap meets.
    pub(super) fn taps(&self, row_len: usize) -> ([usize; MAX_TAPS], usize) {
        let mut taps = [0; MAX_TAPS];
        for (at, &(y, x)) in taps.iter_mut().zip(&self.taps) {
            *at = y * row_len + x;
        }
        (taps, self.taps.len())
    }
}

#[inline(never)]
fn pack<'a>(conv: &Conv, group: usize, taps: impl Iterator<Item = &'a [usize]> + Clone) -> Vec<Block> {
    let (inputs, outputs, size) = (conv.inputs(), conv.outputs(), conv.kernel() * conv.kernel());
    // Where no ReLU stands between, the factors of the BatchNorm are part of the weights.
    let scale = |input: usize| if conv.relu() { 1.0 } else { f64::from(conv.scale()[input]) };
    let weight = |output: usize, input: usize, tap: &[usize]| {
        let kernel = &conv.weight()[(output * inputs + input) * size..][..size];
        (scale(input) * tap.iter().map(|&k| f64::from(kernel[k])).sum::<f64>()) as f32
    };
    let blocks: Vec<usize> = (0..outputs.div_ceil(LANES)).collect();
    let mut packed = Vec::with_capacity(blocks.len() * inputs * taps.clone().count());
    for group in blocks.chunks(group) {
        for first in (0..inputs).step_by(LANES) {
            for tap in taps.clone() {
                for input in first..inputs.min(first + LANES) {
                    for block in group {
                        let mut weights = Block::ZERO;
                        for (lane, output) in weights.0.iter_mut().zip(block * LANES..outputs) {
                            *lane = weight(output, input, tap);
                        }
                        packed.push(weights);
                    }
                }
            }
        }
    }
    packed
}

/// The kernels of a 3x3 convolution at the points of Winograd, with output blocks in groups of `group`: shape
/// [point, output group, input channel, block in group, 16].
#[inline(never)]
pub(super) fn winograd_weights(conv: &Conv, group: usize) -> Vec<Block> {
    let (inputs, blocks) = (conv.inputs(), conv.outputs().div_ceil(LANES));
    let mut packed = vec![Block::ZERO; PRODUCTS * blocks * inputs];
    for block in 0..blocks {
        let (first, within) = (block / group * group, block % group);
        let in_group = (blocks - first).min(group);
        for input in 0..inputs {
            let at = first * inputs + input * in_group + within;
            let points = compiled(WinogradWeights { conv, block, input });
            for (weights, point) in packed.chunks_exact_mut(blocks * inputs).zip(points) {
                weights[at] = Block(point);
            }
        }
    }
    packed
}

/// The kernels from an input channel to a block of output channels.
struct WinogradWeights<'a> {
    conv: &'a Conv,
    block: usize,
    input: usize,
}

impl Work for WinogradWeights<'_> {
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
