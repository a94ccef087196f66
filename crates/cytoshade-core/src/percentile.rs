//! Which samples percentiles are made of (numpy's `percentile`, and the thinning of the reference's `normalize99`).

/// Samples above which percentiles are taken from every n-th layer, row and column.
const SAMPLED_ABOVE: usize = 224 * 224 * 224;
/// Rows and columns are thinned to about this many.
const SAMPLED_SIDE: usize = 224;
/// Layers are thinned to about this many.
const SAMPLED_LAYERS: usize = 50;

/// Every how manyth layer, row and column of a block of the size [depth, height, width] is a sample.
pub fn steps([depth, height, width]: [usize; 3]) -> [usize; 3] {
    if depth * height * width <= SAMPLED_ABOVE {
        return [1; 3];
    }
    let step = |length: usize, to: usize| (length / to).max(1);
    [step(depth, SAMPLED_LAYERS), step(height, SAMPLED_SIDE), step(width, SAMPLED_SIDE)]
}

/// The order statistics that a percentile lies between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rank {
    /// How many samples are below the lower one.
    pub below: usize,
    /// How many are below the upper one: one more, or as many at the end.
    pub above: usize,
    /// Share of the way from the lower to the upper one.
    pub gamma: f32,
}

impl Rank {
    /// The `q`th percentile of `count` samples: the index is computed in float32, as numpy 2 does. `None` where there
    /// are no samples.
    pub fn new(count: usize, q: f32) -> Option<Self> {
        let last = count.checked_sub(1)?;
        let index = last as f32 * (q / 100.0);
        let floor = index.floor();
        let (below, above) = if index >= last as f32 { (last, last) } else { (floor as usize, floor as usize + 1) };
        Some(Self { below, above, gamma: index - floor })
    }
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
