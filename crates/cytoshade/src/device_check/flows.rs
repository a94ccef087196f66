//! Flows by formula, and the masks that follow from them.

use cytoshade_core::{Error as CoreError, Labels, Planes};

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
pub(super) fn flows_and_labels() -> Result<(Planes, Labels), CoreError> {
    const PIXELS: usize = SIDE * SIDE;
    let offset = |[row, column, ..]: &[f32; 4], at: usize| (row - (at / SIDE) as f32, column - (at % SIDE) as f32);
    let cell_at = |at: usize| {
        CELLS.iter().find(|cell| {
            let (dy, dx) = offset(cell, at);
            dy * dy + dx * dx <= cell[2] * cell[2]
        })
    };
    let flow = |value: usize| {
        let (plane, at) = (value / PIXELS, value % PIXELS);
        match (plane, cell_at(at).filter(|_| at != HOLE)) {
            (0, Some(cell)) => offset(cell, at).0,
            (1, Some(cell)) => offset(cell, at).1,
            (_, Some(_)) => 1.0,
            (2, None) => -1.0,
            (_, None) => 0.0,
        }
    };
    let flows = Planes::new((0..3 * PIXELS).map(flow).collect(), 3, SIDE, SIDE)?;
    let labels = (0..PIXELS).map(|at| cell_at(at).map_or(0, |cell| cell[3] as u32)).collect();
    Ok((flows, Labels::new(labels, SIDE, SIDE)?))
}
