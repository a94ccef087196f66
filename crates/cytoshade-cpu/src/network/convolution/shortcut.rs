//! A block's 1x1 shortcut (the reference's `proj`).
//!
//! It is written into each band of the output, to which another convolution then adds its result. So it needs no memory
//! of its own.

use super::accumulate::Accumulate;
use super::direct::{Direct, Rows};
use super::product::Product;
use crate::network::feature_map::FeatureMap;
use crate::simd::{AnyLanes, Block, Lanes};

/// A 1x1 convolution without a ReLU, its prologue folded into its weights and bias.
#[derive(Debug)]
pub(super) struct Shortcut {
    inputs: usize,
    outputs: usize,
    /// Times the source is repeated on each axis.
    pub(super) factor: usize,
    product: Product,
    bias: Vec<Block>,
}

impl Shortcut {
    pub(super) fn new(conv: &cytoshade_core::Conv, upsample: bool, lanes: AnyLanes) -> Self {
        let shifted = |(weights, &bias): (&[f32], &f32)| {
            let shift = weights.iter().zip(conv.shift()).map(|(&weight, &shift)| f64::from(weight) * f64::from(shift));
            (f64::from(bias) + shift.sum::<f64>()) as f32
        };
        let bias: Vec<f32> = conv.weight().chunks_exact(conv.inputs()).zip(conv.bias()).map(shifted).collect();
        Self {
            inputs: conv.inputs(),
            outputs: conv.outputs(),
            factor: if upsample { 2 } else { 1 },
            product: Product::scaled_point(conv, lanes.group()),
            bias: Block::pad(&bias),
        }
    }

    /// Writes the rows of `target`. Its first row is row `first` of the map, a multiple of `factor`.
    pub(super) fn run<L: Lanes>(&self, lanes: L, source: FeatureMap<&[Block]>, first: usize, target: &mut [Block]) {
        let Self { inputs, outputs, factor, product, bias } = self;
        let first = first / factor;
        let rows = Rows {
            data: &source.data[first * source.row_len()..],
            row_len: source.row_len(),
            block_stride: source.width,
            width: source.width,
        };
        let products = std::slice::from_ref(product);
        let direct =
            Direct { inputs: *inputs, outputs: *outputs, products, factor: *factor, bias, added: Accumulate::Nothing };
        direct.multiply(lanes, rows, first, target);
    }
}
