//! CSV: a line of measurements for each cell.

use std::collections::BTreeMap;
use std::io::Write;

use crate::{Error, Labels};

/// The columns. Lengths are in pixels; the box runs from `top` and `left` up to, without, `bottom` and `right`.
const COLUMNS: &str = "label,area,centroid_y,centroid_x,top,left,bottom,right,equivalent_diameter";

#[derive(Default)]
struct Cell {
    area: u64,
    sum_y: u64,
    sum_x: u64,
    rows: Option<(usize, usize)>,
    columns: Option<(usize, usize)>,
}

impl Cell {
    fn add(&mut self, y: usize, x: usize) {
        let wider = |range: Option<(usize, usize)>, at: usize| {
            range.map_or((at, at + 1), |(from, to)| (from.min(at), to.max(at + 1)))
        };
        self.area += 1;
        self.sum_y += y as u64;
        self.sum_x += x as u64;
        self.rows = Some(wider(self.rows, y));
        self.columns = Some(wider(self.columns, x));
    }
}

/// Writes a table of the cells by ascending label: `label`, `area` in pixels, the centroid (the mean of the pixels'
/// coordinates, the first pixel's being 0), the bounding box, and the diameter of a disk of the same area. The values
/// are those of scikit-image's `regionprops`.
///
/// # Errors
/// [`Error::Write`].
pub fn write_csv<W: Write>(mut out: W, labels: &Labels) -> Result<(), Error> {
    let mut cells: BTreeMap<u32, Cell> = BTreeMap::new();
    for (y, row) in labels.as_slice().chunks(labels.width().max(1)).enumerate() {
        for (x, &label) in row.iter().enumerate().filter(|&(_, &label)| label != 0) {
            cells.entry(label).or_default().add(y, x);
        }
    }
    writeln!(out, "{COLUMNS}").map_err(Error::Write)?;
    for (label, Cell { area, sum_y, sum_x, rows, columns }) in cells {
        let ((top, bottom), (left, right)) = (rows.unwrap_or_default(), columns.unwrap_or_default());
        let pixels = area as f64;
        let (y, x) = (sum_y as f64 / pixels, sum_x as f64 / pixels);
        let diameter = (4.0 * pixels / std::f64::consts::PI).sqrt();
        writeln!(out, "{label},{area},{y:.3},{x:.3},{top},{left},{bottom},{right},{diameter:.3}")
            .map_err(Error::Write)?;
    }
    out.flush().map_err(Error::Write)
}
