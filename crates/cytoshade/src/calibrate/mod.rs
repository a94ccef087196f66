//! Measures a device once and remembers the result: the precision ([`precision`]) and the kernels ([`autotune`]).
//!
//! Calibration runs whole pipelines, so it stands above [`crate::pipeline`] and [`crate::backend`]. Only the builder
//! calls it.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod autotune;
#[cfg(not(target_arch = "wasm32"))]
mod cache;
pub(crate) mod precision;
