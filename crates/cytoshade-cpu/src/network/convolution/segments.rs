//! Rows cut into pieces whose sums fit in registers.

/// Cuts a row into the fewest pieces of at most `most` pixels, of nearly equal length: (start, length) of each.
pub(super) fn segments(width: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = width.div_ceil(most);
    (0..count).map(move |i| (i * width / count, (i + 1) * width / count - i * width / count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_cover_a_row_without_gaps() {
        for width in 1..100 {
            for most in 1..20 {
                let mut next = 0;
                for (start, length) in segments(width, most) {
                    assert_eq!(start, next);
                    assert!((1..=most).contains(&length));
                    next = start + length;
                }
                assert_eq!(next, width);
            }
        }
    }
}
