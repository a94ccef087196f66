//! A 3x3 Winograd convolution, F(4x4, 3x3) (Winograd 1980; Lavin and Gray 2016, "Fast algorithms for
//! convolutional neural networks"): 36 products for 16 output pixels, where the plain sum takes 144.
//!
//! The points and the transform of the kernel are core's ([`cytoshade_core::winograd`]).

use cytoshade_core::winograd::{P, POINTS, Q};
pub(super) use cytoshade_core::winograd::{PRODUCTS, SIDE, transform_kernels};

use super::accumulate::Accumulate;
use super::band::Band;
use super::direct::segments;
use super::feature_map::{FeatureMap, sized};
use crate::simd::{Block, Compiled, LANES, Lanes, Work};

/// Most tiles that are multiplied together.
const TILES: usize = 28;
/// Blocks of their points and sums (512 KiB), which stay in a core's L2 cache, from input to output.
const CACHED: usize = 512 * 1024 / size_of::<Block>();
/// Tiles whose input is transformed in one go, so that it stays in L1.
const CHUNK: usize = 14;
/// Input blocks that are summed by themselves: short sums round less than a long one.
const SUM_BLOCKS: usize = 4;

const P2: f32 = P * P;
const Q2: f32 = Q * Q;

/// Tiles that are multiplied together, for blocks of input and output channels: enough to make loading a weight worth while,
/// few enough for the cache.
pub(super) fn tiles(inputs: usize, outputs: usize) -> usize {
    (CACHED / (PRODUCTS * (inputs + outputs))).clamp(1, TILES)
}

/// Six neighbouring input pixels at the six points.
#[inline(always)]
fn transform_input<L: Lanes>(lanes: L, d: [L::Vector; POINTS]) -> [L::Vector; POINTS] {
    let times = |factor: f32, a, b| lanes.mul_add(lanes.splat(factor), a, b);
    let (even_p, odd_p) = (times(-Q2, d[2], d[4]), times(-Q2, d[1], d[3]));
    let (even_q, odd_q) = (times(-P2, d[2], d[4]), times(-P2, d[1], d[3]));
    [
        times(P2 * Q2, d[0], times(-(P2 + Q2), d[2], d[4])),
        times(P, odd_p, even_p),
        times(-P, odd_p, even_p),
        times(Q, odd_q, even_q),
        times(-Q, odd_q, even_q),
        times(P2 * Q2, d[1], times(-(P2 + Q2), d[3], d[5])),
    ]
}

/// Four neighbouring output pixels from the six points.
#[inline(always)]
fn transform_output<L: Lanes>(lanes: L, m: [L::Vector; POINTS]) -> [L::Vector; SIDE] {
    let times = |factor: f32, a, b| lanes.mul_add(lanes.splat(factor), a, b);
    let (even_p, odd_p) = (lanes.add(m[1], m[2]), times(-1.0, m[2], m[1]));
    let (even_q, odd_q) = (lanes.add(m[3], m[4]), times(-1.0, m[4], m[3]));
    let zero = lanes.splat(0.0);
    [
        lanes.add(m[0], lanes.add(even_p, even_q)),
        times(P, odd_p, times(Q, odd_q, zero)),
        times(P2, even_p, times(Q2, even_q, zero)),
        times(P2 * P, odd_p, times(Q2 * Q, odd_q, m[5])),
    ]
}

/// What a thread needs for a band.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Transformed input, shape [point, input block, tile, 16].
    points: Vec<Block>,
    /// Sums over the input channels, shape [point, output block, tile, 16].
    sums: Vec<Block>,
    /// Rows at the points of the vertical axis, shape [point, pixel, 16].
    rows: Vec<Block>,
}

/// A convolution's transformed kernels and what its result is added to.
pub(super) struct Winograd<'a> {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Shape [point, output group, input channel, block in group, 16].
    pub(super) weights: &'a [Block],
    pub(super) bias: &'a [Block],
    pub(super) added: Accumulate<FeatureMap<&'a [Block]>>,
    /// Pixels of an output row.
    pub(super) width: usize,
    /// Most tiles that are multiplied together.
    pub(super) tiles: usize,
}

/// A rectangle of tiles of a band, which are multiplied together.
#[derive(Clone, Copy)]
struct Patch {
    row: usize,
    column: usize,
    rows: usize,
    columns: usize,
}

impl<'a> Winograd<'a> {
    /// Computes the output rows `first..` from a loaded band that begins with the row above them; a band may end within
    /// a tile.
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
        let rows = if in_row > self.tiles { 1 } else { in_column };
        for row in (0..in_column).step_by(rows) {
            for (column, columns) in segments(in_row, self.tiles) {
                let patch = Patch { row, column, rows, columns };
                self.transform(lanes, band, buffer, patch, scratch);
                self.sum(lanes, patch.rows * patch.columns, scratch);
                self.store(lanes, patch, scratch, first, target);
            }
        }
    }

    fn row_len(&self) -> usize {
        self.bias.len() * self.width
    }

    #[inline(never)]
    fn transform<L: Lanes>(&self, lanes: L, band: &Band<'_>, buffer: &[Block], patch: Patch, scratch: &mut Scratch) {
        let (blocks, tiles) = (band.scale.len(), patch.rows * patch.columns);
        let temporary = sized(&mut scratch.rows, POINTS * (SIDE * CHUNK + 2));
        let points = sized(&mut scratch.points, PRODUCTS * blocks * tiles);
        for row in 0..patch.rows {
            for block in 0..blocks {
                for (column, count) in segments(patch.columns, CHUNK) {
                    let corner = SIDE * (patch.row + row) * band.row_len()
                        + block * band.padded
                        + SIDE * (patch.column + column);
                    let transform = Transform {
                        rows: &buffer[corner..],
                        row_len: band.row_len(),
                        count,
                        temporary,
                        points: &mut points[block * tiles + row * patch.columns + column..],
                        stride: blocks * tiles,
                    };
                    lanes.narrow(self.inputs - block * LANES, Compiled(transform));
                }
            }
        }
    }

    #[inline(never)]
    fn sum<L: Lanes>(&self, lanes: L, tiles: usize, scratch: &mut Scratch) {
        let (blocks, outputs) = (self.inputs.div_ceil(LANES), self.bias.len());
        let points = scratch.points.chunks_exact(blocks * tiles);
        let sums = sized(&mut scratch.sums, PRODUCTS * outputs * tiles).chunks_exact_mut(outputs * tiles);
        for ((points, sums), weights) in points.zip(sums).zip(self.weights.chunks_exact(self.inputs * outputs)) {
            let groups = sums.chunks_mut(L::GROUP * tiles).zip(weights.chunks(self.inputs * L::GROUP));
            for (group, (sums, weights)) in groups.enumerate() {
                let outputs = self.outputs - group * L::GROUP * LANES;
                lanes.narrow(outputs, Group { points, tiles, weights, sums });
            }
        }
    }

    #[inline(never)]
    fn store<L: Lanes>(&self, lanes: L, patch: Patch, scratch: &Scratch, first: usize, target: &mut [Block]) {
        let (row_len, tiles) = (self.row_len(), patch.rows * patch.columns);
        let from = SIDE * patch.column;
        let width = (self.width - from).min(SIDE * patch.columns);
        for (block, bias) in self.bias.iter().enumerate() {
            let at = block * self.width + from;
            let rows = target.chunks_mut(SIDE * row_len).enumerate().skip(patch.row).take(patch.rows);
            for (row, target) in rows {
                let residual = |map: FeatureMap<&'a [Block]>| &map.data[(first + SIDE * row) * row_len + at..];
                let store = Store {
                    sums: &scratch.sums[block * tiles + (row - patch.row) * patch.columns..],
                    stride: self.bias.len() * tiles,
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

/// A run of neighbouring tiles of one input block to the points.
struct Transform<'a> {
    /// The band, from the first tile's corner on.
    rows: &'a [Block],
    row_len: usize,
    count: usize,
    temporary: &'a mut [Block],
    points: &'a mut [Block],
    /// From a point to the next.
    stride: usize,
}

impl Work for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { rows, row_len, count, temporary, points, stride } = self;
        let width = SIDE * count + 2;
        let rows: [&[Block]; POINTS] = std::array::from_fn(|y| &rows[y * row_len..][..width]);
        for x in 0..width {
            let column = std::array::from_fn(|y| lanes.load(&rows[y][x]));
            for (y, value) in transform_input(lanes, column).into_iter().enumerate() {
                lanes.store(value, &mut temporary[y * width + x]);
            }
        }
        for y in 0..POINTS {
            let row = &temporary[y * width..][..width];
            for tile in 0..count {
                let pixels = &row[SIDE * tile..][..POINTS];
                let values = transform_input(lanes, std::array::from_fn(|x| lanes.load(&pixels[x])));
                for (x, value) in values.into_iter().enumerate() {
                    lanes.store(value, &mut points[(y * POINTS + x) * stride + tile]);
                }
            }
        }
    }
}

/// The sums over all input channels at one point, for all tiles and a group of output blocks.
struct Group<'a> {
    /// Shape [input block, tile, 16].
    points: &'a [Block],
    tiles: usize,
    /// Shape [input channel, block in group, 16].
    weights: &'a [Block],
    /// Shape [block in group, tile, 16].
    sums: &'a mut [Block],
}

impl Work for Group<'_> {
    type Output = ();

    fn run<L: Lanes>(self, lanes: L) {
        let Self { points, tiles, weights, sums } = self;
        let group = sums.len() / tiles;
        for (tile, count) in segments(tiles, L::PIXELS) {
            let product = Product { points: &points[tile..], tiles, weights, sums: &mut sums[tile..] };
            product.run(lanes, group, count);
        }
    }
}

/// Those of a run of tiles.
struct Product<'a> {
    /// Shape [input block, tile, 16], from the first of the tiles on.
    points: &'a [Block],
    /// From an input block, or an output block, to the next.
    tiles: usize,
    /// Shape [input channel, block in group, 16].
    weights: &'a [Block],
    sums: &'a mut [Block],
}

impl Product<'_> {
    fn run<L: Lanes>(self, lanes: L, group: usize, tiles: usize) {
        if L::GROUP > 1 && group > 1 {
            self.run_group::<L, 2>(lanes, tiles);
        } else {
            self.run_group::<L, 1>(lanes, tiles);
        }
    }

    fn run_group<L: Lanes, const V: usize>(self, lanes: L, tiles: usize) {
        macro_rules! sized {
            ($($p:literal)*) => {
                match tiles {
                    $($p if L::PIXELS >= $p => lanes.run(Fixed::<V, $p>(self)),)*
                    _ => unreachable!("no segment is longer than Lanes::PIXELS"),
                }
            };
        }
        sized!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }
}

/// A product whose size the compiler knows, so that its sums are registers.
struct Fixed<'a, const V: usize, const T: usize>(Product<'a>);

impl<const V: usize, const T: usize> Work for Fixed<'_, V, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Product { points, tiles, weights, sums } = self.0;
        let (weights, _) = weights.as_chunks::<V>();
        for (part, weights) in weights.chunks(SUM_BLOCKS * LANES).enumerate() {
            let mut sum = [[lanes.splat(0.0); V]; T];
            for (block, weights) in weights.chunks(LANES).enumerate() {
                let pixels = &points[(part * SUM_BLOCKS + block) * tiles..][..T];
                for (channel, of_channel) in weights.iter().enumerate() {
                    let mut weight = [lanes.splat(0.0); V];
                    for v in 0..V {
                        weight[v] = lanes.load(&of_channel[v]);
                    }
                    for t in 0..T {
                        let value = lanes.splat(pixels[t].0[channel % LANES]);
                        for v in 0..V {
                            sum[t][v] = lanes.mul_add(weight[v], value, sum[t][v]);
                        }
                    }
                }
            }
            for v in 0..V {
                let sums = &mut sums[v * tiles..][..T];
                for t in 0..T {
                    let before = if part == 0 { lanes.splat(0.0) } else { lanes.load(&sums[t]) };
                    lanes.store(lanes.add(before, sum[t][v]), &mut sums[t]);
                }
            }
        }
    }
}

/// The sums of one output block and one row of tiles to output pixels.
struct Store<'a> {
    sums: &'a [Block],
    /// From a point to the next.
    stride: usize,
    bias: &'a Block,
    /// A residual is laid out as `target`.
    added: Accumulate<&'a [Block]>,
    /// The output rows, of which there are `SIDE` or, at the plane's end, fewer.
    target: &'a mut [Block],
    row_len: usize,
    width: usize,
}

impl Work for Store<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        match self.added {
            Accumulate::Nothing => self.tiles(lanes, |value, _, _| value),
            Accumulate::Residual(residual) => {
                self.tiles(lanes, |value, at, _| lanes.add(value, lanes.load(&residual[at])))
            }
            Accumulate::Target => self.tiles(lanes, |value, _, target| lanes.add(value, lanes.load(target))),
        }
    }
}

impl Store<'_> {
    /// Stores what `add` makes of each pixel's value, its place in the target, and what stands there.
    #[inline(always)]
    fn tiles<L: Lanes>(self, lanes: L, add: impl Fn(L::Vector, usize, &Block) -> L::Vector) {
        let Self { sums, stride, bias, target, row_len, width, .. } = self;
        let bias = lanes.load(bias);
        for tile in 0..width.div_ceil(SIDE) {
            let mut columns = [[bias; POINTS]; SIDE];
            for x in 0..POINTS {
                let column = std::array::from_fn(|y| lanes.load(&sums[(y * POINTS + x) * stride + tile]));
                let values = transform_output(lanes, column);
                for y in 0..SIDE {
                    columns[y][x] = values[y];
                }
            }
            let pixels = (width - SIDE * tile).min(SIDE);
            for (y, points) in columns.into_iter().enumerate() {
                let at = y * row_len + SIDE * tile;
                let Some(target) = target.get_mut(at..at + pixels) else { break };
                let values = transform_output(lanes, points);
                for x in 0..pixels {
                    let value = add(lanes.add(values[x], bias), at + x, &target[x]);
                    lanes.store(value, &mut target[x]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::AnyLanes;

    /// One line: three taps over six values give four, as the plain sum does.
    struct Line([f32; 6], [f32; 3]);

    impl Work for Line {
        type Output = [f32; SIDE];
        fn run<L: Lanes>(self, lanes: L) -> [f32; SIDE] {
            let Line(values, taps) = self;
            // A kernel of one row: its points lie in the first row, times the factor of the axis that has one tap.
            let mut kernel = [[0.0]; 9];
            kernel[..3].copy_from_slice(&taps.map(|tap| [tap]));
            let factor = f64::from(P) * f64::from(P) * f64::from(Q) * f64::from(Q);
            let kernel = transform_kernels(&kernel).map(|[point]| point);
            let points = transform_input(lanes, values.map(|value| lanes.splat(value)));
            let mut products = points;
            for x in 0..POINTS {
                let weight = lanes.splat((f64::from(kernel[x]) * factor) as f32);
                products[x] = lanes.mul_add(points[x], weight, lanes.splat(0.0));
            }
            transform_output(lanes, products).map(|sum| {
                let mut block = Block::ZERO;
                lanes.store(sum, &mut block);
                block.0[0]
            })
        }
    }

    #[test]
    fn a_line_is_the_plain_sum() {
        let (values, taps) = ([0.3, -1.7, 2.2, 0.9, -0.4, 1.1], [0.7, -0.2, 1.3]);
        let found = AnyLanes::best().run(Line(values, taps));
        for (at, found) in found.into_iter().enumerate() {
            let expected: f32 = (0..3).map(|k| taps[k] * values[at + k]).sum();
            assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
        }
    }
}
