//! Cytoshade in the browser: what the JavaScript package around it calls, for `wasm32-unknown-unknown` and
//! wasm-bindgen. `cargo xtask web` builds both into `dist/`.
//!
//! Everything here runs in workers, one thread and one memory each: an `Engine` segments in the one that the package
//! makes first, and a `TileNetwork` runs the network in each of those that the engine's tiles are spread over where
//! the CPU does the work. The page itself never enters wasm.
//!
//! On other targets the crate is empty.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(target_arch = "wasm32")]
mod encode;
#[cfg(target_arch = "wasm32")]
mod engine;
#[cfg(target_arch = "wasm32")]
mod failure;
#[cfg(target_arch = "wasm32")]
mod options;
#[cfg(target_arch = "wasm32")]
mod picture;
#[cfg(target_arch = "wasm32")]
mod result;
#[cfg(target_arch = "wasm32")]
mod tiles;

#[cfg(target_arch = "wasm32")]
pub use self::{
    encode::{encode, kinds},
    engine::{Engine, sha256},
    picture::Picture,
    result::SegmentationResult,
    tiles::{TileNetwork, follow_flows, warm_up},
};
