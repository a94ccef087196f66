//! Flows by formula, and the masks that follow from them.

use cytoshade_core::{Labels, Planes};

/// Side of the flows in pixels.
pub(super) const SIDE: usize = 40;

/// Row, column and radius of each cell in pixels, and its label; 0 for one that is too small for a mask.
pub(super) const CELLS: [[f32; 4]; 4] =
    [[9.3, 10.6, 8.0, 1.0], [12.7, 29.2, 6.0, 2.0], [29.4, 19.8, 9.0, 3.0], [30.2, 35.1, 2.0, 0.0]];

/// A pixel of the third cell without flow: a hole, which is filled.
pub(super) const HOLE: usize = 33 * SIDE + 22;

/// Steps of the dynamics. The flows shrink towards the centers, so every pixel arrives.
pub(super) const NITER: u32 = 60;

/// Flows to the center of each cell, longer at a distance (dY, dX and cellprob), and the labels of the cells.
pub(super) fn flows_and_labels() -> (Planes, Labels) {
    const PIXELS: usize = SIDE * SIDE;
    let (mut planes, mut labels) = (Planes::zeros(3, SIDE, SIDE), Labels::zeros(SIDE, SIDE));
    let flows = planes.as_mut_slice();
    flows[2 * PIXELS..].fill(-1.0);
    for at in 0..PIXELS {
        for [row, column, radius, label] in CELLS {
            let (dy, dx) = (row - (at / SIDE) as f32, column - (at % SIDE) as f32);
            if dy * dy + dx * dx > radius * radius {
                continue;
            }
            labels.as_mut_slice()[at] = label as u32;
            if at != HOLE {
                (flows[at], flows[PIXELS + at], flows[2 * PIXELS + at]) = (dy, dx, 1.0);
            }
        }
    }
    (planes, labels)
}
