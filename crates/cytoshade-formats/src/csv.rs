//! CSV: one row of measurements per cell.

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::io::{self, Write};
use std::ops::Range;

use crate::{Error, LabelView};

/// Sums over the pixels of a cell; the axes are Z, Y, X.
#[derive(Default)]
struct Cell {
    pixels: u64,
    sums: [u64; 3],
    ranges: [Range<usize>; 3],
}

impl Cell {
    fn add(&mut self, position: [usize; 3]) {
        for ((at, sum), range) in position.into_iter().zip(&mut self.sums).zip(&mut self.ranges) {
            *sum += at as u64;
            *range = if self.pixels == 0 { at..at + 1 } else { range.start.min(at)..range.end.max(at + 1) };
        }
        self.pixels += 1;
    }
}

/// Writes one row per cell, by ascending label, with the values of scikit-image's `regionprops`.
///
/// Columns for an image: `label`, `area`, the centroid `centroid_y`, `centroid_x`, the bounding box `top`, `left`,
/// `bottom`, `right` and `equivalent_diameter`, the diameter of a disk of the same area. Lengths are in pixels; the
/// first pixel has the coordinates 0, 0; the box excludes `bottom` and `right`.
///
/// For a stack: `label`, `volume` in voxels, `centroid_z` before the other two, the box `z_start`, `top`, `left`,
/// `z_end`, `bottom`, `right`, and the diameter of a ball of the same volume, as if voxels were cubes. For a time series,
/// the column `frame` comes first, from 0.
///
/// # Errors
/// [`Error::Write`].
pub fn write_csv<'a, W: Write>(mut out: W, labels: impl Into<LabelView<'a>>) -> Result<(), Error> {
    table(&mut out, labels.into()).map_err(Error::Write)
}

fn table<W: Write>(out: &mut W, labels: LabelView<'_>) -> io::Result<()> {
    let is_stack = labels.slices().is_some();
    let frame = if labels.frames().is_some() { "frame," } else { "" };
    let (size, z, [z_start, z_end]) =
        if is_stack { ("volume", "centroid_z,", ["z_start,", "z_end,"]) } else { ("area", "", [""; 2]) };
    writeln!(
        out,
        "{frame}label,{size},{z}centroid_y,centroid_x,{z_start}top,left,{z_end}bottom,right,equivalent_diameter"
    )?;
    // Without the Z axis.
    let axes = usize::from(!is_stack)..3;
    for (frame, labels) in labels.time_points() {
        for (label, Cell { pixels, sums, ranges }) in cells(labels) {
            if let Some(frame) = frame {
                write!(out, "{frame},")?;
            }
            write!(out, "{label},{pixels}")?;
            let pixels = pixels as f64;
            for sum in &sums[axes.clone()] {
                write!(out, ",{:.3}", *sum as f64 / pixels)?;
            }
            let ranges = &ranges[axes.clone()];
            for side in ranges.iter().map(|range| range.start).chain(ranges.iter().map(|range| range.end)) {
                write!(out, ",{side}")?;
            }
            let diameter = if is_stack { (6.0 * pixels / PI).cbrt() } else { (4.0 * pixels / PI).sqrt() };
            writeln!(out, ",{diameter:.3}")?;
        }
    }
    out.flush()
}

fn cells(labels: LabelView<'_>) -> BTreeMap<u32, Cell> {
    let mut cells: BTreeMap<u32, Cell> = BTreeMap::new();
    for plane in labels.planes() {
        let z = plane.slice.unwrap_or(0);
        for (y, row) in plane.labels.as_slice().chunks(labels.width().max(1)).enumerate() {
            for (x, &label) in row.iter().enumerate().filter(|&(_, &label)| label != 0) {
                cells.entry(label).or_default().add([z, y, x]);
            }
        }
    }
    cells
}
