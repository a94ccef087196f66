//! How far the results of a device may differ from the CPU's, in both self-tests.

pub(crate) use cytoshade_gpu::agreement::{allowed, distance};

/// The share of values that differ.
pub(crate) fn share<T: PartialEq>(found: &[T], expected: &[T]) -> f64 {
    if found.len() != expected.len() {
        return 1.0;
    }
    let differing = found.iter().zip(expected).filter(|(found, expected)| found != expected).count();
    differing as f64 / expected.len().max(1) as f64
}
