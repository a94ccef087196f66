//! The stages around the network, one module a stage, each under the name of its WGSL file.

pub(crate) mod blend;
pub(crate) mod fill_holes;
pub(crate) mod flow_error;
pub(crate) mod follow_flows;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod gaussian;
pub(crate) mod histogram;
pub(crate) mod masks;
pub(crate) mod normalize;
pub(crate) mod percentile;
pub(crate) mod resize;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod sharpen;
pub(crate) mod tile;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod tile_norm;
