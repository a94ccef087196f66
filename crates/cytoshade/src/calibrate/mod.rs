//! Decides how a network runs on a GPU, by measurement on request, and caches the result.
//!
//! Decides the precision ([`precision`]) and the kernels ([`autotune`]).
//!
//! Calibration runs whole pipelines, so it stands above [`crate::pipeline`] and [`crate::backend`]. Only the builder
//! calls it.

#[cfg(not(target_arch = "wasm32"))]
mod autotune;
#[cfg(not(target_arch = "wasm32"))]
mod cache;
mod choice;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(not(target_arch = "wasm32"))]
mod picture;
#[cfg(not(target_arch = "wasm32"))]
mod precision;
#[cfg(target_arch = "wasm32")]
mod web;

use std::collections::BTreeMap;

use cytoshade_core::ConvId;
use cytoshade_gpu::{ConvKernel, Options};

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use cache::Slot;
pub use choice::PrecisionChoice;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::resolve;
#[cfg(all(feature = "cpu", not(target_arch = "wasm32")))]
pub(crate) use picture::picture;
#[cfg(target_arch = "wasm32")]
pub(crate) use web::resolve;

use crate::Model;

/// The kernels of 3x3 convolutions.
pub(crate) type KernelChoices = BTreeMap<ConvId, ConvKernel>;

/// The caller's choices.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The base options; `precision` replaces theirs.
    pub(crate) options: Options,
    pub(crate) precision: PrecisionChoice,
    /// Whether a measurement chooses the kernels.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) tune: bool,
    /// The folder that caches measurements.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) cache: Option<std::path::PathBuf>,
}

/// The model that is calibrated.
#[cfg_attr(target_arch = "wasm32", allow(dead_code))]
pub(crate) struct Subject<'a> {
    pub(crate) model: &'a Model,
    /// Whether the network is for restoration.
    pub(crate) restores: bool,
}
