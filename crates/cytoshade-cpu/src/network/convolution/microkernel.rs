//! The innermost product of a convolution: up to [`Lanes::PIXELS`] pixels of a row, in registers.

use super::accumulate::Accumulate;
use crate::simd::{Block, LANES, Lanes, Work};

/// A run of neighbouring pixels of one output row, for a group of `V` output blocks.
pub(super) struct Microkernel<'a> {
    /// The loaded rows, from the pixel to which `taps` are relative for the first output pixel.
    pub(super) rows: &'a [Block],
    /// Distance from a pixel in the rows to the same pixel in the next input block.
    pub(super) block_stride: usize,
    /// Distance in `rows` from that pixel to the pixel that each tap reads.
    pub(super) taps: &'a [usize],
    /// Input channels.
    pub(super) inputs: usize,
    /// Weights of the group, shape [input block, tap, input channel, V, 16].
    pub(super) weights: &'a [Block],
    /// Offsets of the group's outputs, shape [V, 16].
    pub(super) bias: &'a [Block],
    /// Initial values; a residual is laid out as `target`, from the first output pixel on.
    pub(super) added: Accumulate<&'a [Block]>,
    /// The row to write, from the first output pixel on; output blocks lie `width` apart.
    pub(super) target: &'a mut [Block],
    /// Distance from a pixel to the next in `target` and the residual.
    pub(super) pixel_stride: usize,
    pub(super) width: usize,
}

impl Microkernel<'_> {
    /// The run of pixels of the same row that begins `x` pixels later.
    pub(super) fn at(&mut self, x: usize) -> Microkernel<'_> {
        let x_target = x * self.pixel_stride;
        Microkernel {
            rows: &self.rows[x..],
            added: self.added.map(|residual| &residual[x_target..]),
            target: &mut self.target[x_target..],
            ..*self
        }
    }

    /// Computes `pixels` pixels, at most [`Lanes::PIXELS`].
    pub(super) fn run<L: Lanes>(self, lanes: L, pixels: usize) {
        if L::GROUP > 1 && self.bias.len() > 1 {
            self.run_group::<L, 2>(lanes, pixels);
        } else {
            self.run_group::<L, 1>(lanes, pixels);
        }
    }

    fn run_group<L: Lanes, const V: usize>(self, lanes: L, pixels: usize) {
        macro_rules! sized {
            ($($p:literal)*) => {
                match pixels {
                    $($p if L::PIXELS >= $p => lanes.run(Fixed::<V, $p>(self)),)*
                    _ => unreachable!("segments have at most Lanes::PIXELS pixels"),
                }
            };
        }
        sized!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }
}

/// A run of `P` pixels, a constant, so that the compiler keeps its sums in registers.
struct Fixed<'a, const V: usize, const P: usize>(Microkernel<'a>);

impl<const V: usize, const P: usize> Work for Fixed<'_, V, P> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Microkernel { rows, block_stride, taps, inputs, weights, bias, added, target, pixel_stride, width } =
            self.0;
        let mut total = [[lanes.splat(0.0); V]; P];
        for total in &mut total {
            for v in 0..V {
                total[v] = lanes.load(&bias[v]);
            }
        }
        let before = match added {
            Accumulate::Nothing => None,
            Accumulate::Residual(residual) => Some(residual),
            Accumulate::Target => Some(&*target),
        };
        if let Some(before) = before {
            for (p, total) in total.iter_mut().enumerate() {
                for v in 0..V {
                    total[v] = lanes.add(total[v], lanes.load(&before[v * width + p * pixel_stride]));
                }
            }
        }
        let (mut weights, _) = weights.as_chunks::<V>();
        for block in 0..inputs.div_ceil(LANES) {
            let channels = (inputs - block * LANES).min(LANES);
            // Each input block is summed by itself first: two short sums round less than a long one.
            let mut sum = [[lanes.splat(0.0); V]; P];
            for &tap in taps {
                let pixels = &rows[block * block_stride + tap..][..P];
                let (of_tap, rest) = weights.split_at(channels);
                weights = rest;
                for (channel, of_channel) in of_tap.iter().enumerate() {
                    let mut weight = [lanes.splat(0.0); V];
                    for v in 0..V {
                        weight[v] = lanes.load(&of_channel[v]);
                    }
                    for p in 0..P {
                        let value = lanes.splat(pixels[p].0[channel % LANES]);
                        for v in 0..V {
                            sum[p][v] = lanes.mul_add(weight[v], value, sum[p][v]);
                        }
                    }
                }
            }
            for p in 0..P {
                for v in 0..V {
                    total[p][v] = lanes.add(total[p][v], sum[p][v]);
                }
            }
        }
        for p in 0..P {
            for v in 0..V {
                lanes.store(total[p][v], &mut target[v * width + p * pixel_stride]);
            }
        }
    }
}
