//! Fills holes and drops small masks (the reference's `utils.fill_holes_and_remove_small_masks`).

use std::ops::Range;

use crate::parallel::*;
use cytoshade_core::Labels;

use crate::label_tables::{LabelStats, relabel, renumber, stats, table};

/// Drops masks of fewer than `min_size` pixels, fills the holes of the others, and drops again. A `min_size` of 0 drops
/// none.
///
/// A hole is a set of pixels outside of the mask, background or other masks, that is not connected over four neighbours
/// to the border of the mask's box. The resulting labels are 1, 2, ... without gaps.
pub fn fill_holes_and_remove_small(labels: &mut Labels, min_size: usize) {
    let size = [labels.height(), labels.width()];
    fill_and_remove(labels.as_mut_slice(), size, min_size);
}

/// As [`fill_holes_and_remove_small`], for labels of shape `size` of N axes.
pub(crate) fn fill_and_remove<const N: usize>(labels: &mut [u32], size: [usize; N], min_size: usize) {
    remove_small(labels, min_size);
    fill_holes(labels, size);
    if min_size > 0 {
        // This leaves no gaps.
        remove_small(labels, min_size);
    } else {
        close_gaps(labels);
    }
}

/// Drops masks of fewer than `min_size` pixels and renumbers the others in the order in which they first appear.
///
/// cellpose 3.1.1.2 takes the position of a count for a label: if labels have gaps, as after the flow check, it drops
/// other masks than the small ones. Version 4 drops each small mask by its own label, as this function does.
fn remove_small(labels: &mut [u32], min_size: usize) {
    if min_size == 0 {
        return;
    }
    let stats = stats(labels);
    renumber(labels, &stats, |label| stats[label].size < min_size);
}

/// Fills masks in the order of their labels, and renumbers them 1, 2, ... A mask within a hole of an earlier one
/// becomes part of it.
fn fill_holes<const N: usize>(labels: &mut [u32], size: [usize; N]) {
    let boxes = boxes(labels, size);
    let mut new = vec![0; boxes.len()];
    let present: Vec<usize> = (1..boxes.len()).filter(|&label| !boxes[label].is_empty()).collect();
    for (number, &label) in (1..).zip(&present) {
        new[label] = number;
    }
    let of_label = |&label: &usize| holes(labels, size, label as u32, &boxes[label]);
    let holes_of: Vec<Vec<usize>> = present.par_iter().map(of_label).collect();
    if holes_of.iter().flatten().all(|&at| labels[at] == 0) {
        // No mask lies in a hole of another, so the order does not matter.
        relabel(labels, &new);
        for (number, holes) in (1..).zip(holes_of) {
            holes.into_iter().for_each(|at| labels[at] = number);
        }
        return;
    }
    for label in present {
        let holes = holes(labels, size, label as u32, &boxes[label]);
        for row in boxes[label].rows(size) {
            labels[row].iter_mut().filter(|at| **at == label as u32).for_each(|at| *at = new[label]);
        }
        holes.into_iter().for_each(|at| labels[at] = new[label]);
    }
}

/// The smallest box around the pixels of a label: `start..end` on each axis.
#[derive(Clone, Copy)]
struct Bounds<const N: usize> {
    start: [usize; N],
    end: [usize; N],
}

impl<const N: usize> Bounds<N> {
    const EMPTY: Self = Self { start: [usize::MAX; N], end: [0; N] };

    fn is_empty(&self) -> bool {
        self.start[0] >= self.end[0]
    }

    /// The smallest box around two boxes.
    fn and(self, other: Self) -> Self {
        Self {
            start: std::array::from_fn(|axis| self.start[axis].min(other.start[axis])),
            end: std::array::from_fn(|axis| self.end[axis].max(other.end[axis])),
        }
    }

    fn lengths(&self) -> [usize; N] {
        std::array::from_fn(|axis| self.end[axis] - self.start[axis])
    }

    /// The index ranges of the box's rows in an array of shape `size`.
    fn rows(&self, size: [usize; N]) -> impl Iterator<Item = Range<usize>> {
        let lengths = self.lengths();
        let Self { start, .. } = *self;
        (0..lengths[..N - 1].iter().product()).map(move |row| {
            let place = coordinates(row * lengths[N - 1], lengths);
            let first = (0..N).fold(0, |index, axis| index * size[axis] + start[axis] + place[axis]);
            first..first + lengths[N - 1]
        })
    }
}

/// The box of every label, 0 included.
fn boxes<const N: usize>(labels: &[u32], size: [usize; N]) -> Vec<Bounds<N>> {
    let add = |bounds: &mut Bounds<N>, run: Range<usize>| {
        let start = coordinates(run.start, size);
        let mut end = start.map(|at| at + 1);
        end[N - 1] = start[N - 1] + run.len();
        *bounds = bounds.and(Bounds { start, end });
    };
    table(labels, size[N - 1], Bounds::EMPTY, add, Bounds::and)
}

/// The indices of a label's holes: pixels of its box, outside of the mask, that are not connected to the border of the
/// box.
fn holes<const N: usize>(labels: &[u32], size: [usize; N], label: u32, bounds: &Bounds<N>) -> Vec<usize> {
    const OPEN: u8 = 0;
    const CLOSED: u8 = 1;
    // The box, surrounded by one pixel that is closed.
    let lengths = bounds.lengths();
    let padded = lengths.map(|length| length + 2);
    let inner = Bounds { start: [1; N], end: lengths.map(|length| length + 1) };
    let mut cells = vec![CLOSED; padded.iter().product()];
    let mut inside = 0;
    for (row, cell_row) in bounds.rows(size).zip(inner.rows(padded)) {
        for (cell, &found) in cells[cell_row].iter_mut().zip(&labels[row]) {
            *cell = u8::from(found == label);
            inside += usize::from(found == label);
        }
    }
    if inside == 0 {
        // The mask was in a hole of an earlier one, which has overwritten it.
        return Vec::new();
    }
    let mut strides = [1; N];
    for axis in (1..N).rev() {
        strides[axis - 1] = strides[axis] * padded[axis];
    }
    let mut reached = Vec::new();
    let visit = |cells: &mut [u8], at: usize, reached: &mut Vec<usize>| {
        if cells[at] == OPEN {
            cells[at] = CLOSED;
            reached.push(at);
        }
    };
    for row in inner.rows(padded) {
        let place = coordinates(row.start, padded);
        if (0..N - 1).any(|axis| place[axis] == 1 || place[axis] == lengths[axis]) {
            row.for_each(|at| visit(&mut cells, at, &mut reached));
        } else {
            visit(&mut cells, row.start, &mut reached);
            visit(&mut cells, row.end - 1, &mut reached);
        }
    }
    while let Some(at) = reached.pop() {
        for stride in strides {
            visit(&mut cells, at - stride, &mut reached);
            visit(&mut cells, at + stride, &mut reached);
        }
    }
    let rows = bounds.rows(size).zip(inner.rows(padded));
    let open = rows.flat_map(|(row, cell_row)| {
        let cells = &cells[cell_row];
        row.zip(cells).filter(|&(_, &cell)| cell == OPEN).map(|(at, _)| at)
    });
    open.collect()
}

/// The coordinates of an index; the last axis is contiguous.
fn coordinates<const N: usize>(mut at: usize, size: [usize; N]) -> [usize; N] {
    let mut place = [0; N];
    for axis in (0..N).rev() {
        place[axis] = at % size[axis];
        at /= size[axis];
    }
    place
}

/// Renumbers the labels without gaps, in the same order.
fn close_gaps(labels: &mut [u32]) {
    let stats = stats(labels);
    let mut count = 0;
    let number = |(label, stats): (usize, &LabelStats)| {
        let present = label > 0 && stats.size > 0;
        count += u32::from(present);
        if present { count } else { 0 }
    };
    relabel(labels, &stats.iter().enumerate().map(number).collect::<Vec<u32>>());
}
