//! What a convolution reads: the load, with everything that the reference does before the product.

use super::map::Map;
use crate::simd::{Block, Lanes, Work};

/// The input of a convolution before its BatchNorm: `map`, plus `skip`, plus `style` in every pixel.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) map: Map<&'a [Block]>,
    pub(super) skip: Option<Map<&'a [Block]>>,
    /// One block for each of `map`.
    pub(super) style: Option<&'a [Block]>,
}

impl<'a> Source<'a> {
    /// Block number `block` of row `y`, to be loaded.
    pub(super) fn load(&self, y: usize, block: usize, norm: Norm<'a>, target: &'a mut [Block]) -> Load<'a> {
        let at = |map: Map<&'a [Block]>| &map.row(y)[block * map.width..][..map.width];
        Load {
            values: at(self.map),
            skip: self.skip.map(at),
            style: self.style.map_or(Block::ZERO, |style| style[block]),
            norm,
            target,
        }
    }
}

/// A folded BatchNorm of 16 channels, and whether a ReLU follows.
#[derive(Clone, Copy)]
pub(super) struct Norm<'a> {
    pub(super) scale: &'a Block,
    pub(super) shift: &'a Block,
    pub(super) relu: bool,
}

/// One row of 16 channels on its way into a convolution: `target = relu(scale * (values + skip + style) + shift)`.
pub(super) struct Load<'a> {
    values: &'a [Block],
    skip: Option<&'a [Block]>,
    style: Block,
    norm: Norm<'a>,
    target: &'a mut [Block],
}

impl Work for Load<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (style, zero) = (lanes.load(&self.style), lanes.splat(0.0));
        let (scale, shift) = (lanes.load(self.norm.scale), lanes.load(self.norm.shift));
        let relu = self.norm.relu;
        let norm = |value: L::Vector| {
            let value = lanes.mul_add(lanes.add(value, style), scale, shift);
            // In this order a NaN stays one, as in the reference.
            if relu { lanes.max(zero, value) } else { value }
        };
        match self.skip {
            Some(skip) => {
                for ((target, value), skip) in self.target.iter_mut().zip(self.values).zip(skip) {
                    lanes.store(norm(lanes.add(lanes.load(value), lanes.load(skip))), target);
                }
            }
            None => {
                for (target, value) in self.target.iter_mut().zip(self.values) {
                    lanes.store(norm(lanes.load(value)), target);
                }
            }
        }
    }
}
