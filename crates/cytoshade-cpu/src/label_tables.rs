//! Tables with one entry a label, taken of all pixels and applied to all pixels by every thread. What is in them does not
//! depend on how the pixels are shared out.

use crate::parallel::*;

/// Fewest pixels of one task.
const TASK: usize = 1 << 16;

/// As many pixels for each thread, so that there are no more tables than threads.
fn share(labels: &[u32]) -> usize {
    labels.len().div_ceil(current_num_threads()).max(TASK)
}

/// The highest label, 0 where there is none.
pub(crate) fn highest(labels: &[u32]) -> u32 {
    labels.par_chunks(TASK).map(|labels| labels.iter().copied().max().unwrap_or(0)).max().unwrap_or(0)
}

/// A table of a value for each label, 0 included: `empty` until `add` has seen the index of a pixel of that label; tables
/// of neighbouring parts are joined by `join`.
fn table<T: Copy + Send + Sync>(
    labels: &[u32],
    empty: T,
    add: impl Fn(&mut T, usize) + Sync,
    join: impl Fn(T, T) -> T + Sync + Send,
) -> Vec<T> {
    let (entries, share) = (highest(labels) as usize + 1, share(labels));
    let of_part = |(part, labels): (usize, &[u32])| {
        let mut table = vec![empty; entries];
        for (at, &label) in labels.iter().enumerate() {
            add(&mut table[label as usize], part * share + at);
        }
        table
    };
    let joined = |mut first: Vec<T>, second: Vec<T>| {
        first.iter_mut().zip(second).for_each(|(first, second)| *first = join(*first, second));
        first
    };
    let tables = labels.par_chunks(share).enumerate().map(of_part);
    tables.reduce_with(joined).unwrap_or_else(|| vec![empty; entries])
}

/// Pixels of each label, 0 included.
pub(crate) fn sizes(labels: &[u32]) -> Vec<usize> {
    table(labels, 0, |size, _| *size += 1, |first, second| first + second)
}

/// Gives each pixel what stands in the table at its label.
pub(crate) fn relabel(labels: &mut [u32], new: &[u32]) {
    labels.par_chunks_mut(TASK).for_each(|labels| labels.iter_mut().for_each(|label| *label = new[*label as usize]));
}

/// Numbers the labels 1, 2, ... in the order in which they first appear, row by row (`fastremap.renumber`).
pub(crate) fn renumber(labels: &mut [u32]) {
    let first = table(labels, usize::MAX, |first, at| *first = at.min(*first), usize::min);
    let mut present: Vec<usize> = (1..first.len()).filter(|&label| first[label] != usize::MAX).collect();
    present.sort_unstable_by_key(|&label| first[label]);
    let mut new = vec![0; first.len()];
    for (number, label) in (1..).zip(present) {
        new[label] = number;
    }
    relabel(labels, &new);
}
