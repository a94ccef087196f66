//! A 3x3 Winograd convolution, F(4x4, 3x3) (Winograd 1980; Lavin and Gray 2016, "Fast algorithms for convolutional
//! neural networks"): 36 products per input channel for 16 output pixels, for which the plain sum takes 144.
//!
//! A band is cut into patches of 4 x 4 output pixels. The input of several patches is transformed to the 36 points
//! ([`transform`]), multiplied there with the transformed kernels ([`product`]), and the sums are transformed to output
//! pixels. Points and sums of these patches stay in a core's L2 cache.

mod product;
mod transform;
mod weights;

use super::accumulate::Accumulate;
use super::band::Band;
use super::segments::segments;
use crate::network::feature_map::{FeatureMap, sized};
use crate::simd::{Block, Compiled, LANES, Lanes};
use product::Group;
use transform::{Store, Transform};

pub(super) use cytoshade_core::winograd::SIDE;
use cytoshade_core::winograd::{POINTS, PRODUCTS};
pub(super) use weights::weights;

/// Most patches that are multiplied together.
const PATCHES: usize = 28;
/// Most blocks of their points and sums: 512 KiB, which stay in a core's L2 cache.
const CACHED: usize = 512 * 1024 / size_of::<Block>();
/// Patches whose input is transformed in one go, so that it stays in L1.
const CHUNK: usize = 14;

/// Patches that are multiplied together, for the numbers of input and output blocks: at most [`PATCHES`], and as many
/// as fit in the cache. Each weight is loaded once for all of them.
pub(super) fn patches(inputs: usize, outputs: usize) -> usize {
    (CACHED / (PRODUCTS * (inputs + outputs))).clamp(1, PATCHES)
}

/// The memory that a thread needs for a band.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Transformed input, shape [point, input block, patch, 16].
    points: Vec<Block>,
    /// Sums over the input channels, shape [point, output block, patch, 16].
    sums: Vec<Block>,
    /// Rows transformed along the vertical axis, shape [point, pixel, 16].
    rows: Vec<Block>,
}

/// A convolution's transformed kernels, and the values to which its result is added.
pub(super) struct Winograd<'a> {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Shape [point, output group, input channel, block in group, 16].
    pub(super) weights: &'a [Block],
    pub(super) bias: &'a [Block],
    pub(super) added: Accumulate<FeatureMap<&'a [Block]>>,
    /// Pixels of an output row.
    pub(super) width: usize,
    /// Most patches that are multiplied together.
    pub(super) patches: usize,
}

/// A rectangle of patches of a band, which are multiplied together.
#[derive(Clone, Copy)]
struct Region {
    row: usize,
    column: usize,
    rows: usize,
    columns: usize,
}

impl<'a> Winograd<'a> {
    /// Computes the output rows from `first` on, as many as `target` holds, from a loaded band that begins with the row
    /// above them. A band may end within a patch.
    pub(super) fn multiply<L: Lanes>(
        &self,
        lanes: L,
        band: &Band<'_>,
        buffer: &[Block],
        scratch: &mut Scratch,
        first: usize,
        target: &mut [Block],
    ) {
        let in_row = self.width.div_ceil(SIDE);
        let in_column = (target.len() / self.row_len()).div_ceil(SIDE);
        let rows = if in_row > self.patches { 1 } else { in_column };
        for row in (0..in_column).step_by(rows) {
            for (column, columns) in segments(in_row, self.patches) {
                let region = Region { row, column, rows, columns };
                self.transform(lanes, band, buffer, region, scratch);
                self.sum(lanes, region.rows * region.columns, scratch);
                self.store(lanes, region, scratch, first, target);
            }
        }
    }

    fn row_len(&self) -> usize {
        self.bias.len() * self.width
    }

    #[inline(never)]
    fn transform<L: Lanes>(&self, lanes: L, band: &Band<'_>, buffer: &[Block], region: Region, scratch: &mut Scratch) {
        let (blocks, patches) = (band.scale.len(), region.rows * region.columns);
        let temporary = sized(&mut scratch.rows, POINTS * (SIDE * CHUNK + 2));
        let points = sized(&mut scratch.points, PRODUCTS * blocks * patches);
        for row in 0..region.rows {
            for block in 0..blocks {
                for (column, count) in segments(region.columns, CHUNK) {
                    let corner = SIDE * (region.row + row) * band.row_len()
                        + block * band.padded
                        + SIDE * (region.column + column);
                    let transform = Transform {
                        rows: &buffer[corner..],
                        row_len: band.row_len(),
                        count,
                        temporary,
                        points: &mut points[block * patches + row * region.columns + column..],
                        stride: blocks * patches,
                    };
                    lanes.narrow(self.inputs - block * LANES, Compiled(transform));
                }
            }
        }
    }

    #[inline(never)]
    fn sum<L: Lanes>(&self, lanes: L, patches: usize, scratch: &mut Scratch) {
        let (blocks, outputs) = (self.inputs.div_ceil(LANES), self.bias.len());
        let points = scratch.points.chunks_exact(blocks * patches);
        let sums = sized(&mut scratch.sums, PRODUCTS * outputs * patches).chunks_exact_mut(outputs * patches);
        for ((points, sums), weights) in points.zip(sums).zip(self.weights.chunks_exact(self.inputs * outputs)) {
            let groups = sums.chunks_mut(L::GROUP * patches).zip(weights.chunks(self.inputs * L::GROUP));
            for (group, (sums, weights)) in groups.enumerate() {
                let outputs = self.outputs - group * L::GROUP * LANES;
                lanes.narrow(outputs, Group { points, patches, weights, sums });
            }
        }
    }

    #[inline(never)]
    fn store<L: Lanes>(&self, lanes: L, region: Region, scratch: &Scratch, first: usize, target: &mut [Block]) {
        let (row_len, patches) = (self.row_len(), region.rows * region.columns);
        let from = SIDE * region.column;
        let width = (self.width - from).min(SIDE * region.columns);
        for (block, bias) in self.bias.iter().enumerate() {
            let at = block * self.width + from;
            let rows = target.chunks_mut(SIDE * row_len).enumerate().skip(region.row).take(region.rows);
            for (row, target) in rows {
                let residual = |map: FeatureMap<&'a [Block]>| &map.data[(first + SIDE * row) * row_len + at..];
                let store = Store {
                    sums: &scratch.sums[block * patches + (row - region.row) * region.columns..],
                    stride: self.bias.len() * patches,
                    bias,
                    added: self.added.map(residual),
                    target: &mut target[at..],
                    row_len,
                    width,
                };
                lanes.narrow(self.outputs - block * LANES, Compiled(store));
            }
        }
    }
}
