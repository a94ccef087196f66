//! Fills holes and drops small masks in 3-D (the reference's `utils.fill_holes_and_remove_small_masks`).

use cytoshade_core::LabelVolume;

use crate::fill_holes::fill_and_remove;

/// As [`crate::fill_holes::fill_holes_and_remove_small`], with six neighbours instead of four, and `min_size` in
/// voxels.
pub fn fill_holes_and_remove_small(labels: &mut LabelVolume, min_size: usize) {
    let size = labels.size();
    fill_and_remove(labels.as_mut_slice(), size, min_size);
}
