//! Percentiles of samples (numpy's `percentile` for float32 values).

use std::borrow::Cow;

use crate::parallel::*;
#[cfg(not(target_family = "wasm"))]
use cytoshade_core::percentile::Rank;
pub(crate) use cytoshade_core::percentile::percentile;
use cytoshade_core::percentile::steps;

/// Minimum number of samples for which all threads search for an order statistic.
#[cfg(not(target_family = "wasm"))]
const MANY: usize = 1 << 17;

// Loops over values are `#[inline(never)]` for the reason stated in `network`.

/// The values at the percentiles `low` and `high`, from 0 to 100, of a block of samples of size [depth, height, width].
#[inline(never)]
pub(crate) fn bounds(values: &[f32], size: [usize; 3], low: f32, high: f32) -> (f32, f32) {
    let [_, height, width] = size;
    let sample = match steps(size) {
        [1, 1, 1] => Cow::Borrowed(values),
        [z, y, x] => {
            let slices = values.chunks_exact(height * width).step_by(z);
            let rows = slices.flat_map(|slice| slice.chunks_exact(width).step_by(y));
            Cow::Owned(rows.flat_map(|row| row.iter().step_by(x)).copied().collect())
        }
    };
    #[cfg(not(target_family = "wasm"))]
    if sample.len() >= MANY {
        let ranks = [low, high].map(|q| Rank::new(sample.len(), q));
        let [Some(low), Some(high)] = ranks else { return (0.0, 0.0) };
        let at = many::select(&sample, [low.below, low.above, high.below, high.above]);
        return (low.between(at[0], at[1]), high.between(at[2], at[3]));
    }
    let mut sample = sample.into_owned();
    (percentile(&mut sample, low), percentile(&mut sample, high))
}

/// Whether all values are equal.
#[inline(never)]
pub(crate) fn is_constant(values: &[f32]) -> bool {
    values.first().is_none_or(|&first| values.par_iter().all(|&value| value == first))
}

/// Order statistics of many values on all threads: a radix selection over their bits, half of the bits at a time.
#[cfg(not(target_family = "wasm"))]
mod many {
    use super::*;

    /// Bits of a digit: a value has two digits.
    const DIGIT: u32 = 16;

    /// The bits of a value as an integer in the order of [`f32::total_cmp`].
    fn key(value: f32) -> u32 {
        let bits = value.to_bits();
        bits ^ if bits >> 31 == 0 { 1 << 31 } else { u32::MAX }
    }

    fn value(key: u32) -> f32 {
        f32::from_bits(key ^ if key >> 31 == 1 { 1 << 31 } else { u32::MAX })
    }

    /// Counts the values of each digit. `digit` maps a key to its digit, or to `None` to leave the value out.
    fn count(values: &[f32], digit: impl Fn(u32) -> Option<u16> + Sync) -> Vec<usize> {
        let share = values.len().div_ceil(current_num_threads()).max(MANY);
        let of_part = |values: &[f32]| {
            let mut counts = vec![0usize; 1 << DIGIT];
            values.iter().filter_map(|&value| digit(key(value))).for_each(|digit| counts[usize::from(digit)] += 1);
            counts
        };
        let joined = |mut first: Vec<usize>, second: Vec<usize>| {
            first.iter_mut().zip(second).for_each(|(first, second)| *first += second);
            first
        };
        values.par_chunks(share).map(of_part).reduce_with(joined).unwrap_or_default()
    }

    /// The digit of the value of rank `rank`, and the rank of the value among the values of this digit.
    fn find(counts: &[usize], mut rank: usize) -> (u32, usize) {
        for (digit, &count) in (0..).zip(counts) {
            if rank < count {
                return (digit, rank);
            }
            rank -= count;
        }
        (u32::MAX >> DIGIT, 0)
    }

    /// The values of these ranks (numbers of values before them in ascending order). Ascending ranks take the fewest
    /// passes.
    pub(super) fn select<const N: usize>(values: &[f32], ranks: [usize; N]) -> [f32; N] {
        let upper = count(values, |key| Some((key >> DIGIT) as u16));
        let mut last: Option<(u32, Vec<usize>)> = None;
        ranks.map(|rank| {
            let (high, rank) = find(&upper, rank);
            if last.as_ref().is_none_or(|(of, _)| *of != high) {
                last = Some((high, count(values, |key| (key >> DIGIT == high).then_some(key as u16))));
            }
            let (low, _) = last.as_ref().map_or((0, 0), |(_, counts)| find(counts, rank));
            value(high << DIGIT | low)
        })
    }
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

    /// Values of both signs and infinities, some of them repeated, in parts for several threads.
    #[test]
    #[cfg_attr(miri, ignore = "too many values")]
    #[cfg(not(target_family = "wasm"))]
    fn many_values_are_selected_as_few_are() {
        let number = |i: usize| (i * 7919 % 100_003) as f32 - 50_000.0;
        let values = (0..3 * MANY).map(|i| match i % 8 {
            0 => -0.0,
            1 => 0.0,
            2 => f32::NEG_INFINITY,
            3 => 1.5,
            _ => number(i) * number(i + 1),
        });
        let values: Vec<f32> = values.collect();
        let mut sorted = values.clone();
        sorted.sort_by(f32::total_cmp);
        let last = values.len() - 1;
        for ranks in [[0, 1, last - 1, last], [last / 100, last / 100 + 1, last / 4, last / 2], [last; 4]] {
            let found = many::select(&values, ranks).map(f32::to_bits);
            assert_eq!(found, ranks.map(|rank| sorted[rank].to_bits()));
        }
    }
}
