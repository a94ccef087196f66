//! The ends of a cell's rows, which determine its convex hull.

use std::ops::Range;

/// The first and the last voxel of a cell in one row of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowExtent {
    pub(super) z: u32,
    pub(super) y: u32,
    pub(super) first: u32,
    pub(super) last: u32,
}

/// The extents of a cell's rows, by ascending Z and Y.
#[derive(Clone, Debug, Default)]
pub(super) struct Extents(Vec<RowExtent>);

impl Extents {
    /// Adds the voxels `columns` of a row; rows arrive in order, the runs of a row from left to right.
    pub(super) fn add_run(&mut self, [z, y]: [usize; 2], columns: Range<usize>) {
        let [z, y, first, last] = [z, y, columns.start, columns.end - 1].map(|side| side as u32);
        match self.0.last_mut() {
            Some(row) if (row.z, row.y) == (z, y) => row.last = last,
            _ => self.0.push(RowExtent { z, y, first, last }),
        }
    }

    pub(super) fn rows(&self) -> &[RowExtent] {
        &self.0
    }
}
