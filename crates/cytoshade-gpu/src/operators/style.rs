//! The style vector: the mean of each channel, divided by the L2 norm of all means.
//!
//! Runs [`Operation::GlobalAverage`].
//!
//! [`Operation::GlobalAverage`]: cytoshade_core::Operation::GlobalAverage

use cytoshade_shaders::{self as shaders, Precision, overrides};

use super::{Dispatch, Grid, quads};
use crate::pipeline::Variant;

/// Workgroup size on devices that compile slowly, for which workgroup memory is the most work.
const FEW_LANES: u32 = 64;

/// The pipeline, with less workgroup memory on devices that compile slowly.
pub(crate) fn variant(precision: Precision, compiles_slowly: bool) -> Variant {
    let lanes = if compiles_slowly { FEW_LANES } else { shaders::STYLE.workgroup[0] };
    Variant::new(&shaders::STYLE).with_precision(precision).with(overrides::LANES, lanes)
}

/// The style of a source of `pixels` x `channels` a tile.
pub(crate) fn dispatch(pixels: u32, channels: usize, [source, style]: [&wgpu::Buffer; 2]) -> Dispatch<'_> {
    Dispatch { params: vec![pixels, quads(channels)], storage: vec![source, style], grid: Grid::Tiles([1, 1]) }
}
