//! Contours of the cells: the outermost pixels of each, as in the reference.

use std::collections::BTreeMap;
use std::io::Write;

use cytoshade_core::contours::Contours;

use crate::limits::zeros;
use crate::{Error, LabelView, Labels};

/// The contour of a cell (the reference's `utils.outlines_list`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The cell.
    pub label: u32,
    /// The cell's outermost pixels as [x, y], in OpenCV's order.
    ///
    /// Consecutive pixels are neighbors, also diagonally. Empty if no contour of the cell has more than 4 pixels.
    pub points: Vec<[u32; 2]>,
}

/// The contour of every cell, by ascending label: the longest one if the cell has several parts.
///
/// Holes are ignored.
///
/// Source: the reference's `utils.outlines_list`, which uses the longest of OpenCV's external contours.
///
/// # Errors
/// [`Error::Memory`].
pub fn outlines(labels: &Labels) -> Result<Vec<Outline>, Error> {
    plane_outlines(labels.into())
}

fn plane_outlines(labels: LabelView<'_>) -> Result<Vec<Outline>, Error> {
    let mut longest: BTreeMap<u32, Vec<[u32; 2]>> = BTreeMap::new();
    contours(labels)?.each(|label, points| {
        let known = longest.entry(label).or_default();
        // OpenCV lists contours from the last one found, and the reference uses the first of equal length.
        if points.len() >= known.len() {
            *known = points;
        }
    });
    let outline = |(label, mut points): (u32, Vec<[u32; 2]>)| {
        // The reference drops contours of at most 4 pixels.
        if points.len() <= 4 {
            points.clear();
        }
        Outline { label, points }
    };
    Ok(longest.into_iter().map(outline).collect())
}

fn contours(labels: LabelView<'_>) -> Result<Contours<'_>, Error> {
    let all = labels.as_slice();
    Ok(Contours::new(all, [labels.height(), labels.width()], zeros(all.len())?))
}

/// The labels along the cells' contours, 0 elsewhere (`masks * utils.masks_to_outlines(masks)`).
///
/// # Errors
/// [`Error::Memory`].
pub fn outline_labels(labels: &Labels) -> Result<Labels, Error> {
    let mut edges = zeros(labels.as_slice().len())?;
    mark_outlines(labels.into(), &mut edges)?;
    Ok(Labels::new(edges, labels.height(), labels.width())?)
}

/// Writes the labels along the contours of one plane into `edges`, which has as many pixels.
pub(crate) fn mark_outlines(labels: LabelView<'_>, edges: &mut [u32]) -> Result<(), Error> {
    let width = labels.width();
    contours(labels)?.each(|label, points| {
        for [x, y] in points {
            if let Some(pixel) = edges.get_mut(y as usize * width + x as usize) {
                *pixel = label;
            }
        }
    });
    Ok(())
}

/// Writes `_cp_outlines.txt` as the reference's `io.outlines_to_text` does.
///
/// Each line holds the contour of one cell, by ascending label, as `x,y,x,y,...`. It is empty for a cell without an
/// outline (see [`Outline`]).
///
/// # Errors
/// [`Error::Write`], [`Error::Memory`]; [`Error::Output`] for a stack, which the reference does not write either.
pub fn write_outlines<'a, W: Write>(mut out: W, labels: impl Into<LabelView<'a>>) -> Result<(), Error> {
    let labels = labels.into().only_plane("outlines")?;
    for Outline { points, .. } in plane_outlines(labels)? {
        let coordinates: Vec<String> = points.as_flattened().iter().map(u32::to_string).collect();
        writeln!(out, "{}", coordinates.join(",")).map_err(Error::Write)?;
    }
    out.flush().map_err(Error::Write)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(rows: &[&str]) -> Labels {
        let data = rows.iter().flat_map(|row| row.bytes().map(|byte| u32::from(byte - b'0'))).collect();
        Labels::new(data, rows.len(), rows[0].len()).unwrap()
    }

    #[test]
    fn outlines_leave_holes_and_their_islands_out() {
        let ring = labels(&["11111", "10001", "10201", "10001", "11111"]);
        let edges = outline_labels(&ring).unwrap();
        assert_eq!(edges, labels(&["11111", "10001", "10201", "10001", "11111"]));
        let island = labels(&["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]);
        assert_eq!(outlines(&island).unwrap()[0].points.len(), 24);
        assert_eq!(outline_labels(&island).unwrap().as_slice().iter().filter(|&&pixel| pixel == 1).count(), 24);
        let dot = outlines(&labels(&["0200", "0220"])).unwrap();
        assert_eq!(dot, [Outline { label: 2, points: Vec::new() }]);
    }
}
