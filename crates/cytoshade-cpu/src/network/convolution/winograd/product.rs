//! Winograd's products: at each point, the sums over the input channels.

use crate::network::convolution::segments::segments;
use crate::simd::{Block, LANES, Lanes, Work};

/// Input blocks that are summed by themselves: short sums round less than a long one.
const SUM_BLOCKS: usize = 4;

/// The sums over all input channels at one point, for all patches and a group of output blocks.
pub(super) struct Group<'a> {
    /// Shape [input block, patch, 16].
    pub(super) points: &'a [Block],
    pub(super) patches: usize,
    /// Shape [input channel, block in group, 16].
    pub(super) weights: &'a [Block],
    /// Shape [block in group, patch, 16].
    pub(super) sums: &'a mut [Block],
}

impl Work for Group<'_> {
    type Output = ();

    fn run<L: Lanes>(self, lanes: L) {
        let Self { points, patches, weights, sums } = self;
        let group = sums.len() / patches;
        for (patch, count) in segments(patches, L::PIXELS) {
            let product = Product { points: &points[patch..], patches, weights, sums: &mut sums[patch..] };
            product.run(lanes, group, count);
        }
    }
}

/// The sums of a run of patches.
struct Product<'a> {
    /// Shape [input block, patch, 16], from the first patch on.
    points: &'a [Block],
    /// Distance from an input block, or an output block, to the next.
    patches: usize,
    /// Shape [input channel, block in group, 16].
    weights: &'a [Block],
    sums: &'a mut [Block],
}

impl Product<'_> {
    fn run<L: Lanes>(self, lanes: L, group: usize, patches: usize) {
        if L::GROUP > 1 && group > 1 {
            self.run_group::<L, 2>(lanes, patches);
        } else {
            self.run_group::<L, 1>(lanes, patches);
        }
    }

    fn run_group<L: Lanes, const V: usize>(self, lanes: L, patches: usize) {
        macro_rules! sized {
            ($($p:literal)*) => {
                match patches {
                    $($p if L::PIXELS >= $p => lanes.run(Fixed::<V, $p>(self)),)*
                    _ => unreachable!("segments have at most Lanes::PIXELS patches"),
                }
            };
        }
        sized!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }
}

/// A product of constant size, so that the compiler keeps its sums in registers.
struct Fixed<'a, const V: usize, const T: usize>(Product<'a>);

impl<const V: usize, const T: usize> Work for Fixed<'_, V, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Product { points, patches, weights, sums } = self.0;
        let (weights, _) = weights.as_chunks::<V>();
        for (part, weights) in weights.chunks(SUM_BLOCKS * LANES).enumerate() {
            let mut sum = [[lanes.splat(0.0); V]; T];
            for (block, weights) in weights.chunks(LANES).enumerate() {
                let pixels = &points[(part * SUM_BLOCKS + block) * patches..][..T];
                for (channel, of_channel) in weights.iter().enumerate() {
                    let mut weight = [lanes.splat(0.0); V];
                    for v in 0..V {
                        weight[v] = lanes.load(&of_channel[v]);
                    }
                    for t in 0..T {
                        let value = lanes.splat(pixels[t].0[channel % LANES]);
                        for v in 0..V {
                            sum[t][v] = lanes.mul_add(weight[v], value, sum[t][v]);
                        }
                    }
                }
            }
            for v in 0..V {
                let sums = &mut sums[v * patches..][..T];
                for t in 0..T {
                    let before = if part == 0 { lanes.splat(0.0) } else { lanes.load(&sums[t]) };
                    lanes.store(lanes.add(before, sum[t][v]), &mut sums[t]);
                }
            }
        }
    }
}
