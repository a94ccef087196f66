//! The maximum of each 2 x 2 block (the reference's `nn.MaxPool2d(2, stride=2)`).

use crate::parallel::*;

use super::feature_map::FeatureMap;
use crate::simd::{AnyLanes, Block, Lanes, Work};

/// Writes the maximum of each 2 x 2 block of `source`, whose sides are even.
pub(super) fn run(lanes: AnyLanes, source: FeatureMap<&[Block]>, target: FeatureMap<&mut [Block]>) {
    lanes.run(MaxPool { source, target });
}

struct MaxPool<'a> {
    source: FeatureMap<&'a [Block]>,
    target: FeatureMap<&'a mut [Block]>,
}

impl Work for MaxPool<'_> {
    type Output = ();

    fn run<L: Lanes>(self, lanes: L) {
        let (source, row_len) = (self.source, self.target.row_len());
        self.target.data.par_chunks_mut(row_len).enumerate().for_each(|(y, target)| {
            lanes.run(Row { above: source.row(2 * y), below: source.row(2 * y + 1), target });
        });
    }
}

/// Two rows and their maxima. All blocks of a row have an even width, so that no pair of pixels spans two blocks.
struct Row<'a> {
    above: &'a [Block],
    below: &'a [Block],
    target: &'a mut [Block],
}

impl Work for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (above, below) = (self.above.as_chunks::<2>().0, self.below.as_chunks::<2>().0);
        for ((target, above), below) in self.target.iter_mut().zip(above).zip(below) {
            let above = lanes.max(lanes.load(&above[0]), lanes.load(&above[1]));
            let below = lanes.max(lanes.load(&below[0]), lanes.load(&below[1]));
            lanes.store(lanes.max(above, below), target);
        }
    }
}
