//! Stages on host planes that are too large for one binding.
//!
//! They run in strips and windows, with the results of the whole plane. Device memory is bounded by the largest
//! binding, independent of the plane.

mod strips;
mod windows;

use std::ops::Range;

pub use strips::follow_flows_in_strips;
pub use windows::remove_bad_in_windows;

/// Some rows of a plane.
fn in_rows<'p, T>(plane: &'p [T], rows: &Range<usize>, width: usize) -> &'p [T] {
    plane.get(rows.start * width..rows.end * width).unwrap_or_default()
}
