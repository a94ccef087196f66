//! Percentiles of samples (numpy's `percentile` for float32 values).

use crate::parallel::*;
use cytoshade_core::percentile::{Rank, steps};

/// The values at two percentiles of a block of samples of the size [depth, height, width].
pub(crate) fn bounds(values: &[f32], size: [usize; 3], low: f32, high: f32) -> (f32, f32) {
    let [_, height, width] = size;
    let mut sample: Vec<f32> = match steps(size) {
        [1, 1, 1] => values.to_vec(),
        [z, y, x] => {
            let layers = values.chunks_exact(height * width).step_by(z);
            let rows = layers.flat_map(|layer| layer.chunks_exact(width).step_by(y));
            rows.flat_map(|row| row.iter().step_by(x)).copied().collect()
        }
    };
    (percentile(&mut sample, low), percentile(&mut sample, high))
}

/// numpy's `percentile(values, q)`, linear between order statistics. Reorders. 0 where there are no values.
pub(crate) fn percentile(values: &mut [f32], q: f32) -> f32 {
    let Some(Rank { below, above, gamma }) = Rank::new(values.len(), q) else { return 0.0 };
    let (_, &mut a, rest) = values.select_nth_unstable_by(below, f32::total_cmp);
    let b = if above == below { a } else { rest.iter().copied().min_by(f32::total_cmp).unwrap_or(a) };
    let step = b - a;
    if gamma >= 0.5 { b - step * (1.0 - gamma) } else { a + step * gamma }
}

/// True where all values are the same.
pub(crate) fn is_constant(values: &[f32]) -> bool {
    values.first().is_none_or(|&first| values.par_iter().all(|&value| value == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate_between_order_statistics() {
        let mut values: Vec<f32> = (0..101).rev().map(|v| v as f32).collect();
        assert_eq!(percentile(&mut values, 99.0), 99.0);
        assert_eq!(percentile(&mut values, 100.0), 100.0);
        assert_eq!(percentile(&mut [0.0, 10.0], 25.0), 2.5);
        assert_eq!(percentile(&mut [3.0], 50.0), 3.0);
    }
}
