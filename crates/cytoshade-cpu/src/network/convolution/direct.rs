//! A convolution as the plain sum of products: vectors of 16 output channels, a few pixels of a row in registers
//! ([`super::microkernel`]).

use super::accumulate::Accumulate;
use super::band::Band;
use super::microkernel::Microkernel;
use super::product::Product;
use super::segments::segments;
use crate::network::feature_map::FeatureMap;
use crate::simd::{Block, LANES, Lanes, Work};

/// Blocks in the buffer of a band (384 KiB), unless two rows of the source need more.
const BAND_LEN: usize = 384 * 1024 / size_of::<Block>();

/// Most rows of the source whose band, with the rows around it, stays in cache; at least 2.
pub(super) fn cached_rows(band: &Band<'_>) -> usize {
    (BAND_LEN / band.row_len()).saturating_sub(2 * band.pad).max(2)
}

/// A convolution's products, and the values to which they are added.
pub(super) struct Direct<'a> {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// One for each output pixel that a source pixel becomes; or one for all of them, if nothing is added.
    pub(super) products: &'a [Product],
    pub(super) factor: usize,
    pub(super) bias: &'a [Block],
    pub(super) added: Accumulate<FeatureMap<&'a [Block]>>,
}

/// The rows that a product reads: shape [row, block, pixel, 16].
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    /// The rows, from `kernel / 2` rows above the first source row on.
    pub(super) data: &'a [Block],
    /// Distance from a pixel to the same one in the next row.
    pub(super) row_len: usize,
    /// Distance from a pixel to the same one in the next block.
    pub(super) block_stride: usize,
    /// Pixels of a source row, without padding.
    pub(super) width: usize,
}

impl Direct<'_> {
    /// Computes the output rows of the source rows from row `first` on, as many as `target` holds.
    #[inline(never)]
    pub(super) fn multiply<L: Lanes>(&self, lanes: L, rows: Rows<'_>, first: usize, target: &mut [Block]) {
        let Self { inputs, outputs, products, factor, bias, added } = *self;
        let width = factor * rows.width;
        let row_len = bias.len() * width;
        for product in products {
            let (taps, count) = product.taps(rows.row_len);
            let taps = &taps[..count];
            let weights = product.weights.chunks(inputs * taps.len() * L::GROUP);
            // One group after another, so that the group's weights stay in L2 for all rows of the band.
            for ((group, weights), bias) in weights.enumerate().zip(bias.chunks(L::GROUP)) {
                let columns = group * L::GROUP * width..(group * L::GROUP + bias.len()) * width;
                let targets = target.chunks_exact_mut(row_len).skip(product.phase.0).step_by(factor);
                for (y, target) in targets.enumerate() {
                    let target = &mut target[columns.clone()];
                    let y_target = factor * (first + y) + product.phase.0;
                    let added = added.map(|map| &map.row(y_target)[columns.clone()]);
                    let row = Row {
                        width: rows.width,
                        kernel: Microkernel {
                            rows: &rows.data[y * rows.row_len..],
                            block_stride: rows.block_stride,
                            taps,
                            inputs,
                            weights,
                            bias,
                            added: added.map(|residual| &residual[product.phase.1..]),
                            target: &mut target[product.phase.1..],
                            pixel_stride: factor,
                            width,
                        },
                    };
                    lanes.narrow(outputs - group * L::GROUP * LANES, row);
                }
            }
        }
        if self.products.len() < factor * factor {
            repeat(target, row_len, width);
        }
    }
}

/// An output row, for a group of output blocks.
struct Row<'a> {
    /// Pixels of the row.
    width: usize,
    /// The kernel at the first pixel.
    kernel: Microkernel<'a>,
}

impl Work for Row<'_> {
    type Output = ();

    fn run<L: Lanes>(mut self, lanes: L) {
        for (x, pixels) in segments(self.width, L::PIXELS) {
            self.kernel.at(x).run(lanes, pixels);
        }
    }
}

/// Copies the output pixel that was computed for each source pixel to the other three of its 2 x 2 block.
fn repeat(target: &mut [Block], row_len: usize, width: usize) {
    for rows in target.chunks_exact_mut(2 * row_len) {
        let (above, below) = rows.split_at_mut(row_len);
        for row in above.chunks_exact_mut(width) {
            for [computed, other] in row.as_chunks_mut::<2>().0 {
                *other = *computed;
            }
        }
        below.copy_from_slice(above);
    }
}
