//! Filling holes and dropping small masks (the reference's `utils.fill_holes_and_remove_small_masks`).

use std::ops::Range;

use cytoshade_core::Labels;

use crate::masks::{renumber, sizes};

/// Drops masks of fewer than `min_size` pixels, fills the holes of the others, drops again and renumbers. A `min_size`
/// of 0 drops none.
///
/// A hole is background, or another mask, that does not reach the mask's bounds over its four neighbours. Labels come
/// out as 1, 2, ... without gaps.
pub fn fill_holes_and_remove_small(labels: &mut Labels, min_size: usize) {
    let size = [labels.height(), labels.width()];
    fill_and_remove(labels.as_mut_slice(), size, min_size);
}

/// The same for labels of N axes of the lengths `size`.
pub(crate) fn fill_and_remove<const N: usize>(labels: &mut [u32], size: [usize; N], min_size: usize) {
    remove_small(labels, min_size);
    fill_holes(labels, size);
    remove_small(labels, min_size);
    close_gaps(labels);
}

/// Drops small masks as the reference does: it counts the labels that are there, skips the first count (taken for the
/// background's), and drops label `k` where the `k`-th count is too small. Where labels have gaps, as after the flow
/// check, that is another mask than the small one; the second pass, without gaps, finds the small one.
fn remove_small(labels: &mut [u32], min_size: usize) {
    if min_size == 0 {
        return;
    }
    let present = sizes(labels).into_iter().filter(|&size| size > 0);
    let dropped: Vec<bool> = std::iter::once(false).chain(present.skip(1).map(|size| size < min_size)).collect();
    for label in labels.iter_mut() {
        if dropped.get(*label as usize) == Some(&true) {
            *label = 0;
        }
    }
    renumber(labels);
}

fn fill_holes<const N: usize>(labels: &mut [u32], size: [usize; N]) {
    let mut new = 0;
    for (index, bounds) in bounds(labels, size).into_iter().enumerate() {
        if let Some(bounds) = bounds {
            new += 1;
            fill(labels, size, index as u32 + 1, new, &bounds);
        }
    }
}

/// The smallest boxes around labels 1, 2, ...; `None` for labels that no pixel has.
fn bounds<const N: usize>(labels: &[u32], size: [usize; N]) -> Vec<Option<[Range<usize>; N]>> {
    let count = labels.iter().copied().max().unwrap_or(0) as usize;
    let mut all: Vec<Option<[Range<usize>; N]>> = vec![None; count];
    for (at, &label) in labels.iter().enumerate().filter(|&(_, &label)| label > 0) {
        let place = coordinates(at, size);
        let bounds = all[label as usize - 1].get_or_insert_with(|| place.map(|at| at..at + 1));
        for (bounds, at) in bounds.iter_mut().zip(place) {
            *bounds = bounds.start.min(at)..bounds.end.max(at + 1);
        }
    }
    all
}

/// Gives the label's pixels, and all that they enclose within the bounds, the label `new`. A label whose pixels an
/// earlier mask has swallowed encloses nothing.
fn fill<const N: usize>(labels: &mut [u32], size: [usize; N], label: u32, new: u32, bounds: &[Range<usize>; N]) {
    // Places in the box around the label.
    let lengths: [usize; N] = std::array::from_fn(|axis| bounds[axis].len());
    let in_labels = |at: usize| {
        let place = coordinates(at, lengths);
        (0..N).fold(0, |index, axis| index * size[axis] + bounds[axis].start + place[axis])
    };
    // What the outside reaches.
    let mut outside = vec![false; lengths.iter().product()];
    let mut reached: Vec<usize> = Vec::new();
    let visit = |at: usize, outside: &mut Vec<bool>, reached: &mut Vec<usize>| {
        if !outside[at] && labels[in_labels(at)] != label {
            outside[at] = true;
            reached.push(at);
        }
    };
    for at in 0..outside.len() {
        let place = coordinates(at, lengths);
        if (0..N).any(|axis| place[axis] == 0 || place[axis] + 1 == lengths[axis]) {
            visit(at, &mut outside, &mut reached);
        }
    }
    while let Some(at) = reached.pop() {
        let place = coordinates(at, lengths);
        let mut stride = 1;
        for axis in (0..N).rev() {
            if place[axis] > 0 {
                visit(at - stride, &mut outside, &mut reached);
            }
            if place[axis] + 1 < lengths[axis] {
                visit(at + stride, &mut outside, &mut reached);
            }
            stride *= lengths[axis];
        }
    }
    for (at, _) in outside.iter().enumerate().filter(|&(_, &outside)| !outside) {
        labels[in_labels(at)] = new;
    }
}

/// Where an index lies on each axis, the last one running fastest.
fn coordinates<const N: usize>(mut at: usize, size: [usize; N]) -> [usize; N] {
    let mut place = [0; N];
    for axis in (0..N).rev() {
        place[axis] = at % size[axis];
        at /= size[axis];
    }
    place
}

/// Numbers the labels without gaps, keeping their order.
fn close_gaps(labels: &mut [u32]) {
    let mut count = 0;
    let new: Vec<u32> = sizes(labels)
        .into_iter()
        .enumerate()
        .map(|(label, size)| {
            if label > 0 && size > 0 {
                count += 1;
                count
            } else {
                0
            }
        })
        .collect();
    for label in labels.iter_mut() {
        *label = new[*label as usize];
    }
}
