//! BatchNorm, ReLU and a convolution with zero padding (the reference's `batchconv`, `batchconv0`, `batchconvstyle`).
//!
//! The output's rows are cut into bands, one rayon task each. For each band the source rows that it meets are loaded
//! once ([`super::band`]); from there the product is taken, plainly ([`super::direct`]) or by minimal filtering
//! ([`super::winograd`]). Where a block's `proj` is added, it is written into the band first ([`super::proj`]).

use std::cell::RefCell;

use crate::parallel::*;

use super::added::Added;
use super::band::{Band, rows_per_band};
use super::direct::{Direct, Rows, cached_rows};
use super::map::{Map, sized};
use super::proj::Proj;
use super::source::Source;
use super::weights::{self, Product};
use super::winograd::{self, SIDE, Winograd};
use crate::simd::{AnyLanes, Block, LANES, Lanes, Work};

thread_local! {
    /// What a thread needs for a band. Kept between bands: fresh memory would cost more page faults than the work costs
    /// time.
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
    kernel: usize,
    /// How often the source is repeated on each axis: 2 where it is upsampled, else 1.
    factor: usize,
    /// Factor on each input channel.
    scale: Vec<Block>,
    /// Offset of each input channel.
    shift: Vec<Block>,
    method: Method,
    /// Offset of each output channel.
    bias: Vec<Block>,
    /// What is added to the result.
    proj: Option<Proj>,
}

/// How the product is taken.
#[derive(Debug)]
enum Method {
    /// One product for each output pixel that a source pixel becomes, or one for all of them.
    Direct(Vec<Product>),
    /// The kernels at the points: [point, output group, input channel, block in group, 16].
    Winograd(Vec<Block>),
}

impl Conv {
    pub(super) fn new(conv: &cytoshade_core::Conv, upsample: bool, proj: Option<Proj>, lanes: AnyLanes) -> Self {
        let factor = if upsample { 2 } else { 1 };
        // With fewer input channels the transforms cost more than the products that they spare.
        let method = if conv.kernel() == 3 && conv.inputs() >= LANES {
            Method::Winograd(weights::at_points(conv, lanes.group()))
        } else {
            Method::Direct(Product::all(conv, factor, lanes.group()))
        };
        Self {
            inputs: conv.inputs(),
            kernel: conv.kernel(),
            factor,
            scale: Block::pad(conv.scale()),
            shift: Block::pad(conv.shift()),
            method,
            bias: Block::pad(conv.bias()),
            proj,
        }
    }

    /// `target = residual + proj(projected) + bias + weights * relu(scale * source + shift)`.
    pub(super) fn run(&self, lanes: AnyLanes, reads: Reads<'_>, target: Map<&mut [Block]>) {
        lanes.run(Run { conv: self, reads, target });
    }

    /// Writes what `proj` gives for the rows of `target`, from row `first` of the plane on.
    fn project<L: Lanes>(&self, lanes: L, reads: &Reads<'_>, first: usize, target: &mut [Block]) {
        if let (Some(proj), Some(source)) = (&self.proj, reads.projected) {
            proj.run(lanes, source, first, target);
        }
    }

    fn band<'a>(&'a self, source: Source<'a>, repeat: usize, width: usize) -> Band<'a> {
        let Self { scale, shift, kernel, .. } = self;
        Band { source, scale, shift, repeat, pad: kernel / 2, padded: width + kernel - 1 }
    }
}

/// What a convolution reads.
pub(super) struct Reads<'a> {
    pub(super) source: Source<'a>,
    /// Added to the result; not where there is something `projected`.
    pub(super) residual: Option<Map<&'a [Block]>>,
    /// The source of `proj`.
    pub(super) projected: Option<Map<&'a [Block]>>,
}

impl<'a> Reads<'a> {
    fn added(&self) -> Added<Map<&'a [Block]>> {
        match (self.projected, self.residual) {
            (Some(_), _) => Added::Target,
            (None, Some(residual)) => Added::Residual(residual),
            (None, None) => Added::Nothing,
        }
    }
}

/// One run of a convolution.
struct Run<'a> {
    conv: &'a Conv,
    reads: Reads<'a>,
    target: Map<&'a mut [Block]>,
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
    fn direct<L: Lanes>(self, lanes: L, products: &[Product]) {
        let Self { conv, reads, target } = self;
        let Conv { inputs, kernel, factor, bias, .. } = conv;
        let band = conv.band(reads.source, 1, reads.source.map.width);
        let rows = rows_per_band(band.source.map.height, cached_rows(&band), current_num_threads());
        // What `proj` repeats is not cut apart.
        let rows = rows.next_multiple_of(conv.proj.as_ref().map_or(1, |proj| proj.factor));
        let direct = Direct { inputs: *inputs, products, factor: *factor, bias, added: reads.added() };
        // What one source row becomes.
        let row_len = factor * target.row_len();
        target.data.par_chunks_mut(rows * row_len).enumerate().for_each(|(at, target)| {
            let first = at * rows;
            conv.project(lanes, &reads, first, target);
            SCRATCH.with_borrow_mut(|scratch| {
                let buffer = sized(&mut scratch.band, band.row_len() * (target.len() / row_len + kernel - 1));
                band.load(lanes, first, buffer);
                let (row_len, width) = (band.row_len(), band.source.map.width);
                direct.multiply(lanes, Rows { data: buffer, row_len, block_stride: band.padded, width }, first, target);
            });
        });
    }

    fn winograd<L: Lanes>(self, lanes: L, weights: &[Block]) {
        let Self { conv, reads, target } = self;
        let Conv { inputs, factor, bias, .. } = conv;
        let (height, width, row_len) = (target.height, target.width, target.row_len());
        let in_row = width.div_ceil(SIDE);
        let band = conv.band(reads.source, *factor, in_row * SIDE);
        let tiles = winograd::tiles(conv.scale.len(), bias.len());
        let most = (tiles / in_row).max(1);
        let tile_rows = rows_per_band(height.div_ceil(SIDE), most, current_num_threads());
        let rows = SIDE * tile_rows;
        let winograd = Winograd { inputs: *inputs, weights, bias, added: reads.added(), width, tiles };
        target.data.par_chunks_mut(rows * row_len).enumerate().for_each(|(at, target)| {
            let first = at * rows;
            conv.project(lanes, &reads, first, target);
            let loaded = (target.len() / row_len).next_multiple_of(SIDE) + 2;
            SCRATCH.with_borrow_mut(|scratch| {
                let buffer = sized(&mut scratch.band, band.row_len() * loaded);
                band.load(lanes, first, buffer);
                winograd.multiply(lanes, &band, buffer, &mut scratch.winograd, first, target);
            });
        });
    }
}
