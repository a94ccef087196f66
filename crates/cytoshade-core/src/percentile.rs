//! The samples and ranks of percentiles (numpy's `percentile`, and the subsampling of the reference's `normalize99`).

/// Blocks of more samples are subsampled.
const SAMPLED_ABOVE: usize = 224 * 224 * 224;
/// Approximate number of rows and columns after subsampling.
const SAMPLED_SIDE: usize = 224;
/// Approximate number of z-slices after subsampling.
const SAMPLED_SLICES: usize = 50;

/// The sampling steps along Z, Y and X of a block of [depth, height, width]: 1 up to 224^3 samples.
pub fn steps([depth, height, width]: [usize; 3]) -> [usize; 3] {
    if depth * height * width <= SAMPLED_ABOVE {
        return [1; 3];
    }
    let step = |length: usize, to: usize| (length / to).max(1);
    [step(depth, SAMPLED_SLICES), step(height, SAMPLED_SIDE), step(width, SAMPLED_SIDE)]
}

/// The two order statistics between which a percentile lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rank {
    /// Rank of the lower one: the number of samples before it in ascending order.
    pub below: usize,
    /// Rank of the upper one: one more, or the same if the lower one is the last sample.
    pub above: usize,
    /// Fraction of the way from the lower to the upper one, 0 to 1.
    pub gamma: f32,
}

impl Rank {
    /// The ranks of the `q`th percentile, `q` from 0 to 100, of `count` samples. `None` without samples.
    ///
    /// Computes the index in f32, as numpy 2 does.
    pub fn new(count: usize, q: f32) -> Option<Self> {
        let last = count.checked_sub(1)?;
        let index = last as f32 * (q / 100.0);
        let floor = index.floor();
        let (below, above) = if index >= last as f32 { (last, last) } else { (floor as usize, floor as usize + 1) };
        Some(Self { below, above, gamma: index - floor })
    }

    /// Interpolates the percentile between the two order statistics, as numpy's `_lerp`.
    pub fn between(self, lower: f32, upper: f32) -> f32 {
        let step = upper - lower;
        if self.gamma >= 0.5 { upper - step * (1.0 - self.gamma) } else { lower + step * self.gamma }
    }
}

/// The `q`th percentile of samples, `q` from 0 to 100; 0 without samples. Reorders the samples.
///
/// numpy's `percentile`, which is linear between order statistics.
pub fn percentile(values: &mut [f32], q: f32) -> f32 {
    let Some(rank) = Rank::new(values.len(), q) else { return 0.0 };
    let (_, &mut lower, rest) = values.select_nth_unstable_by(rank.below, f32::total_cmp);
    let upper = if rank.above == rank.below { None } else { rest.iter().copied().min_by(f32::total_cmp) };
    rank.between(lower, upper.unwrap_or(lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_blocks_are_subsampled() {
        assert_eq!(steps([1, 3352, 3353]), [1; 3]);
        assert_eq!(steps([1, 3353, 3353]), [1, 14, 14]);
        assert_eq!(steps([100, 100, 2000]), [2, 1, 8]);
    }

    #[test]
    fn ranks_stay_within_the_samples() {
        assert_eq!(Rank::new(0, 50.0), None);
        assert_eq!(Rank::new(1, 50.0), Some(Rank { below: 0, above: 0, gamma: 0.0 }));
        assert_eq!(Rank::new(2, 25.0), Some(Rank { below: 0, above: 1, gamma: 0.25 }));
        assert_eq!(Rank::new(101, 100.0), Some(Rank { below: 100, above: 100, gamma: 0.0 }));
    }
}
