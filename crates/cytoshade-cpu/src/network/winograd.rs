//! A 3x3 convolution by minimal filtering, F(4x4, 3x3) (Winograd 1980; Lavin and Gray 2016, "Fast algorithms for
//! convolutional neural networks"): 36 products for 16 output pixels, where the plain sum takes 144.
//!
//! A tile of 6 x 6 input pixels is transformed, multiplied channel by channel with the transformed kernel at each of
//! 36 points, and the sums transformed to 4 x 4 output pixels. The transforms evaluate polynomials at 0, 3/4, -3/4,
//! 3/2, -3/2 and infinity. Those are the points of least error of the several that were tried: the whole network then
//! rounds half again as much as with plain sums, while the customary 0, 1, -1, 2, -2 double the error. All constants of
//! the two transforms are exact in f32.

use super::band::Band;
use super::direct::segments;
use super::map::Map;
use crate::simd::{Block, LANES, Lanes, Work};

/// Output pixels of a tile on each axis.
pub(super) const SIDE: usize = 4;
/// Input pixels of a tile on each axis, and points on each axis.
const POINTS: usize = SIDE + 2;
/// Products of a tile.
pub(super) const PRODUCTS: usize = POINTS * POINTS;
/// Tiles that make loading a weight worth while: as many as two rows of registers.
const TILES: usize = 28;
/// Tiles whose input is transformed in one go, so that it stays in L1.
const CHUNK: usize = 14;
/// Input blocks that are summed by themselves: short sums round less than a long one.
const SUM_BLOCKS: usize = 2;

const P: f32 = 0.75;
const Q: f32 = 1.5;
const P2: f32 = P * P;
const Q2: f32 = Q * Q;

/// Rows of tiles in a band, unless threads want them smaller.
pub(super) fn tile_rows(tiles_in_row: usize) -> usize {
    TILES.div_ceil(tiles_in_row.max(1))
}

/// The kernel [3, 3] at the 36 points, in f64.
pub(super) fn transform_kernel(kernel: &[f32; 9]) -> [f32; PRODUCTS] {
    let (p, q) = (f64::from(P), f64::from(Q));
    let (at_p, at_q) = (2.0 * p * p * (p * p - q * q), 2.0 * q * q * (q * q - p * p));
    // The value of the polynomial at each point, over the product of its differences to the other points.
    let line = |[a, b, c]: [f64; 3]| {
        let at = |x: f64, over: f64| (a + x * b + x * x * c) / over;
        [a / (p * p * q * q), at(p, at_p), at(-p, at_p), at(q, at_q), at(-q, at_q), c]
    };
    let row = |y: usize| std::array::from_fn(|x| f64::from(kernel[3 * y + x]));
    let rows = [line(row(0)), line(row(1)), line(row(2))];
    let mut points = [0.0; PRODUCTS];
    for x in 0..POINTS {
        for (y, value) in line([rows[0][x], rows[1][x], rows[2][x]]).into_iter().enumerate() {
            points[y * POINTS + x] = value as f32;
        }
    }
    points
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
    /// Sums of one group of output blocks, shape [point, block in group, tile, 16].
    sums: Vec<Block>,
    /// Rows at the points of the vertical axis, shape [point, pixel, 16].
    rows: Vec<Block>,
}

/// A convolution's transformed kernels and what its result is added to.
pub(super) struct Winograd<'a> {
    pub(super) inputs: usize,
    /// Shape [output group, point, input channel, block in group, 16].
    pub(super) weights: &'a [Block],
    pub(super) bias: &'a [Block],
    pub(super) residual: Option<Map<&'a [Block]>>,
    /// Pixels of an output row.
    pub(super) width: usize,
}

impl Winograd<'_> {
    fn tiles_in_row(&self) -> usize {
        self.width.div_ceil(SIDE)
    }

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
        let (in_row, row_len) = (self.tiles_in_row(), self.bias.len() * self.width);
        let tile_rows = (target.len() / row_len).div_ceil(SIDE);
        let tiles = tile_rows * in_row;
        let blocks = band.scale.len();
        let Scratch { points, sums, rows } = scratch;
        for (buffer, len) in [
            (&mut *points, PRODUCTS * blocks * tiles),
            (&mut *sums, PRODUCTS * L::GROUP * tiles),
            (&mut *rows, POINTS * (SIDE * CHUNK + 2)),
        ] {
            if buffer.len() < len {
                buffer.resize(len, Block::ZERO);
            }
        }
        for tile_row in 0..tile_rows {
            for block in 0..blocks {
                for (tile, count) in segments(in_row, CHUNK) {
                    lanes.run(Transform {
                        rows: &buffer[SIDE * tile_row * band.row_len() + block * band.padded + SIDE * tile..],
                        row_len: band.row_len(),
                        count,
                        temporary: rows,
                        points: &mut points[block * tiles + tile_row * in_row + tile..],
                        stride: blocks * tiles,
                    });
                }
            }
        }
        let weights = self.weights.chunks(PRODUCTS * self.inputs * L::GROUP);
        for (group, (weights, bias)) in weights.zip(self.bias.chunks(L::GROUP)).enumerate() {
            let weights = weights.chunks_exact(self.inputs * bias.len());
            let points = points.chunks_exact(blocks * tiles);
            let products = sums.chunks_exact_mut(bias.len() * tiles).zip(points).zip(weights);
            for ((sums, points), weights) in products {
                for (tile, count) in segments(tiles, L::PIXELS) {
                    let product = Product {
                        points: &points[tile..],
                        tiles,
                        inputs: self.inputs,
                        weights,
                        sums: &mut sums[tile..],
                    };
                    product.run(lanes, bias.len(), count);
                }
            }
            for (block, bias) in bias.iter().enumerate() {
                let column = (group * L::GROUP + block) * self.width;
                for (tile_row, target) in target.chunks_mut(SIDE * row_len).enumerate() {
                    lanes.run(Store {
                        sums: &sums[block * tiles + tile_row * in_row..],
                        stride: bias_len(self.bias, group, L::GROUP) * tiles,
                        bias,
                        residual: self.residual.map(|map| &map.data[(first + SIDE * tile_row) * row_len + column..]),
                        target: &mut target[column..],
                        row_len,
                        width: self.width,
                    });
                }
            }
        }
    }
}

/// Output blocks of a group.
fn bias_len(bias: &[Block], group: usize, of: usize) -> usize {
    (bias.len() - group * of).min(of)
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

/// The sums over all input channels at one point, for a run of tiles and a group of output blocks.
struct Product<'a> {
    /// Shape [input block, tile, 16], from the first of the tiles on.
    points: &'a [Block],
    /// From an input block, or an output block, to the next.
    tiles: usize,
    inputs: usize,
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
        let Product { points, tiles, inputs, weights, sums } = self.0;
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
        debug_assert_eq!(weights.len(), inputs);
    }
}

/// The sums of one output block and one row of tiles to output pixels.
struct Store<'a> {
    sums: &'a [Block],
    /// From a point to the next.
    stride: usize,
    bias: &'a Block,
    residual: Option<&'a [Block]>,
    /// The output rows, of which there are `SIDE` or, at the plane's end, fewer.
    target: &'a mut [Block],
    row_len: usize,
    width: usize,
}

impl Work for Store<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { sums, stride, bias, residual, target, row_len, width } = self;
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
                    let mut value = lanes.add(values[x], bias);
                    if let Some(residual) = residual {
                        value = lanes.add(value, lanes.load(&residual[at + x]));
                    }
                    lanes.store(value, &mut target[x]);
                }
            }
        }
    }
}
