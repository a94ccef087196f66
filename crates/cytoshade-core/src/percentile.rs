//! Percentiles (numpy's `percentile`), and the thinning of samples before them (the reference's `normalize99`).

/// Samples above which percentiles are taken from every n-th z-slice, row and column.
const SAMPLED_ABOVE: usize = 224 * 224 * 224;
/// Rows and columns are thinned to about this many.
const SAMPLED_SIDE: usize = 224;
/// Z-slices are thinned to about this many.
const SAMPLED_SLICES: usize = 50;

/// The steps from one sample to the next along the axes of a block [depth, height, width].
pub fn steps([depth, height, width]: [usize; 3]) -> [usize; 3] {
    if depth * height * width <= SAMPLED_ABOVE {
        return [1; 3];
    }
    let step = |length: usize, to: usize| (length / to).max(1);
    [step(depth, SAMPLED_SLICES), step(height, SAMPLED_SIDE), step(width, SAMPLED_SIDE)]
}

/// The two order statistics around a percentile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rank {
    /// Number of samples below the lower one.
    pub below: usize,
    /// Number of samples below the upper one: one more, or as many at the end.
    pub above: usize,
    /// The percentile's distance from the lower one, over the distance between the two.
    pub gamma: f32,
}

impl Rank {
    /// The `q`th percentile of `count` samples: the index is computed in float32, as numpy 2 does. `None` without
    /// samples.
    pub fn new(count: usize, q: f32) -> Option<Self> {
        let last = count.checked_sub(1)?;
        let index = last as f32 * (q / 100.0);
        let floor = index.floor();
        let (below, above) = if index >= last as f32 { (last, last) } else { (floor as usize, floor as usize + 1) };
        Some(Self { below, above, gamma: index - floor })
    }

    /// The percentile between the two order statistics.
    pub fn between(self, lower: f32, upper: f32) -> f32 {
        let step = upper - lower;
        if self.gamma >= 0.5 { upper - step * (1.0 - self.gamma) } else { lower + step * self.gamma }
    }
}

/// The `q`th percentile of samples (numpy's `percentile`, linear between order statistics). Reorders the samples. 0 if there
/// are none.
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
    fn only_large_blocks_are_thinned() {
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
