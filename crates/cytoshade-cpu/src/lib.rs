//! The Cellpose pipeline on the CPU, stage by stage: the fallback without a GPU, and the oracle of the shaders' tests.
//!
//! A module bears the name of its stage or of a part of it. [`network`] runs the network. Before it run [`normalize`],
//! [`resize`] and [`tile`], after it [`blend`], [`follow_flows`], [`histogram`], [`masks`], [`flow_error`] and
//! [`fill_holes`]. [`volume`] holds the stages of stacks.
//!
//! Only the `simd` module contains `unsafe` code.
#![deny(unsafe_code)]
#![warn(missing_docs)]
// Most of the SIMD is the network's.
#![cfg_attr(not(feature = "network"), allow(dead_code, unused_imports))]

pub mod blend;
mod error;
pub mod fill_holes;
pub mod flow_error;
pub mod follow_flows;
mod gaussian;
pub mod histogram;
mod label_tables;
pub mod masks;
#[cfg(feature = "network")]
pub mod network;
pub mod normalize;
mod parallel;
mod percentile;
pub mod resize;
mod sharpen;
mod simd;
pub mod tile;
mod tile_norm;
pub mod volume;

pub use error::Error;
#[cfg(not(target_family = "wasm"))]
pub use parallel::in_pool;
pub use simd::Isa;

/// Number of threads that share the work: those of the rayon pool that the call runs in; 1 in WebAssembly.
pub fn threads() -> usize {
    parallel::current_num_threads()
}
