//! A block's 1x1 convolution (the reference's `proj`), written where another convolution then adds its result; so it is
//! never in memory by itself.

use super::accumulate::Accumulate;
use super::direct::{Direct, Rows};
use super::feature_map::FeatureMap;
use super::weights::Product;
use crate::simd::{AnyLanes, Block, Lanes};

/// A 1x1 convolution without a ReLU, whose BatchNorm is part of its weights.
#[derive(Debug)]
pub(super) struct Proj {
    inputs: usize,
    outputs: usize,
    /// How often the source is repeated on each axis.
    pub(super) factor: usize,
    products: Vec<Product>,
    bias: Vec<Block>,
}

impl Proj {
    pub(super) fn new(conv: &cytoshade_core::Conv, upsample: bool, lanes: AnyLanes) -> Self {
        let factor = if upsample { 2 } else { 1 };
        let shifted = |(weights, &bias): (&[f32], &f32)| {
            let shift = weights.iter().zip(conv.shift()).map(|(&weight, &shift)| f64::from(weight) * f64::from(shift));
            (f64::from(bias) + shift.sum::<f64>()) as f32
        };
        let bias: Vec<f32> = conv.weight().chunks_exact(conv.inputs()).zip(conv.bias()).map(shifted).collect();
        let products = Product::all(conv, factor, lanes.group());
        Self { inputs: conv.inputs(), outputs: conv.outputs(), factor, products, bias: Block::pad(&bias) }
    }

    /// Writes the rows of `target`, of which the first is row `first` of the plane, a multiple of `factor`.
    pub(super) fn run<L: Lanes>(&self, lanes: L, source: FeatureMap<&[Block]>, first: usize, target: &mut [Block]) {
        let Self { inputs, outputs, factor, products, bias } = self;
        let first = first / factor;
        let rows = Rows {
            data: &source.data[first * source.row_len()..],
            row_len: source.row_len(),
            block_stride: source.width,
            width: source.width,
        };
        let direct =
            Direct { inputs: *inputs, outputs: *outputs, products, factor: *factor, bias, added: Accumulate::Nothing };
        direct.multiply(lanes, rows, first, target);
    }
}
