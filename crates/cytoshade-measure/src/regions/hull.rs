//! The pixels in the convex hull of a cell of an image.

use super::extents::RowExtent;

/// A point in half pixels: Y, X.
type Point = [i64; 2];

/// Number of pixels in the convex hull of a cell (scikit-image's `area_convex`).
///
/// As in scikit-image, the hull is that of the middles of the pixels' edges, and a pixel counts if its centre is in the
/// hull or on its border. Half pixels as the unit make all coordinates whole, so that the count is exact.
pub(super) fn convex_area(rows: &[RowExtent]) -> u64 {
    let [left, right] = [chain(rows, |row| row.first, 1), chain(rows, |row| row.last, -1)];
    let (Some(top), Some(bottom)) = (rows.first(), rows.last()) else { return 0 };
    let [mut left, mut right] = [left, right].map(|points| Chain { points, at: 0 });
    let row_width = |y: u32| {
        let y = 2 * i64::from(y);
        // The centres are at even numbers. Mirrored, the right chain has the centres of -X.
        let [first, mirrored_last] = [&mut left, &mut right].map(|chain| chain.first_center(y));
        -mirrored_last - first + 1
    };
    (top.y..=bottom.y).map(row_width).sum::<i64>() as u64
}

/// The convex chain around the left ends of the rows, or around the right ends if `sign` is -1, with -X for X.
fn chain(rows: &[RowExtent], end: impl Fn(&RowExtent) -> u32, sign: i64) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    let mut add = |point: Point| {
        while let [.., a, b] = points[..]
            && cross(a, b, point) >= 0
        {
            points.pop();
        }
        points.push(point);
    };
    let mut pending: Option<Point> = None;
    for row in rows {
        let (y, x) = (2 * i64::from(row.y), 2 * sign * i64::from(end(row)));
        // The bottom corner of the row above and the top corner of this one share a line if the rows are neighbours.
        match pending.take() {
            Some([line, above]) if line == y - 1 => add([line, above.min(x)]),
            above => above.into_iter().chain([[y - 1, x]]).for_each(&mut add),
        }
        add([y, x - 1]);
        pending = Some([y + 1, x]);
    }
    pending.into_iter().for_each(add);
    points
}

/// Above 0 if the line from `a` over `b` down to `c` turns away from smaller X at `b`.
fn cross(a: Point, b: Point, c: Point) -> i64 {
    let [ab, bc] = [[b[0] - a[0], b[1] - a[1]], [c[0] - b[0], c[1] - b[1]]];
    ab[1] * bc[0] - bc[1] * ab[0]
}

/// A convex chain that is read from the top to the bottom.
struct Chain {
    points: Vec<Point>,
    at: usize,
}

impl Chain {
    /// The first pixel of line `y` whose center is on the chain or to its right. `y` does not decrease.
    fn first_center(&mut self, y: i64) -> i64 {
        while self.points.get(self.at + 1).is_some_and(|next| next[0] < y) {
            self.at += 1;
        }
        match self.points.get(self.at..) {
            Some([[y0, x0], [y1, x1], ..]) => {
                let (height, numerator) = (y1 - y0, x0 * (y1 - y0) + (x1 - x0) * (y - y0));
                // Rounds up; the centre of pixel n is at 2 n.
                -(-numerator).div_euclid(2 * height)
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(rows: &[(u32, u32)]) -> u64 {
        let row = |(y, &(first, last)): (usize, &(u32, u32))| RowExtent { z: 0, y: y as u32, first, last };
        convex_area(&rows.iter().enumerate().map(row).collect::<Vec<_>>())
    }

    #[test]
    fn convex_cells_are_their_own_hull() {
        assert_eq!(area(&[(5, 5)]), 1);
        assert_eq!(area(&[(0, 9)]), 10);
        assert_eq!(area(&[(3, 3), (3, 3), (3, 3)]), 3);
        assert_eq!(area(&[(2, 4), (1, 5), (0, 6), (1, 5), (2, 4)]), 23);
    }

    #[test]
    fn a_gap_is_filled() {
        // A corner: the hull has the pixels on the line between its ends.
        assert_eq!(area(&[(0, 2), (0, 0), (0, 0)]), 6);
        assert_eq!(area(&[(0, 4), (4, 4), (0, 4)]), 15);
        assert_eq!(convex_area(&[0, 4].map(|y| RowExtent { z: 0, y, first: 3, last: 3 })), 5);
    }
}
