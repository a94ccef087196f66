//! The stages around the network, one module per stage, each named after its WGSL file.

pub(crate) mod blend;
mod blend_weights;
pub(crate) mod fill_holes;
pub(crate) mod flow_error;
pub(crate) mod follow_flows;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod gaussian;
pub(crate) mod histogram;
pub(crate) mod masks;
pub(crate) mod normalize;
pub(crate) mod percentile;
pub(crate) mod plane_limits;
pub(crate) mod resize;
#[cfg(not(target_arch = "wasm32"))]
mod sharpen;
pub(crate) mod slices;
pub(crate) mod tile;
#[cfg(not(target_arch = "wasm32"))]
mod tile_norm;
