//! Stages on planes of the host that are too large for one binding.
//!
//! They run strip by strip and window by window, with the results of the whole plane. The largest binding bounds the
//! memory on the device, not the plane.

mod strips;
mod windows;

use std::ops::Range;

pub use strips::follow_flows_in_strips;
pub use windows::remove_bad_in_windows;

/// Some rows of a plane.
fn in_rows<'p, T>(plane: &'p [T], rows: &Range<usize>, width: usize) -> &'p [T] {
    plane.get(rows.start * width..rows.end * width).unwrap_or_default()
}
