//! What a convolution reads: the load, with everything that the reference does before the product.

use super::feature_map::FeatureMap;
use crate::simd::{Block, Lanes, Work};

/// The input of a convolution before its BatchNorm: `map`, plus `skip`, plus `style` in every pixel.
#[derive(Clone, Copy)]
pub(super) struct ConvInput<'a> {
    pub(super) map: FeatureMap<&'a [Block]>,
    pub(super) skip: Option<FeatureMap<&'a [Block]>>,
    /// One block for each of `map`.
    pub(super) style: Option<&'a [Block]>,
}

impl<'a> ConvInput<'a> {
    /// Block number `block` of row `y`, to be loaded with each pixel repeated `repeat` times.
    pub(super) fn load(
        &self,
        y: usize,
        block: usize,
        norm: Norm<'a>,
        repeat: usize,
        target: &'a mut [Block],
    ) -> Load<'a> {
        let at = |map: FeatureMap<&'a [Block]>| &map.row(y)[block * map.width..][..map.width];
        Load {
            values: at(self.map),
            skip: self.skip.map(at),
            style: self.style.map_or(Block::ZERO, |style| style[block]),
            norm,
            repeat,
            target,
        }
    }
}

/// A folded BatchNorm of 16 channels.
#[derive(Clone, Copy)]
pub(super) struct Norm<'a> {
    pub(super) scale: &'a Block,
    pub(super) shift: &'a Block,
}

/// One row of 16 channels on its way into a convolution: `target = relu(scale * (values + skip + style) + shift)`.
pub(super) struct Load<'a> {
    values: &'a [Block],
    skip: Option<&'a [Block]>,
    style: Block,
    norm: Norm<'a>,
    repeat: usize,
    target: &'a mut [Block],
}

impl Work for Load<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (style, zero) = (lanes.load(&self.style), lanes.splat(0.0));
        let (scale, shift) = (lanes.load(self.norm.scale), lanes.load(self.norm.shift));
        let norm = |value: L::Vector| {
            // In this order a NaN stays one, as in the reference.
            lanes.max(zero, lanes.mul_add(lanes.add(value, style), scale, shift))
        };
        let mut pixels = self.target.chunks_exact_mut(self.repeat);
        let mut store = |value: L::Vector| {
            for target in pixels.next().into_iter().flatten() {
                lanes.store(value, target);
            }
        };
        match self.skip {
            Some(skip) => {
                for (value, skip) in self.values.iter().zip(skip) {
                    store(norm(lanes.add(lanes.load(value), lanes.load(skip))));
                }
            }
            None => {
                for value in self.values {
                    store(norm(lanes.load(value)));
                }
            }
        }
    }
}
