//! The stages of `cytoshade-gpu`.
//!
//! Builds without some of these stages get the same signatures, over types without values ([`absent`]) or over a limit
//! of 0 ([`web`]). The pipelines need no `cfg`.

#[cfg(not(feature = "gpu"))]
mod absent;
#[cfg(all(feature = "gpu", target_arch = "wasm32"))]
mod web;

#[cfg(not(feature = "gpu"))]
pub(crate) use absent::*;
#[cfg(feature = "gpu")]
pub(crate) use cytoshade_gpu::{
    Error, Gpu, GpuPlanes, Network, Part, PendingReadback, Submission, TiledPlanes, bilinear,
    fill_holes_and_remove_small, follow_flows, histogram, masks, normalize, normalizes, remove_bad,
};
#[cfg(all(feature = "gpu", not(target_arch = "wasm32")))]
pub(crate) use cytoshade_gpu::{follow_flows_in_strips, remove_bad_in_windows, volume};
#[cfg(all(feature = "gpu", target_arch = "wasm32"))]
pub(crate) use web::*;
