//! 3x3 Winograd convolution, F(4x4, 3x3) (Winograd 1980; Lavin and Gray 2016, "Fast algorithms for convolutional neural
//! networks"): its points and the transform of its kernels.
//!
//! A patch of 6 x 6 input pixels is transformed to 36 points. At each point it is multiplied with the transformed
//! kernel and summed over the channels; the sums are transformed to 4 x 4 output pixels. The transforms evaluate
//! polynomials at 0, [`P`], -[`P`], [`Q`], -[`Q`] and infinity. Of the points that were tried, these round least: the
//! relative L2 error of the whole network's outputs was 1.4e-7, that of plain sums 0.9e-7, and about twice the latter
//! with the customary points 0, 1, -1, 2, -2 and infinity (on the CPU, against the reference). All constants of the
//! transforms of input and output are exact in f32.

/// Output pixels of a patch on each axis.
pub const SIDE: usize = 4;
/// Input pixels of a patch on each axis, and points on each axis.
pub const POINTS: usize = SIDE + 2;
/// Points of a patch: its products, and the values of a transformed kernel.
pub const PRODUCTS: usize = POINTS * POINTS;
/// The smaller of the points.
pub const P: f32 = 0.75;
/// The larger of the points.
pub const Q: f32 = 1.5;

/// Transforms a kernel of shape [3, 3] to the points, of shape [6, 6]; computes in f64.
pub fn transform_kernel(kernel: &[f32; 9]) -> [f32; PRODUCTS] {
    transform_kernels(&kernel.map(|value| [value])).map(|[point]| point)
}

/// Transforms `N` kernels together, of shape [3, 3, N], to the points, of shape [6, 6, N]; computes in f64.
#[inline(always)]
pub fn transform_kernels<const N: usize>(kernels: &[[f32; N]; 9]) -> [[f32; N]; PRODUCTS] {
    let (p, q) = (f64::from(P), f64::from(Q));
    // The inverse of the product of a point's differences from the other points.
    let at_0 = 1.0 / (p * p * q * q);
    let (at_p, at_q) = (0.5 / (p * p * (p * p - q * q)), 0.5 / (q * q * (q * q - p * p)));
    // The value of the polynomial at each point, times that inverse.
    let line = |[a, b, c]: [[f64; N]; 3]| {
        let at = |x: f64, factor: f64| std::array::from_fn(|n| (a[n] + x * b[n] + x * x * c[n]) * factor);
        [a.map(|a| a * at_0), at(p, at_p), at(-p, at_p), at(q, at_q), at(-q, at_q), c]
    };
    let row = |y: usize| std::array::from_fn(|x| kernels[3 * y + x].map(f64::from));
    let rows = [line(row(0)), line(row(1)), line(row(2))];
    let mut points = [[0.0; N]; PRODUCTS];
    for x in 0..POINTS {
        for (y, values) in line([rows[0][x], rows[1][x], rows[2][x]]).into_iter().enumerate() {
            points[y * POINTS + x] = values.map(|value| value as f32);
        }
    }
    points
}
