//! Percentiles of samples (numpy's `percentile` for float32 values).

use crate::parallel::*;

/// Samples above which percentiles are taken from every n-th layer, row and column (the reference's `normalize99`).
const SAMPLED_ABOVE: usize = 224 * 224 * 224;
/// Rows and columns are thinned to about this many.
const SAMPLED_SIDE: usize = 224;
/// Layers are thinned to about this many.
const SAMPLED_LAYERS: usize = 50;

/// The values at two percentiles of a block of samples of the size [depth, height, width].
pub(crate) fn bounds(values: &[f32], [depth, height, width]: [usize; 3], low: f32, high: f32) -> (f32, f32) {
    let mut sample: Vec<f32> = if values.len() > SAMPLED_ABOVE {
        let skip = |length: usize, to: usize| (length / to).max(1);
        let (skip_y, skip_x) = (skip(height, SAMPLED_SIDE), skip(width, SAMPLED_SIDE));
        let layers = values.chunks_exact(height * width).step_by(skip(depth, SAMPLED_LAYERS));
        let rows = layers.flat_map(|layer| layer.chunks_exact(width).step_by(skip_y));
        rows.flat_map(|row| row.iter().step_by(skip_x)).copied().collect()
    } else {
        values.to_vec()
    };
    (percentile(&mut sample, low), percentile(&mut sample, high))
}

/// numpy's `percentile(values, q)`, linear between order statistics: the index is computed in float32, as numpy 2 does.
/// Reorders. 0 where there are no values.
pub(crate) fn percentile(values: &mut [f32], q: f32) -> f32 {
    let Some(last) = values.len().checked_sub(1) else { return 0.0 };
    let index = last as f32 * (q / 100.0);
    let below = index.floor();
    let (previous, above) = if index >= last as f32 { (last, last) } else { (below as usize, below as usize + 1) };
    let gamma = index - below;
    let (_, &mut a, rest) = values.select_nth_unstable_by(previous, f32::total_cmp);
    let b = if above == previous { a } else { rest.iter().copied().min_by(f32::total_cmp).unwrap_or(a) };
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
