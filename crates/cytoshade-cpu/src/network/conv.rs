//! BatchNorm, ReLU and a convolution with zero padding (the reference's `batchconv`, `batchconv0`, `batchconvstyle`).
//!
//! A direct convolution. Its rows are cut into bands. For each band the source rows that it meets are loaded once
//! into a small buffer that stays in the core's L2 cache, already normalised, clipped and padded with zeros
//! ([`super::source`]); from there the product is taken, 16 output channels a vector ([`super::segment`]).

use std::cell::RefCell;

use rayon::prelude::*;

use super::map::Map;
use super::segment::Segment;
use super::source::{Norm, Source};
use super::weights::Product;
use crate::simd::{AnyLanes, Block, Lanes, Work};

/// Blocks in the buffer of a band (384 KiB), unless the fewest rows need more.
const BAND_LEN: usize = 384 * 1024 / size_of::<Block>();
/// Bands for each thread, so that a thread that is late holds up the others for a small part only.
const BANDS_PER_THREAD: usize = 4;

thread_local! {
    /// The loaded band. Kept between bands: a fresh one would cost more page faults than the load costs time.
    static BAND: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// A convolution with its weights in the order in which an instruction set reads them.
#[derive(Debug)]
pub(super) struct Conv {
    inputs: usize,
    kernel: usize,
    relu: bool,
    /// How often the source is repeated on each axis: 2 where it is upsampled, else 1.
    factor: usize,
    /// Factor on each input channel.
    scale: Vec<Block>,
    /// Offset of each input channel.
    shift: Vec<Block>,
    /// One for each output pixel that a source pixel becomes.
    products: Vec<Product>,
    /// Offset of each output channel.
    bias: Vec<Block>,
}

impl Conv {
    pub(super) fn new(conv: &cytoshade_core::Conv, upsample: bool, lanes: AnyLanes) -> Self {
        let factor = if upsample { 2 } else { 1 };
        Self {
            inputs: conv.inputs(),
            kernel: conv.kernel(),
            relu: conv.relu(),
            factor,
            scale: Block::pad(conv.scale()),
            shift: Block::pad(conv.shift()),
            products: Product::all(conv, factor, lanes.group()),
            bias: Block::pad(conv.bias()),
        }
    }

    /// `target = residual + bias + weights * relu(scale * source + shift)`.
    pub(super) fn run(
        &self,
        lanes: AnyLanes,
        source: Source<'_>,
        residual: Option<Map<&[Block]>>,
        target: Map<&mut [Block]>,
    ) {
        lanes.run(Run { conv: self, source, residual, target });
    }
}

/// One run of a convolution.
struct Run<'a> {
    conv: &'a Conv,
    source: Source<'a>,
    residual: Option<Map<&'a [Block]>>,
    target: Map<&'a mut [Block]>,
}

impl Work for Run<'_> {
    type Output = ();

    fn run<L: Lanes>(self, lanes: L) {
        let Self { conv, source, residual, target } = self;
        let layout = Layout::new(conv, source.map.width);
        let rows = layout.rows_per_band(source.map.height, rayon::current_num_threads());
        // What one source row becomes.
        let target_len = conv.factor * target.row_len();
        target.data.par_chunks_mut(rows * target_len).enumerate().for_each(|(band, target)| {
            let first = band * rows;
            BAND.with_borrow_mut(|buffer| {
                let len = layout.row_len * (target.len() / target_len + conv.kernel - 1);
                if buffer.len() < len {
                    buffer.resize(len, Block::ZERO);
                }
                let buffer = &mut buffer[..len];
                layout.load(lanes, &source, first, buffer);
                layout.multiply(lanes, buffer, residual, first, target);
            });
        });
    }
}

/// How a loaded band lies in its buffer: shape [row, block, pixel, 16], with `kernel / 2` zeros around the plane.
struct Layout<'a> {
    conv: &'a Conv,
    /// Pixels of a row of the source.
    width: usize,
    /// Pixels of a row of the buffer.
    padded: usize,
    /// Blocks in a row of the buffer.
    row_len: usize,
}

impl<'a> Layout<'a> {
    fn new(conv: &'a Conv, width: usize) -> Self {
        let padded = width + conv.kernel - 1;
        Self { conv, width, padded, row_len: conv.scale.len() * padded }
    }

    /// Source rows in a band of a plane of `height` rows.
    fn rows_per_band(&self, height: usize, threads: usize) -> usize {
        let cached = (BAND_LEN / self.row_len).saturating_sub(self.conv.kernel - 1).max(2);
        let balanced = height.div_ceil(BANDS_PER_THREAD * threads).max(2);
        // Bands of equal height rather than a small one at the end.
        let bands = height.div_ceil(cached.min(balanced));
        height.div_ceil(bands)
    }

    /// Loads the rows that a band beginning at source row `first` meets.
    fn load<L: Lanes>(&self, lanes: L, source: &Source<'_>, first: usize, buffer: &mut [Block]) {
        let Conv { kernel, scale, shift, relu, .. } = self.conv;
        let pad = kernel / 2;
        for (row, at) in buffer.chunks_exact_mut(self.row_len).zip(first..) {
            // `at` counts the zeros above the plane.
            let Some(y) = at.checked_sub(pad).filter(|&y| y < source.map.height) else {
                row.fill(Block::ZERO);
                continue;
            };
            for (block, target) in row.chunks_exact_mut(self.padded).enumerate() {
                target[..pad].fill(Block::ZERO);
                target[pad + self.width..].fill(Block::ZERO);
                let norm = Norm { scale: &scale[block], shift: &shift[block], relu: *relu };
                lanes.run(source.load(y, block, norm, &mut target[pad..][..self.width]));
            }
        }
    }

    /// Computes the output rows from the loaded band.
    fn multiply<L: Lanes>(
        &self,
        lanes: L,
        buffer: &[Block],
        residual: Option<Map<&[Block]>>,
        first: usize,
        target: &mut [Block],
    ) {
        let Conv { inputs, factor, products, bias, .. } = self.conv;
        let width = factor * self.width;
        for product in products {
            let taps: Vec<usize> = product.taps.iter().map(|&(y, x)| y * self.row_len + x).collect();
            let weights = product.weights.chunks(inputs * taps.len() * L::GROUP);
            // One group's weights after another: they stay in L2 for all rows of the band.
            for ((group, weights), bias) in weights.enumerate().zip(bias.chunks(L::GROUP)) {
                let columns = group * L::GROUP * width..(group * L::GROUP + bias.len()) * width;
                let rows = target.chunks_exact_mut(self.conv.bias.len() * width).skip(product.phase.0).step_by(*factor);
                for (y, target) in rows.enumerate() {
                    let target = &mut target[columns.clone()];
                    let y_target = factor * (first + y) + product.phase.0;
                    let residual = residual.map(|map| &map.row(y_target)[columns.clone()]);
                    for (x, pixels) in segments(self.width, L::PIXELS) {
                        let x_target = factor * x + product.phase.1;
                        let segment = Segment {
                            band: &buffer[y * self.row_len + x..],
                            block_stride: self.padded,
                            taps: &taps,
                            inputs: *inputs,
                            weights,
                            bias,
                            residual: residual.map(|residual| &residual[x_target..]),
                            target: &mut target[x_target..],
                            pixel_stride: *factor,
                            width,
                        };
                        segment.run(lanes, bias.len(), pixels);
                    }
                }
            }
        }
    }
}

/// Cuts a row into as few pieces of at most `most` pixels as can be, of nearly equal length: (start, length) of each.
fn segments(width: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = width.div_ceil(most);
    (0..count).map(move |i| (i * width / count, (i + 1) * width / count - i * width / count))
}
