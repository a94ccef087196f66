//! The voxels in the convex hull of a cell of a stack.

use super::extents::RowExtent;

/// A point in half voxels, relative to a corner of the cell's bounding box: Z, Y, X.
type Point = [i64; 3];

/// Longest side of a bounding box in voxels. Up to it the arithmetic in half voxels fits in 64 bits.
const LARGEST_SIDE: u32 = 1 << 17;

/// A triangle of the hull: the indices of its corners, its outward normal, and the dot product of the normal with a
/// corner.
struct Facet {
    corners: [usize; 3],
    normal: Point,
    offset: i64,
}

impl Facet {
    /// The facet whose corners run counterclockwise, seen from outside.
    fn new(points: &[Point], corners: [usize; 3]) -> Self {
        let [a, b, c] = corners.map(|corner| points[corner]);
        let normal = cross(minus(b, a), minus(c, a));
        Self { corners, normal, offset: dot(normal, a) }
    }

    /// Above 0 if a point is outside of the facet's plane.
    fn height(&self, point: Point) -> i64 {
        dot(self.normal, point) - self.offset
    }
}

/// Number of voxels in the convex hull of a cell (scikit-image's `area_convex`).
///
/// As in scikit-image, the hull is that of the centres of the voxels' faces, and its voxels have their centre in it or
/// on its border. `None` for a flat cell, whose voxels lie in one plane: there scikit-image has no hull either. `None`
/// too if a side of the cell's bounding box is above 131,072 voxels.
pub(super) fn convex_volume(rows: &[RowExtent]) -> Option<u64> {
    let low = |side: fn(&RowExtent) -> u32| rows.iter().map(side).min();
    let high = |side: fn(&RowExtent) -> u32| rows.iter().map(side).max();
    let (z, y, x) = (low(|row| row.z)?, low(|row| row.y)?, low(|row| row.first)?);
    let depth = high(|row| row.z)? - z + 1;
    let height = high(|row| row.y)? - y + 1;
    let width = high(|row| row.last)? - x + 1;
    if depth.max(height).max(width) > LARGEST_SIDE {
        return None;
    }
    let center = |z, y, x| [z, y, x].map(|side: u32| 2 * i64::from(side));
    let ends = |row: &RowExtent| [row.first, row.last].map(|end| center(row.z - z, row.y - y, end - x));
    // The corners of the centres' hull are few, and only their faces can be corners of the hull.
    let corners = corners(&rows.iter().flat_map(ends).collect::<Vec<_>>())?;
    let faces: Vec<Point> = corners.into_iter().flat_map(faces).collect();
    let planes = planes(hull(&faces)?);
    let lines = (0..depth).flat_map(|z| (0..height).map(move |y| [z, y]));
    Some(lines.map(|[z, y]| voxels_on_line(&planes, center(z, y, 0), width.into())).sum())
}

/// The centres of a voxel's faces.
fn faces(center: Point) -> impl Iterator<Item = Point> {
    (0..6).map(move |face| {
        let mut point = center;
        point[face / 2] += if face % 2 == 0 { -1 } else { 1 };
        point
    })
}

/// The planes of facets, each once: many facets of a hull of voxels share one.
fn planes(mut facets: Vec<Facet>) -> Vec<Facet> {
    for Facet { normal, offset, .. } in &mut facets {
        let divisor = normal.iter().fold(0, |divisor, &part| gcd(divisor, part.abs()));
        // A corner is whole, so its product with the divided normal is too.
        *normal = normal.map(|part| part / divisor);
        *offset /= divisor;
    }
    facets.sort_unstable_by_key(|facet| (facet.normal, facet.offset));
    facets.dedup_by_key(|facet| (facet.normal, facet.offset));
    facets
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The points that are corners of the hull's facets.
fn corners(points: &[Point]) -> Option<Vec<Point>> {
    let mut corners: Vec<usize> = hull(points)?.iter().flat_map(|facet| facet.corners).collect();
    corners.sort_unstable();
    corners.dedup();
    Some(corners.into_iter().map(|corner| points[corner]).collect())
}

/// The convex hull of points; `None` if they lie in one plane.
///
/// Points are added one by one: the facets that a point is above are replaced by facets from the edge of the resulting
/// hole to the point. Whole coordinates make every decision exact. A point in a facet's plane is not above it, so no
/// new facet is without area: such a facet would be at an edge whose line holds the point, and then the point is above
/// neither of the edge's facets.
fn hull(points: &[Point]) -> Option<Vec<Facet>> {
    let mut facets = tetrahedron(points)?;
    for index in spread(points.len()) {
        let point = points[index];
        // Most points are inside.
        if facets.iter().all(|facet| facet.height(point) <= 0) {
            continue;
        }
        let (above, mut kept): (Vec<Facet>, Vec<Facet>) = facets.into_iter().partition(|facet| facet.height(point) > 0);
        let edges = || above.iter().flat_map(|Facet { corners: [a, b, c], .. }| [[*a, *b], [*b, *c], [*c, *a]]);
        for [from, to] in edges() {
            if !edges().any(|other| other == [to, from]) {
                kept.push(Facet::new(points, [from, to, index]));
            }
        }
        facets = kept;
    }
    Some(facets)
}

/// All indices below `count`, first a few far apart, so that the hull is soon large and most points are inside.
fn spread(count: usize) -> impl Iterator<Item = usize> {
    let step = count.isqrt().max(1);
    (0..step).flat_map(move |first| (first..count).step_by(step))
}

/// Four facets of points that do not lie in one plane.
fn tetrahedron(points: &[Point]) -> Option<Vec<Facet>> {
    let find = |is_apart: &dyn Fn(Point) -> bool| points.iter().position(|&point| is_apart(point));
    let a = *points.first()?;
    let second = find(&|point| point != a)?;
    let line = minus(points[second], a);
    let third = find(&|point| cross(line, minus(point, a)) != [0; 3])?;
    let base = Facet::new(points, [0, second, third]);
    let fourth = find(&|point| base.height(point) != 0)?;
    // The fourth point is below the base.
    let [b, c] = if base.height(points[fourth]) < 0 { [second, third] } else { [third, second] };
    let facets = [[0, b, c], [0, c, fourth], [c, b, fourth], [b, 0, fourth]];
    Some(facets.map(|corners| Facet::new(points, corners)).into())
}

/// Number of voxels of a line along X whose centre is in the hull; `start` is the centre of the first.
fn voxels_on_line(planes: &[Facet], start: Point, width: i64) -> u64 {
    let (mut first, mut last) = (0, width - 1);
    for plane in planes {
        // Voxel n is at 2 n: inside are those with 2 n * slope <= below. Few planes cut the line, so divisions are rare.
        let (below, slope) = (-plane.height(start), 2 * plane.normal[2]);
        if slope > 0 && last * slope > below {
            last = below.div_euclid(slope);
        } else if slope < 0 && first * slope > below {
            first = -below.div_euclid(-slope);
        } else if slope == 0 && below < 0 {
            return 0;
        }
        if first > last {
            return 0;
        }
    }
    (last - first + 1) as u64
}

fn minus(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn dot(a: Point, b: Point) -> i64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Point, b: Point) -> Point {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(voxels: &[[u32; 3]]) -> Option<u64> {
        let row = |&[z, y, x]: &[u32; 3]| RowExtent { z, y, first: x, last: x };
        convex_volume(&voxels.iter().map(row).collect::<Vec<_>>())
    }

    #[test]
    fn a_box_is_its_own_hull() {
        let rows = (10..13).flat_map(|z| (20..25).map(move |y| RowExtent { z, y, first: 4, last: 9 }));
        assert_eq!(convex_volume(&rows.collect::<Vec<_>>()), Some(3 * 5 * 6));
    }

    #[test]
    fn corners_of_a_box_span_it() {
        let corners: Vec<[u32; 3]> = (0..8).map(|at: u32| [at & 1, at >> 1 & 1, at >> 2].map(|bit| 4 * bit)).collect();
        assert_eq!(volume(&corners), Some(125));
        // A tetrahedron: x + y + z <= 4.
        assert_eq!(volume(&[[0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4]]), Some(35));
    }

    #[test]
    fn flat_cells_have_no_hull() {
        assert_eq!(volume(&[[1, 1, 1]]), None);
        assert_eq!(volume(&[[1, 1, 1], [2, 2, 2], [5, 5, 5]]), None);
        assert_eq!(volume(&[[3, 0, 0], [3, 4, 0], [3, 0, 4], [3, 4, 4]]), None);
        assert_eq!(volume(&[]), None);
    }
}
