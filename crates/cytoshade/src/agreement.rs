//! How far the results of a device may differ from the CPU's, in both self-tests.

use cytoshade_core::EndPoints;
pub(crate) use cytoshade_gpu::agreement::{allowed, distance};

/// The largest share of end points that may be further apart than [`NEAR`].
pub(crate) const FAR: f64 = 1e-3;

/// Pixels by which an end point may differ.
const NEAR: f32 = 1e-2;

/// The share of end points that are further apart than [`NEAR`]; 1 for those of other pixels.
pub(crate) fn far(found: &EndPoints, expected: &EndPoints) -> f64 {
    if found.pixels != expected.pixels {
        return 1.0;
    }
    let rows = found.y.iter().zip(&expected.y);
    let columns = found.x.iter().zip(&expected.x);
    let near = rows.zip(columns).filter(|((y, v), (x, u))| (*y - *v).hypot(*x - *u) <= NEAR).count();
    1.0 - near as f64 / expected.pixels.len().max(1) as f64
}

/// The share of values that differ.
pub(crate) fn share<T: PartialEq>(found: &[T], expected: &[T]) -> f64 {
    if found.len() != expected.len() {
        return 1.0;
    }
    let differing = found.iter().zip(expected).filter(|(found, expected)| found != expected).count();
    differing as f64 / expected.len().max(1) as f64
}
