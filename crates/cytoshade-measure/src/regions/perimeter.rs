//! The perimeter of a cell in an image.

use std::collections::HashMap;
use std::f64::consts::SQRT_2;

use crate::LabelImage;

/// The perimeter of each cell in pixels (scikit-image's `perimeter` with a neighbourhood of 4).
///
/// A border pixel of a cell has a neighbour (up, down, left, right) outside of it. Each border pixel counts as 1,
/// sqrt(2), their mean or 0, which depends on the border pixels among its eight neighbours.
///
/// Source: Benkrid, Crookes, "Design and FPGA implementation of a perimeter estimator", 2000, as scikit-image
/// implements it.
pub(super) fn perimeters(labels: LabelImage<'_>) -> HashMap<u32, f64> {
    let [_, height, width] = labels.size();
    let at = |y: usize, x: usize| labels.as_slice().get(y * width + x).copied().unwrap_or(0);
    let is_border = |y: usize, x: usize| {
        let label = at(y, x);
        label != 0
            && (y == 0
                || x == 0
                || y + 1 == height
                || x + 1 == width
                || [at(y - 1, x), at(y + 1, x), at(y, x - 1), at(y, x + 1)].iter().any(|&other| other != label))
    };
    // Three rows of border pixels: above, at and below the current one. Each row has a column outside at either end.
    let border_row = |y: usize, row: &mut Vec<bool>| {
        row.clear();
        row.push(false);
        row.extend((0..width).map(|x| y < height && is_border(y, x)));
        row.push(false);
    };
    let [mut above, mut here, mut below] = [vec![false; width + 2], Vec::new(), Vec::new()];
    border_row(0, &mut here);
    let mut counts: HashMap<u32, [u64; 3]> = HashMap::new();
    for y in 0..height {
        border_row(y + 1, &mut below);
        for x in (0..width).filter(|x| here[x + 1]) {
            let label = at(y, x);
            // Column `x + 1 + dx` of the rows with their outside columns is column `x + dx` of the image.
            let is_part = |row: &[bool], dy: usize, dx: usize| {
                row[x + dx] && (y + dy).checked_sub(1).is_some_and(|y| at(y, x + dx - 1) == label)
            };
            let straight = [(&above, 0, 1), (&here, 1, 0), (&here, 1, 2), (&below, 2, 1)];
            let diagonal = [(&above, 0, 0), (&above, 0, 2), (&below, 2, 0), (&below, 2, 2)];
            let [straight, diagonal] = [straight, diagonal]
                .map(|neighbors| neighbors.iter().filter(|(row, dy, dx)| is_part(row, *dy, *dx)).count());
            let counts = counts.entry(label).or_default();
            if let Some(kind) = kind(straight, diagonal) {
                counts[kind] += 1;
            }
        }
        (above, here, below) = (here, below, above);
    }
    let length =
        |[ones, roots, means]: [u64; 3]| ones as f64 + roots as f64 * SQRT_2 + means as f64 * (1.0 + SQRT_2) / 2.0;
    counts.into_iter().map(|(label, counts)| (label, length(counts))).collect()
}

/// The kind of a border pixel with these numbers of border neighbours: it adds 1 (kind 0), sqrt(2) (1), their mean (2),
/// or nothing.
fn kind(straight: usize, diagonal: usize) -> Option<usize> {
    match 1 + 2 * straight + 10 * diagonal {
        5 | 7 | 15 | 17 | 25 | 27 => Some(0),
        21 | 33 => Some(1),
        13 | 23 => Some(2),
        _ => None,
    }
}
