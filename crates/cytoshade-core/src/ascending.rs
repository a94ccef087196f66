//! Sorting by whole numbers.

/// The indices of `keys`, in ascending order of the keys. Indices of equal keys ascend.
///
/// The crates of the browser's build use this function for every order by numbers: each further sorted type would add
/// kilobytes of code to that build.
pub fn ascending(keys: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let mut keys: Vec<[usize; 2]> = keys.into_iter().zip(0..).map(|(key, index)| [key, index]).collect();
    sort(&mut keys);
    keys.into_iter().map(|[_, index]| index).collect()
}

#[inline(never)]
fn sort(keys: &mut [[usize; 2]]) {
    keys.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_of_equal_keys_ascend() {
        assert_eq!(ascending([3, 1, 2, 1, 0, 1]), [4, 1, 3, 5, 2, 0]);
        assert_eq!(ascending([]), [0usize; 0]);
    }
}
