//! Contours of the cells: the outermost pixels of each.

use std::collections::HashMap;

/// Steps to the eight neighbours as [x, y], from the east counterclockwise: OpenCV's chain code.
const NEIGHBORS: [[isize; 2]; 8] = [[1, 0], [1, -1], [0, -1], [-1, -1], [-1, 0], [-1, 1], [0, 1], [1, 1]];
const WEST: usize = 4;

/// Marks of border following: a pixel of an outer border, and one whose right neighbour is outside.
const BORDER: i8 = 1;
const RIGHT_BORDER: i8 = -1;

/// OpenCV's `findContours` (`RETR_EXTERNAL`, `CHAIN_APPROX_NONE`) on all labels in one pass.
///
/// Source: Suzuki and Abe, "Topological structural analysis of digitized binary images by border following", 1985, as
/// OpenCV implements it.
#[derive(Debug)]
pub struct Contours<'a> {
    labels: &'a [u32],
    height: usize,
    width: usize,
    marks: Vec<i8>,
    /// Last marked pixel of each label.
    last: HashMap<u32, usize>,
}

impl<'a> Contours<'a> {
    /// The contours of labels of shape [height, width]. The caller reserves `marks`: a zero for each label.
    ///
    /// # Panics
    /// If `labels` or `marks` have another length than the shape.
    pub fn new(labels: &'a [u32], [height, width]: [usize; 2], marks: Vec<i8>) -> Self {
        assert!(labels.len() == height * width && marks.len() == labels.len(), "a label and a mark for each pixel");
        Self { labels, height, width, marks, last: HashMap::new() }
    }

    /// Passes each contour to `found`: its label and its pixels as [x, y]. A label of several parts has several
    /// contours.
    pub fn each(mut self, mut found: impl FnMut(u32, Vec<[u32; 2]>)) {
        let (width, all) = (self.width, self.labels);
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
        let width = self.width;
        self.last.get(&label).is_some_and(|&last| last / width == at / width && self.marks[last] == BORDER)
    }

    /// The position of a neighbour, if it has the same label.
    fn neighbor(&self, at: usize, direction: usize, label: u32) -> Option<usize> {
        let (width, height) = (self.width, self.height);
        let [dx, dy] = NEIGHBORS[direction % 8];
        let x = (at % width).checked_add_signed(dx).filter(|&x| x < width)?;
        let y = (at / width).checked_add_signed(dy).filter(|&y| y < height)?;
        let place = y * width + x;
        (self.labels[place] == label).then_some(place)
    }

    /// Follows the border from its first pixel in reading order.
    ///
    /// The west neighbour of that pixel has another label.
    fn follow(&mut self, start: usize, label: u32) -> Vec<[u32; 2]> {
        let width = self.width;
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
                // The previous border pixel is a neighbour, so this ends.
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
