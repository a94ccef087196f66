//! Cytoshade in the browser: the wasm module of the JavaScript package.
//!
//! Targets `wasm32-unknown-unknown` with wasm-bindgen; on other targets the crate is empty. `cargo xtask web` builds
//! the module and the package into `dist/`.
//!
//! The module runs only in workers, each with one thread and its own memory. One worker holds the `Engine`, which
//! segments images. On the CPU, the engine distributes tiles over further workers, each with a `TileNetwork`. The
//! page's thread does not run wasm.
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
