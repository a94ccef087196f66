//! Polygons along the edges of the pixels of each cell.

use std::collections::{BTreeMap, HashMap};

use cytoshade_core::ascending;

use crate::limits::zeros;
use crate::{Error, LabelView, Labels};

/// One connected part of a cell, with its holes.
///
/// Rings are corners of pixels as [x, y], from [0, 0] to [width, height], without the first corner repeated at the end.
/// No ring crosses itself or another; rings touch in single corners at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polygon {
    /// Outer ring, clockwise as the image is displayed.
    pub exterior: Vec<[u32; 2]>,
    /// Rings around the holes, counterclockwise.
    pub holes: Vec<Vec<[u32; 2]>>,
}

impl Polygon {
    /// The outer ring, then those of the holes.
    pub(crate) fn rings(&self) -> impl Iterator<Item = &[[u32; 2]]> {
        std::iter::once(&self.exterior).chain(&self.holes).map(Vec::as_slice)
    }
}

/// The exact area of every cell as polygons, one for each connected part, by ascending label.
///
/// # Errors
/// [`Error::Memory`]: the tracer takes 5 bytes a pixel.
pub fn polygons(labels: &Labels) -> Result<BTreeMap<u32, Vec<Polygon>>, Error> {
    plane_polygons(labels.into())
}

/// [`polygons`] for the labels of a single plane.
pub(crate) fn plane_polygons(labels: LabelView<'_>) -> Result<BTreeMap<u32, Vec<Polygon>>, Error> {
    let mut tracer = BoundaryTracer::new(labels)?;
    for at in 0..labels.as_slice().len() {
        tracer.start(at);
    }
    Ok(tracer.polygons())
}

/// Directions along pixel edges, clockwise. The cell lies to the right of each step.
const EAST: usize = 0;
const NORTH: usize = 3;
const STEPS: [[isize; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];
/// Offsets from a corner to the pixels to the right and to the left of a step in each direction.
const RIGHT: [[isize; 2]; 4] = [[0, 0], [-1, 0], [-1, -1], [0, -1]];
const LEFT: [[isize; 2]; 4] = [[0, -1], [0, 0], [-1, 0], [-1, -1]];

/// A step along a pixel's edge: the corner at its start, and its direction.
type Step = ([usize; 2], usize);

/// A closed line that does not touch itself.
struct Ring {
    label: u32,
    corners: Vec<[u32; 2]>,
    is_hole: bool,
    /// The pixel to the lower right of the ring's first corner in reading order.
    first: usize,
}

/// Follows the edges between each label and everything else, in one pass over the pixels.
struct BoundaryTracer<'a> {
    labels: LabelView<'a>,
    /// Whether the upper edge of a pixel has been followed.
    above: Vec<bool>,
    /// Number of the ring along each pixel's left edge, plus one.
    left: Vec<u32>,
    rings: Vec<Ring>,
}

impl<'a> BoundaryTracer<'a> {
    fn new(labels: LabelView<'a>) -> Result<Self, Error> {
        let pixels = labels.as_slice().len();
        Ok(Self { labels, above: zeros(pixels)?, left: zeros(pixels)?, rings: Vec::new() })
    }

    fn pixel(&self, corner: [usize; 2], offset: [isize; 2]) -> Option<usize> {
        let x = corner[0].checked_add_signed(offset[0]).filter(|&x| x < self.labels.width())?;
        let y = corner[1].checked_add_signed(offset[1]).filter(|&y| y < self.labels.height())?;
        Some(y * self.labels.width() + x)
    }

    fn label(&self, corner: [usize; 2], offset: [isize; 2]) -> u32 {
        self.pixel(corner, offset).map_or(0, |at| self.labels.as_slice()[at])
    }

    /// Follows the boundary from a pixel's upper edge, if that edge is a boundary and not yet followed.
    fn start(&mut self, at: usize) {
        let (width, label) = (self.labels.width(), self.labels.as_slice()[at]);
        let first = ([at % width, at / width], EAST);
        if label == 0 || self.above[at] || self.label(first.0, LEFT[EAST]) == label {
            return;
        }
        // A line that returns to a corner has closed a ring since its first visit.
        let (mut steps, mut crossings): (Vec<Step>, HashMap<[usize; 2], usize>) = (Vec::new(), HashMap::new());
        let mut step = first;
        loop {
            let (corner, direction) = step;
            if self.is_crossing(corner, label) {
                if let Some(&from) = crossings.get(&corner) {
                    let ring = steps.split_off(from);
                    crossings.retain(|_, &mut at| at < from);
                    self.ring(label, &ring);
                }
                crossings.insert(corner, steps.len());
            }
            if direction == EAST
                && let Some(pixel) = self.pixel(corner, RIGHT[EAST])
            {
                self.above[pixel] = true;
            }
            steps.push(step);
            step = self.next(step, label);
            if step == first {
                return self.ring(label, &steps);
            }
        }
    }

    /// True if two pixels of the label touch only at this corner.
    fn is_crossing(&self, corner: [usize; 2], label: u32) -> bool {
        let [lower_right, lower_left, upper_left, upper_right] =
            RIGHT.map(|offset| self.label(corner, offset) == label);
        lower_right == upper_left && lower_left == upper_right && lower_right != lower_left
    }

    /// Turns right if the label ends there, else goes straight on, else turns left.
    fn next(&self, (corner, direction): Step, label: u32) -> Step {
        let corner = [0, 1].map(|axis| corner[axis].wrapping_add_signed(STEPS[direction][axis]));
        let is_label = |offset| self.label(corner, offset) == label;
        let turn = match (is_label(LEFT[direction]), is_label(RIGHT[direction])) {
            (_, false) => 1,
            (false, true) => 0,
            (true, true) => 3,
        };
        (corner, (direction + turn) % 4)
    }

    fn ring(&mut self, label: u32, steps: &[Step]) {
        self.rings.push(Ring::new(label, steps, self.labels.width()));
        let number = self.rings.len() as u32;
        for &(corner, _) in steps.iter().filter(|(_, direction)| *direction == NORTH) {
            if let Some(pixel) = self.pixel(corner, RIGHT[NORTH]) {
                self.left[pixel] = number;
            }
        }
    }

    /// Assigns every hole to the polygon of the first ring to the left of the hole's first pixel.
    fn polygons(self) -> BTreeMap<u32, Vec<Polygon>> {
        let order = ascending(self.rings.iter().map(|ring| ring.first));
        // Index of each ring's polygon in its label's list.
        let mut places = vec![0; self.rings.len()];
        let mut polygons: BTreeMap<u32, Vec<Polygon>> = BTreeMap::new();
        let mut rings: Vec<Option<Ring>> = self.rings.into_iter().map(Some).collect();
        for number in order {
            let Some(Ring { label, corners, is_hole, first }) = rings[number].take() else { continue };
            let of_label = polygons.entry(label).or_default();
            if is_hole {
                // Left of a hole's first pixel lies the label itself, up to a ring that is already assigned.
                let left = self.left[..first].iter().rev().find(|&&ring| ring != 0);
                places[number] = left.map_or(0, |&ring| places[ring as usize - 1]);
                if let Some(polygon) = of_label.get_mut(places[number]) {
                    polygon.holes.push(corners);
                }
            } else {
                places[number] = of_label.len();
                of_label.push(Polygon { exterior: corners, holes: Vec::new() });
            }
        }
        polygons
    }
}

impl Ring {
    fn new(label: u32, steps: &[Step], width: usize) -> Self {
        let mut corners = Vec::new();
        let mut twice_area = 0i128;
        let mut before = steps.last().map(|step| step.1);
        for &([x, y], direction) in steps {
            // Only the ends of a straight line are corners.
            if before != Some(direction) {
                corners.push([x as u32, y as u32]);
            }
            before = Some(direction);
            let [dx, dy] = STEPS[direction];
            twice_area += x as i128 * dy as i128 - y as i128 * dx as i128;
        }
        let first = corners.iter().map(|&[x, y]| (y, x)).min().unwrap_or_default();
        Self { label, corners, is_hole: twice_area < 0, first: first.0 as usize * width + first.1 as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(rows: &[&str]) -> Labels {
        let data = rows.iter().flat_map(|row| row.bytes().map(|byte| u32::from(byte - b'0'))).collect();
        Labels::new(data, rows.len(), rows[0].len()).unwrap()
    }

    /// Fills the pixels whose centers lie within the polygons, by the even-odd rule.
    fn fill(polygons: &BTreeMap<u32, Vec<Polygon>>, height: usize, width: usize) -> Labels {
        let mut filled = Labels::zeros(height, width);
        for (&label, parts) in polygons {
            for polygon in parts {
                let mut is_inside = vec![false; height * width];
                for ring in polygon.rings() {
                    for (at, &[x, y]) in ring.iter().enumerate() {
                        let [next_x, next_y] = ring[(at + 1) % ring.len()];
                        assert!((x == next_x) != (y == next_y), "each line is vertical or horizontal");
                        for row in y.min(next_y)..y.max(next_y) {
                            let row = row as usize * width;
                            is_inside[row + x as usize..row + width].iter_mut().for_each(|inside| *inside = !*inside);
                        }
                    }
                }
                for (pixel, _) in filled.as_mut_slice().iter_mut().zip(is_inside).filter(|(_, inside)| *inside) {
                    assert_eq!(*pixel, 0, "polygons do not overlap");
                    *pixel = label;
                }
            }
        }
        filled
    }

    #[test]
    fn a_ring_with_an_island_is_two_polygons() {
        let found = polygons(&labels(&["11111", "10001", "10101", "10001", "11111"])).unwrap();
        let square = |from, to| vec![[from, from], [to, from], [to, to], [from, to]];
        assert_eq!(found[&1].len(), 2);
        assert_eq!(found[&1][0].exterior, square(0, 5));
        assert_eq!(found[&1][0].holes, [vec![[1, 4], [4, 4], [4, 1], [1, 1]]]);
        assert_eq!(found[&1][1], Polygon { exterior: square(2, 3), holes: Vec::new() });
    }

    #[test]
    fn pixels_that_meet_in_a_corner_are_polygons_of_their_own() {
        let found = polygons(&labels(&["10", "01"])).unwrap();
        assert_eq!(found[&1].len(), 2);
        // The ring around a hole that touches the outside in a corner would touch itself.
        let found = polygons(&labels(&["0110", "1010", "1110"])).unwrap();
        assert_eq!((found[&1].len(), found[&1][0].holes.len()), (1, 1));
    }

    proptest! {
        #[test]
        fn polygons_hold_exactly_their_label(
            (height, width, pixels) in (1usize..12, 1usize..12).prop_flat_map(|(height, width)| {
                (Just(height), Just(width), prop::collection::vec(0u32..3, height * width))
            }),
        ) {
            let labels = Labels::new(pixels, height, width).unwrap();
            let found = polygons(&labels).unwrap();
            prop_assert_eq!(fill(&found, height, width), labels);
            for ring in found.values().flatten().flat_map(Polygon::rings) {
                let mut corners = ring.to_vec();
                corners.sort();
                corners.dedup();
                prop_assert_eq!(corners.len(), ring.len(), "no ring has a corner twice");
            }
        }
    }
}
