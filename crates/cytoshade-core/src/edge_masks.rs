//! Removal of the cells that touch the border.

use std::collections::{BTreeMap, HashSet};

use crate::{LabelVolume, Labels};

impl Labels {
    /// Removes every cell with a pixel on the image's border, and renumbers the others from 1 in ascending order (the
    /// reference's `utils.remove_edge_masks`).
    pub fn remove_edge_masks(&mut self) {
        let size = [1, self.height(), self.width()];
        // The only plane of an image is no border.
        remove(self.as_mut_slice(), size, false);
    }
}

impl LabelVolume {
    /// Removes every cell with a voxel on the stack's border, which includes the first and the last z-slice, and
    /// renumbers the others from 1 in ascending order (the reference's `utils.remove_edge_masks`).
    pub fn remove_edge_masks(&mut self) {
        let size = self.size();
        remove(self.as_mut_slice(), size, true);
    }
}

fn remove(labels: &mut [u32], [depth, height, width]: [usize; 3], has_z_border: bool) {
    let rows = || (0..depth).flat_map(|z| (0..height).map(move |y| (z, y)));
    let mut removed = HashSet::new();
    for ((z, y), row) in rows().zip(labels.chunks_exact(width.max(1))) {
        let is_on_border = y == 0 || y + 1 == height || has_z_border && (z == 0 || z + 1 == depth);
        if is_on_border {
            removed.extend(row);
        } else {
            removed.extend(row.first().into_iter().chain(row.last()));
        }
    }
    removed.insert(0);
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    for_runs(labels, |label| {
        numbers.insert(label, 0);
        label
    });
    numbers.retain(|label, _| !removed.contains(label));
    for (number, new) in numbers.values_mut().zip(1..) {
        *number = new;
    }
    for_runs(labels, |label| numbers.get(&label).copied().unwrap_or(0));
}

/// Replaces each run of equal labels by the label that `change` returns, with one call for each run.
fn for_runs(labels: &mut [u32], mut change: impl FnMut(u32) -> u32) {
    for run in labels.chunk_by_mut(|a, b| a == b) {
        if let Some(&label) = run.first() {
            run.fill(change(label));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_on_the_border_go_and_the_others_are_numbered() {
        #[rustfmt::skip]
        let mut labels = Labels::new(vec![
            0, 0, 9, 0, 0,
            0, 7, 9, 5, 0,
            0, 7, 0, 5, 0,
            4, 7, 0, 2, 2,
            0, 0, 0, 0, 0,
        ], 5, 5).unwrap();
        labels.remove_edge_masks();
        #[rustfmt::skip]
        assert_eq!(labels.as_slice(), [
            0, 0, 0, 0, 0,
            0, 2, 0, 1, 0,
            0, 2, 0, 1, 0,
            0, 2, 0, 0, 0,
            0, 0, 0, 0, 0,
        ]);
        let mut empty = Labels::zeros(0, 0);
        empty.remove_edge_masks();
    }

    #[test]
    fn the_first_and_last_slices_are_a_border() {
        let mut labels = LabelVolume::zeros(3, 3, 3);
        labels.as_mut_slice()[13] = 8;
        let inside = labels.clone();
        labels.remove_edge_masks();
        assert_eq!(labels.as_slice()[13], 1);
        let mut labels = inside;
        labels.as_mut_slice()[4] = 8;
        labels.remove_edge_masks();
        assert_eq!(labels.max(), 0);
    }
}
