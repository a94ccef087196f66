//! Medians.

/// The median of `count` ascending values, given by their positions: the mean of both middle ones if `count` is even.
pub(crate) fn of_positions(count: u64, value: impl Fn(u64) -> Option<f64>) -> Option<f64> {
    let (low, high) = (value(count.checked_sub(1)? / 2)?, value(count / 2)?);
    Some((low + high) / 2.0)
}

/// The median of ascending values.
pub(crate) fn of_sorted(values: &[f64]) -> Option<f64> {
    of_positions(values.len() as u64, |position| values.get(usize::try_from(position).ok()?).copied())
}

#[cfg(test)]
mod tests {
    use super::of_sorted;

    #[test]
    fn the_middle_one_or_the_mean_of_two() {
        let medians = [&[][..], &[1.0], &[1.0, 2.0], &[1.0, 2.0, 9.0]].map(of_sorted);
        assert_eq!(medians, [None, Some(1.0), Some(1.5), Some(2.0)]);
    }
}
