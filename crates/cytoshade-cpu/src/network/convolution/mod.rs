//! Prologue, convolution with zero padding, and epilogue (the reference's `batchconv`, `batchconv0`, `batchconvstyle`).
//!
//! The output's rows are cut into bands, one rayon task each. Each band's source rows are loaded once ([`band`]), and
//! the product is computed from them, as a plain sum ([`direct`]) or by Winograd ([`winograd`]). A shortcut is written
//! into the output's rows first ([`shortcut`]).

mod accumulate;
mod band;
mod direct;
mod input;
mod microkernel;
mod product;
mod segments;
mod shortcut;
#[cfg(test)]
mod tests;
mod winograd;

use std::cell::RefCell;

use crate::parallel::*;

use self::accumulate::Accumulate;
use self::band::{Band, rows_per_band};
use self::direct::{Direct, Rows, cached_rows};
pub(super) use self::input::ConvInput;
use self::product::Product;
use self::shortcut::Shortcut;
use self::winograd::{SIDE, Winograd};
use super::feature_map::{FeatureMap, sized};
use crate::simd::{AnyLanes, Block, HALF, Lanes, Work};

thread_local! {
    /// A thread's memory for a band. It stays allocated between bands: page faults of fresh memory take longer than the
    /// work.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Debug, Default)]
struct Scratch {
    /// The loaded band.
    band: Vec<Block>,
    winograd: winograd::Scratch,
}

/// A convolution with its weights in the order in which an instruction set reads them.
#[derive(Debug)]
pub(super) struct Conv {
    inputs: usize,
    outputs: usize,
    kernel: usize,
    /// Times the source is repeated on each axis: 2 if it is upsampled, else 1.
    factor: usize,
    /// Factor on each input channel.
    scale: Vec<Block>,
    /// Offset of each input channel.
    shift: Vec<Block>,
    /// Lower bound of the input after scale and shift: 0 for a ReLU, negative infinity for none.
    lowest: f32,
    method: Method,
    /// Offset of each output channel.
    bias: Vec<Block>,
    shortcut: Option<Shortcut>,
}

/// The method by which the product is computed.
#[derive(Debug)]
enum Method {
    /// One product for each output pixel that a source pixel becomes.
    Direct(Vec<Product>),
    /// The kernels at the points: [point, output group, input channel, block in group, 16].
    Winograd(Vec<Block>),
}

impl Conv {
    /// The convolution `operation` with its weights.
    #[inline(never)]
    pub(super) fn new(
        operation: &cytoshade_core::Convolution,
        weights: &cytoshade_core::Weights,
        lanes: AnyLanes,
    ) -> Self {
        let conv = &weights[operation.weights];
        let shortcut =
            operation.shortcut.map(|shortcut| Shortcut::new(&weights[shortcut.weights], shortcut.upsample, lanes));
        Self::with_shortcut(conv, operation.upsample, shortcut, lanes)
    }

    fn with_shortcut(conv: &cytoshade_core::Conv, upsample: bool, shortcut: Option<Shortcut>, lanes: AnyLanes) -> Self {
        let factor = if upsample { 2 } else { 1 };
        // With fewer input channels the transforms cost more than the products that they save.
        let method = if conv.kernel() == 3 && conv.inputs() >= HALF {
            Method::Winograd(winograd::weights(conv, lanes.group()))
        } else {
            Method::Direct(Product::phases(conv, factor, lanes.group()))
        };
        Self {
            inputs: conv.inputs(),
            outputs: conv.outputs(),
            kernel: conv.kernel(),
            factor,
            scale: Block::pad(conv.scale()),
            shift: Block::pad(conv.shift()),
            lowest: if conv.relu() { 0.0 } else { f32::NEG_INFINITY },
            method,
            bias: Block::pad(conv.bias()),
            shortcut,
        }
    }

    /// `target = residual + shortcut + bias + weights * max(lowest, scale * source + shift)`.
    pub(super) fn run(&self, lanes: AnyLanes, reads: Reads<'_>, target: FeatureMap<&mut [Block]>) {
        lanes.run(Run { conv: self, reads, target });
    }

    /// Writes the shortcut into the rows of `target`, from row `first` of the map on.
    fn write_shortcut<L: Lanes>(&self, lanes: L, reads: &Reads<'_>, first: usize, target: &mut [Block]) {
        if let (Some(shortcut), Some(source)) = (&self.shortcut, reads.shortcut) {
            shortcut.run(lanes, source, first, target);
        }
    }

    fn band<'a>(&'a self, source: ConvInput<'a>, repeat: usize, width: usize) -> Band<'a> {
        let &Self { ref scale, ref shift, lowest, kernel, .. } = self;
        Band { source, scale, shift, lowest, repeat, pad: kernel / 2, padded: width + kernel - 1 }
    }
}

/// The maps that a convolution reads.
pub(super) struct Reads<'a> {
    pub(super) source: ConvInput<'a>,
    /// Added to the result; not together with a shortcut.
    pub(super) residual: Option<FeatureMap<&'a [Block]>>,
    /// The source of the shortcut.
    pub(super) shortcut: Option<FeatureMap<&'a [Block]>>,
}

impl<'a> Reads<'a> {
    fn added(&self) -> Accumulate<FeatureMap<&'a [Block]>> {
        match (self.shortcut, self.residual) {
            (Some(_), _) => Accumulate::Target,
            (None, Some(residual)) => Accumulate::Residual(residual),
            (None, None) => Accumulate::Nothing,
        }
    }
}

/// One run of a convolution.
struct Run<'a> {
    conv: &'a Conv,
    reads: Reads<'a>,
    target: FeatureMap<&'a mut [Block]>,
}

impl Work for Run<'_> {
    type Output = ();

    fn run<L: Lanes>(self, lanes: L) {
        match &self.conv.method {
            Method::Direct(products) => self.direct(lanes, products),
            Method::Winograd(weights) => self.winograd(lanes, weights),
        }
    }
}

impl Run<'_> {
    #[inline(never)]
    fn direct<L: Lanes>(self, lanes: L, products: &[Product]) {
        let Self { conv, reads, target } = self;
        let Conv { inputs, outputs, kernel, factor, bias, .. } = conv;
        let band = conv.band(reads.source, 1, reads.source.map.width);
        let rows = rows_per_band(band.source.map.height, cached_rows(&band), current_num_threads());
        // A band never separates the rows that an upsampled shortcut repeats.
        let rows = rows.next_multiple_of(conv.shortcut.as_ref().map_or(1, |shortcut| shortcut.factor));
        let direct =
            Direct { inputs: *inputs, outputs: *outputs, products, factor: *factor, bias, added: reads.added() };
        // The output of one source row.
        let row_len = factor * target.row_len();
        target.data.par_chunks_mut(rows * row_len).enumerate().for_each(|(at, target)| {
            let first = at * rows;
            conv.write_shortcut(lanes, &reads, first, target);
            SCRATCH.with_borrow_mut(|scratch| {
                let buffer = sized(&mut scratch.band, band.row_len() * (target.len() / row_len + kernel - 1));
                band.load(lanes, first, buffer);
                let (row_len, width) = (band.row_len(), band.source.map.width);
                direct.multiply(lanes, Rows { data: buffer, row_len, block_stride: band.padded, width }, first, target);
            });
        });
    }

    #[inline(never)]
    fn winograd<L: Lanes>(self, lanes: L, weights: &[Block]) {
        let Self { conv, reads, target } = self;
        let Conv { inputs, outputs, factor, bias, .. } = conv;
        let (height, width, row_len) = (target.height, target.width, target.row_len());
        let in_row = width.div_ceil(SIDE);
        let band = conv.band(reads.source, *factor, in_row * SIDE);
        let patches = winograd::patches(conv.scale.len(), bias.len());
        let most = (patches / in_row).max(1);
        let patch_rows = rows_per_band(height.div_ceil(SIDE), most, current_num_threads());
        let rows = SIDE * patch_rows;
        let winograd =
            Winograd { inputs: *inputs, outputs: *outputs, weights, bias, added: reads.added(), width, patches };
        target.data.par_chunks_mut(rows * row_len).enumerate().for_each(|(at, target)| {
            let first = at * rows;
            conv.write_shortcut(lanes, &reads, first, target);
            let loaded = (target.len() / row_len).next_multiple_of(SIDE) + 2;
            SCRATCH.with_borrow_mut(|scratch| {
                let buffer = sized(&mut scratch.band, band.row_len() * loaded);
                band.load(lanes, first, buffer);
                winograd.multiply(lanes, &band, buffer, &mut scratch.winograd, first, target);
            });
        });
    }
}
