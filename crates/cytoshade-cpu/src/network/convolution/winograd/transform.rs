//! Winograd's transforms: input pixels to points, and sums at points to output pixels.
//!
//! [`cytoshade_core::winograd`] has the points and the transform of the kernels.

use cytoshade_core::winograd::{P, POINTS, Q, SIDE};

use crate::network::convolution::accumulate::Accumulate;
use crate::simd::{Block, Lanes, Work};

const P2: f32 = P * P;
const Q2: f32 = Q * Q;

/// Transforms six neighbouring input pixels to the six points.
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

/// Transforms the sums at the six points to four neighbouring output pixels.
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

/// Transforms a run of neighbouring patches of one input block to the points.
pub(super) struct Transform<'a> {
    /// The loaded band, from the corner of the first patch on.
    pub(super) rows: &'a [Block],
    pub(super) row_len: usize,
    /// Number of patches.
    pub(super) count: usize,
    pub(super) temporary: &'a mut [Block],
    pub(super) points: &'a mut [Block],
    /// Distance from a point to the next.
    pub(super) stride: usize,
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
            for patch in 0..count {
                let pixels = &row[SIDE * patch..][..POINTS];
                let values = transform_input(lanes, std::array::from_fn(|x| lanes.load(&pixels[x])));
                for (x, value) in values.into_iter().enumerate() {
                    lanes.store(value, &mut points[(y * POINTS + x) * stride + patch]);
                }
            }
        }
    }
}

/// Transforms the sums of one output block and one row of patches to output pixels.
pub(super) struct Store<'a> {
    pub(super) sums: &'a [Block],
    /// Distance from a point to the next.
    pub(super) stride: usize,
    pub(super) bias: &'a Block,
    /// Values to which the result is added; a residual is laid out as `target`.
    pub(super) added: Accumulate<&'a [Block]>,
    /// The output rows: `SIDE`, or fewer at the end of the map.
    pub(super) target: &'a mut [Block],
    pub(super) row_len: usize,
    /// Pixels of a row.
    pub(super) width: usize,
}

impl Work for Store<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        match self.added {
            Accumulate::Nothing => self.patches(lanes, |value, _, _| value),
            Accumulate::Residual(residual) => {
                self.patches(lanes, |value, at, _| lanes.add(value, lanes.load(&residual[at])));
            }
            Accumulate::Target => self.patches(lanes, |value, _, target| lanes.add(value, lanes.load(target))),
        }
    }
}

impl Store<'_> {
    /// Stores the result of `add` for each pixel, given its value, its index in the target and the target's value.
    #[inline(always)]
    fn patches<L: Lanes>(self, lanes: L, add: impl Fn(L::Vector, usize, &Block) -> L::Vector) {
        let Self { sums, stride, bias, target, row_len, width, .. } = self;
        let bias = lanes.load(bias);
        for patch in 0..width.div_ceil(SIDE) {
            let mut columns = [[bias; POINTS]; SIDE];
            for x in 0..POINTS {
                let column = std::array::from_fn(|y| lanes.load(&sums[(y * POINTS + x) * stride + patch]));
                let values = transform_output(lanes, column);
                for y in 0..SIDE {
                    columns[y][x] = values[y];
                }
            }
            let pixels = (width - SIDE * patch).min(SIDE);
            for (y, points) in columns.into_iter().enumerate() {
                let at = y * row_len + SIDE * patch;
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
    use cytoshade_core::winograd::transform_kernels;

    use super::*;
    use crate::simd::AnyLanes;

    /// One line: three taps over six values give the same four sums as the plain convolution.
    struct Line([f32; 6], [f32; 3]);

    impl Work for Line {
        type Output = [f32; SIDE];
        fn run<L: Lanes>(self, lanes: L) -> [f32; SIDE] {
            let Line(values, taps) = self;
            // The points of a kernel of one row are in the first row, times the factor of the axis that has one tap.
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
