//! Sums over the pixels of a cell, and the shape that follows from them.

use std::ops::Range;

/// Exact sums over the voxels of a cell; the axes are Z, Y, X.
///
/// Integers are not rounded, so cancellation does not affect the central moments. 2^32 voxels at coordinates up to 2^17
/// fit.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub(super) count: u64,
    first: [u64; 3],
    /// Sums of the products of two coordinates: ZZ, YY, XX, ZY, ZX, YX.
    second: [u128; 6],
    pub(super) bounds: [Range<usize>; 3],
}

/// The pairs of axes of [`Sums::second`].
const PAIRS: [[usize; 2]; 6] = [[0, 0], [1, 1], [2, 2], [0, 1], [0, 2], [1, 2]];

impl Sums {
    /// Adds the voxels `columns` of row `y` of z-slice `z`.
    pub(super) fn add_run(&mut self, [z, y]: [usize; 2], columns: Range<usize>) {
        let is_first = self.count == 0;
        let grow = |bound: &mut Range<usize>, run: Range<usize>| {
            *bound = if is_first { run } else { bound.start.min(run.start)..bound.end.max(run.end) };
        };
        let ranges = [z..z + 1, y..y + 1, columns.clone()];
        self.bounds.iter_mut().zip(ranges).for_each(|(bound, run)| grow(bound, run));

        let [start, end] = [columns.start, columns.end].map(|x| x as u64);
        let (z, y, count) = (z as u64, y as u64, end - start);
        let sum_x = (start + end - 1) * count / 2;
        let sum_xx = sum_of_squares(end) - sum_of_squares(start);
        self.count += count;
        for (sum, added) in self.first.iter_mut().zip([z * count, y * count, sum_x]) {
            *sum += added;
        }
        let wide = |a: u64, b: u64| u128::from(a) * u128::from(b);
        let products =
            [wide(z * z, count), wide(y * y, count), sum_xx, wide(z * y, count), wide(z, sum_x), wide(y, sum_x)];
        for (sum, added) in self.second.iter_mut().zip(products) {
            *sum += added;
        }
    }

    pub(super) fn centroid(&self) -> [f64; 3] {
        self.first.map(|sum| sum as f64 / self.count as f64)
    }

    /// The covariance of the voxels' coordinates in units of `spacing`, as a symmetric matrix.
    pub(super) fn covariance(&self, spacing: [f64; 3]) -> [[f64; 3]; 3] {
        let count = i128::from(self.count);
        let mut matrix = [[0.0; 3]; 3];
        for ([a, b], product) in PAIRS.into_iter().zip(self.second) {
            let numerator = count * product as i128 - i128::from(self.first[a]) * i128::from(self.first[b]);
            let value = numerator as f64 / (self.count as f64 * self.count as f64) * spacing[a] * spacing[b];
            matrix[a][b] = value;
            matrix[b][a] = value;
        }
        matrix
    }
}

/// 0 + 1 + 4 + ... + (end - 1)^2.
fn sum_of_squares(end: u64) -> u128 {
    let end = u128::from(end);
    end.saturating_sub(1) * end * (2 * end).saturating_sub(1) / 6
}

/// The ellipse, or the ellipsoid, with the second moments of a cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ellipse {
    pub(super) major: f64,
    pub(super) minor: f64,
    pub(super) eccentricity: f64,
    pub(super) orientation: f64,
}

impl Ellipse {
    /// scikit-image's `axis_major_length`, `axis_minor_length`, `eccentricity` and `orientation` in two dimensions.
    pub(super) fn of_plane(covariance: [[f64; 3]; 3]) -> Self {
        let (yy, xx, yx) = (covariance[1][1], covariance[2][2], covariance[1][2]);
        let (mean, root) = ((yy + xx) / 2.0, ((yy - xx) / 2.0).hypot(yx));
        let (large, small) = (mean + root, (mean - root).max(0.0));
        let orientation = match yy == xx {
            true if yx > 0.0 => std::f64::consts::FRAC_PI_4,
            true => -std::f64::consts::FRAC_PI_4,
            false => 0.5 * (2.0 * yx).atan2(yy - xx),
        };
        Self {
            major: 4.0 * large.sqrt(),
            minor: 4.0 * small.sqrt(),
            eccentricity: if large == 0.0 { 0.0 } else { (1.0 - small / large).sqrt() },
            orientation,
        }
    }

    /// scikit-image's `axis_major_length` and `axis_minor_length` in three dimensions: those of an ellipsoid.
    pub(super) fn lengths_of_stack(covariance: [[f64; 3]; 3]) -> [f64; 2] {
        let [large, _, small] = eigenvalues(covariance);
        [large, small].map(|value| (20.0 * value.max(0.0)).sqrt())
    }
}

/// The eigenvalues of a symmetric matrix, the largest first, by Jacobi rotations.
fn eigenvalues(mut a: [[f64; 3]; 3]) -> [f64; 3] {
    // A sweep squares the size of the other elements; a symmetric 3 x 3 matrix converges in about six.
    for _ in 0..12 {
        for [p, q] in [[0, 1], [0, 2], [1, 2]] {
            if a[p][q] == 0.0 {
                continue;
            }
            let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
            let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
            let cosine = 1.0 / tangent.hypot(1.0);
            let sine = tangent * cosine;
            for row in &mut a {
                let (at_p, at_q) = (row[p], row[q]);
                (row[p], row[q]) = (cosine * at_p - sine * at_q, sine * at_p + cosine * at_q);
            }
            let (row_p, row_q) = (a[p], a[q]);
            a[p] = [0, 1, 2].map(|k| cosine * row_p[k] - sine * row_q[k]);
            a[q] = [0, 1, 2].map(|k| sine * row_p[k] + cosine * row_q[k]);
        }
    }
    let mut values = [a[0][0], a[1][1], a[2][2]];
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvalues_of_known_matrices() {
        let close = |found: [f64; 3], expected: [f64; 3]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} {expected:?}");
        };
        close(eigenvalues([[1.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 2.0]]), [3.0, 2.0, 1.0]);
        let root = 2.0f64.sqrt();
        close(eigenvalues([[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 2.0]]), [2.0 + root, 2.0, 2.0 - root]);
        close(eigenvalues([[1.0; 3]; 3]), [3.0, 0.0, 0.0]);
    }
}
