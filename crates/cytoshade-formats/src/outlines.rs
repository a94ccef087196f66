//! Contours of the cells: the outermost pixels of each, as in the reference.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;

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
    Contours::new(labels)?.each(|label, points| {
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
    Contours::new(labels)?.each(|label, points| {
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

/// Steps to the eight neighbors as [x, y], from the east counterclockwise: OpenCV's chain code.
const NEIGHBORS: [[isize; 2]; 8] = [[1, 0], [1, -1], [0, -1], [-1, -1], [-1, 0], [-1, 1], [0, 1], [1, 1]];
const WEST: usize = 4;

/// Marks of border following: a pixel of an outer border, and one whose right neighbor is outside.
const BORDER: i8 = 1;
const RIGHT_BORDER: i8 = -1;

/// OpenCV's `findContours` (`RETR_EXTERNAL`, `CHAIN_APPROX_NONE`) on all labels in one pass.
///
/// Source: Suzuki and Abe, "Topological structural analysis of digitized binary images by border following", 1985, as
/// OpenCV implements it.
struct Contours<'a> {
    labels: LabelView<'a>,
    marks: Vec<i8>,
    /// Last marked pixel of each label.
    last: HashMap<u32, usize>,
}

impl<'a> Contours<'a> {
    fn new(labels: LabelView<'a>) -> Result<Self, Error> {
        Ok(Self { labels, marks: zeros(labels.as_slice().len())?, last: HashMap::new() })
    }

    fn each(mut self, mut found: impl FnMut(u32, Vec<[u32; 2]>)) {
        let width = self.labels.width();
        let all = self.labels.as_slice();
        for (at, &label) in all.iter().enumerate().filter(|&(_, &label)| label != 0) {
            let starts = at % width == 0 || all[at - 1] != label;
            if starts && self.marks[at] == 0 && !self.is_inside(label, at) {
                let points = self.follow(at, label);
                found(label, points);
            }
            if self.marks[at] != 0 {
                self.last.insert(label, at);
            }
        }
    }

    /// True if a pixel is in a hole of its label: the last border to its left does not face outside.
    fn is_inside(&self, label: u32, at: usize) -> bool {
        let width = self.labels.width();
        self.last.get(&label).is_some_and(|&last| last / width == at / width && self.marks[last] == BORDER)
    }

    /// The position of a neighbor, if it has the same label.
    fn neighbor(&self, at: usize, direction: usize, label: u32) -> Option<usize> {
        let (width, height) = (self.labels.width(), self.labels.height());
        let [dx, dy] = NEIGHBORS[direction % 8];
        let x = (at % width).checked_add_signed(dx).filter(|&x| x < width)?;
        let y = (at / width).checked_add_signed(dy).filter(|&y| y < height)?;
        let place = y * width + x;
        (self.labels.as_slice()[place] == label).then_some(place)
    }

    /// Follows the border from its first pixel in reading order.
    ///
    /// The west neighbor of that pixel has another label.
    fn follow(&mut self, start: usize, label: u32) -> Vec<[u32; 2]> {
        let width = self.labels.width();
        let point = |at: usize| [(at % width) as u32, (at / width) as u32];
        // Clockwise from the west: the last pixel of the border before it closes.
        let end = (1..8)
            .map(|turn| (WEST + 8 - turn) % 8)
            .find(|&direction| self.neighbor(start, direction, label).is_some());
        let Some(mut direction) = end else {
            self.marks[start] = RIGHT_BORDER;
            return vec![point(start)];
        };
        let before_start = self.neighbor(start, direction, label);
        let (mut points, mut at) = (Vec::new(), start);
        loop {
            let from = direction;
            let next = loop {
                direction += 1;
                // The previous border pixel is a neighbor, so this ends.
                if let Some(next) = self.neighbor(at, direction, label) {
                    break next;
                }
            };
            direction %= 8;
            let passed_east = direction.wrapping_sub(1) < from;
            if passed_east {
                self.marks[at] = RIGHT_BORDER;
            } else if self.marks[at] == 0 {
                self.marks[at] = BORDER;
            }
            points.push(point(at));
            if next == start && Some(at) == before_start {
                return points;
            }
            at = next;
            direction = (direction + 4) % 8;
        }
    }
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
