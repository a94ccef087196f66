//! Tables with one entry per label, which all threads compute from the pixels and apply to the pixels. The entries do
//! not depend on the number of threads.

use std::ops::Range;

use cytoshade_core::ascending;

use crate::parallel::*;

/// Fewest pixels of one task.
const TASK: usize = 1 << 16;

/// A table of one value for each label, 0 included.
///
/// Each value starts as `empty`. `add` adds a run of pixels of the label to it; a run never spans two rows of `row`
/// pixels. `join` joins the values of two parts of the image.
pub(crate) fn table<T: Copy + Send + Sync>(
    labels: &[u32],
    row: usize,
    empty: T,
    add: impl Fn(&mut T, Range<usize>) + Sync,
    join: impl Fn(T, T) -> T + Sync + Send,
) -> Vec<T> {
    // Equal parts for all threads: no more tables than threads.
    let share = labels.len().div_ceil(current_num_threads()).max(TASK).next_multiple_of(row.max(1));
    let of_part = |(part, labels): (usize, &[u32])| {
        let mut table = vec![empty];
        let mut at = part * share;
        for run in labels.chunks(row.max(1)).flat_map(|row| row.chunk_by(u32::eq)) {
            let label = run[0] as usize;
            if label >= table.len() {
                table.resize(label + 1, empty);
            }
            add(&mut table[label], at..at + run.len());
            at += run.len();
        }
        table
    };
    let joined = |mut first: Vec<T>, mut second: Vec<T>| {
        let more = second.split_off(first.len().min(second.len()));
        first.iter_mut().zip(second).for_each(|(first, second)| *first = join(*first, second));
        first.extend(more);
        first
    };
    let tables = labels.par_chunks(share).enumerate().map(of_part);
    tables.reduce_with(joined).unwrap_or_else(|| vec![empty])
}

/// Size and first pixel of a label.
#[derive(Clone, Copy)]
pub(crate) struct LabelStats {
    /// Number of pixels.
    pub(crate) size: usize,
    /// Index of the first pixel.
    first: usize,
}

/// The [`LabelStats`] of each label, 0 included.
pub(crate) fn stats(labels: &[u32]) -> Vec<LabelStats> {
    let add = |stats: &mut LabelStats, run: Range<usize>| {
        stats.size += run.len();
        stats.first = stats.first.min(run.start);
    };
    let join = |a: LabelStats, b: LabelStats| LabelStats { size: a.size + b.size, first: a.first.min(b.first) };
    table(labels, TASK, LabelStats { size: 0, first: usize::MAX }, add, join)
}

/// Replaces each label by its entry in the table.
pub(crate) fn relabel(labels: &mut [u32], new: &[u32]) {
    if (0..).zip(new).all(|(old, &new)| old == new) {
        return;
    }
    labels.par_chunks_mut(TASK).for_each(|labels| labels.iter_mut().for_each(|label| *label = new[*label as usize]));
}

/// Renumbers the labels 1, 2, ... in the order in which they first appear, row by row (`fastremap.renumber`). Labels
/// that are `dropped` become background.
pub(crate) fn renumber(labels: &mut [u32], stats: &[LabelStats], dropped: impl Fn(usize) -> bool) {
    let present: Vec<usize> = (1..stats.len()).filter(|&label| stats[label].size > 0 && !dropped(label)).collect();
    let mut new = vec![0; stats.len()];
    for (number, at) in (1..).zip(ascending(present.iter().map(|&label| stats[label].first))) {
        new[present[at]] = number;
    }
    relabel(labels, &new);
}

/// Writes the labels `found` to the pixels at the indices `pixels`, which are ascending.
pub(crate) fn place(labels: &mut [u32], pixels: &[u32], found: &[u32]) {
    labels.par_chunks_mut(TASK).enumerate().for_each(|(task, labels)| {
        let start = task * TASK;
        let [first, end] =
            [start, start + labels.len()].map(|at| pixels.partition_point(|&pixel| (pixel as usize) < at));
        for (&pixel, &found) in pixels[first..end].iter().zip(&found[first..]) {
            labels[pixel as usize - start] = found;
        }
    });
}
