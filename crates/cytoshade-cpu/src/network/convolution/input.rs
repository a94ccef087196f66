//! The input of a convolution: everything that is computed before the product.

use crate::network::feature_map::FeatureMap;
use crate::simd::{Block, Lanes, Work};

/// The input of a convolution before its prologue: `map`, plus `skip`, plus `vector` in every pixel.
#[derive(Clone, Copy)]
pub(in crate::network) struct ConvInput<'a> {
    pub(in crate::network) map: FeatureMap<&'a [Block]>,
    pub(in crate::network) skip: Option<FeatureMap<&'a [Block]>>,
    /// One block for each of `map`.
    pub(in crate::network) vector: Option<&'a [Block]>,
}

impl<'a> ConvInput<'a> {
    /// The load of block number `block` of row `y`, with each pixel repeated `repeat` times.
    pub(super) fn load(
        &self,
        y: usize,
        block: usize,
        prologue: Prologue<'a>,
        repeat: usize,
        target: &'a mut [Block],
    ) -> Load<'a> {
        let at = |map: FeatureMap<&'a [Block]>| &map.row(y)[block * map.width..][..map.width];
        Load {
            values: at(self.map),
            skip: self.skip.map(at),
            vector: self.vector.map_or(Block::ZERO, |vector| vector[block]),
            prologue,
            repeat,
            target,
        }
    }
}

/// The prologue of 16 channels: `max(lowest, scale * x + shift)`.
#[derive(Clone, Copy)]
pub(super) struct Prologue<'a> {
    pub(super) scale: &'a Block,
    pub(super) shift: &'a Block,
    pub(super) lowest: f32,
}

/// One row of 16 channels: `target = max(lowest, scale * (values + skip + vector) + shift)`.
pub(super) struct Load<'a> {
    values: &'a [Block],
    skip: Option<&'a [Block]>,
    vector: Block,
    prologue: Prologue<'a>,
    repeat: usize,
    target: &'a mut [Block],
}

impl Work for Load<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (vector, lowest) = (lanes.load(&self.vector), lanes.splat(self.prologue.lowest));
        let (scale, shift) = (lanes.load(self.prologue.scale), lanes.load(self.prologue.shift));
        let prologue = |value: L::Vector| {
            // In this order a NaN stays one, as in the reference.
            lanes.max(lowest, lanes.mul_add(lanes.add(value, vector), scale, shift))
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
                    store(prologue(lanes.add(lanes.load(value), lanes.load(skip))));
                }
            }
            None => {
                for value in self.values {
                    store(prologue(lanes.load(value)));
                }
            }
        }
    }
}
