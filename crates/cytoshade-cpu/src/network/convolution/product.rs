//! The weights of a convolution in the order in which the plain sum reads them.

use std::collections::BTreeMap;

use cytoshade_core::Conv;

use crate::simd::{Block, LANES};

/// Taps of the largest kernel.
const MAX_TAPS: usize = 9;

/// The taps and weights for an output pixel.
///
/// If the source is upsampled, several taps of a kernel read the same source pixel. Their weights are added up
/// beforehand, which leaves 2 x 2 taps of 3 x 3, different ones for each of the four output pixels that a source pixel
/// becomes. So the upsampled source is never computed.
#[derive(Debug)]
pub(super) struct Product {
    /// The output pixel, of those that a source pixel becomes: (row, column), each below the factor of repetition.
    pub(super) phase: (usize, usize),
    /// The source pixels that it reads: (row, column), relative to the pixel `kernel / 2` rows and columns before the
    /// source pixel.
    taps: Vec<(usize, usize)>,
    /// Shape [output group, input block, tap, input channel, block in group, 16].
    pub(super) weights: Vec<Block>,
}

impl Product {
    /// One product for each of the output pixels that a source pixel, repeated `factor` times on each axis, becomes. Output
    /// blocks lie in groups of `group`.
    pub(super) fn phases(conv: &Conv, factor: usize, group: usize) -> Vec<Product> {
        let phases = (0..factor).flat_map(|y| (0..factor).map(move |x| (y, x)));
        phases.map(|phase| Self::new(conv, factor, phase, group)).collect()
    }

    fn new(conv: &Conv, factor: usize, phase: (usize, usize), group: usize) -> Self {
        let kernel = conv.kernel();
        // The source row that kernel row `k` reads, counted with the zeros around the source; likewise the column.
        let meets = |phase: usize, k: usize| (phase + k + (factor - 1) * (kernel / 2)) / factor;
        // Each tap with the kernel's positions that read it; in order, so that rows are read one after another.
        let mut met: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for k in 0..kernel * kernel {
            met.entry((meets(phase.0, k / kernel), meets(phase.1, k % kernel))).or_default().push(k);
        }
        let weights = pack(conv, group, met.values().map(Vec::as_slice), |_| 1.0);
        Self { phase, taps: met.into_keys().collect(), weights }
    }

    /// The product of a 1x1 convolution without ReLU, with the factors of its prologue as part of the weights. Its
    /// result is the same for all output pixels of a source pixel.
    pub(super) fn scaled_point(conv: &Conv, group: usize) -> Product {
        let weights = pack(conv, group, std::iter::once(&[0][..]), |input| f64::from(conv.scale()[input]));
        Self { phase: (0, 0), taps: vec![(0, 0)], weights }
    }

    /// The distance in the buffer to the pixel that each tap reads, relative to the pixel `kernel / 2` rows and columns
    /// before the source pixel; and the number of taps.
    pub(super) fn taps(&self, row_len: usize) -> ([usize; MAX_TAPS], usize) {
        let mut taps = [0; MAX_TAPS];
        for (at, &(y, x)) in taps.iter_mut().zip(&self.taps) {
            *at = y * row_len + x;
        }
        (taps, self.taps.len())
    }
}

/// Each tap's weights, summed over the positions of the kernel that read it and multiplied by the factor of the input.
#[inline(never)]
fn pack<'a>(
    conv: &Conv,
    group: usize,
    taps: impl Iterator<Item = &'a [usize]> + Clone,
    factor: impl Fn(usize) -> f64,
) -> Vec<Block> {
    let (inputs, outputs, size) = (conv.inputs(), conv.outputs(), conv.kernel() * conv.kernel());
    let weight = |output: usize, input: usize, tap: &[usize]| {
        let kernel = &conv.weight()[(output * inputs + input) * size..][..size];
        (factor(input) * tap.iter().map(|&k| f64::from(kernel[k])).sum::<f64>()) as f32
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
