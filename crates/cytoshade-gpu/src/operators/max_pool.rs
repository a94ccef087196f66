//! The maximum of each 2 x 2 block.

use cytoshade_shaders::{self as shaders, Precision};

use super::{Dispatch, Grid, quads};
use crate::pipeline::Variant;

/// The pipeline.
pub(crate) fn variant(precision: Precision) -> Variant {
    Variant::new(&shaders::MAX_POOL).with_precision(precision)
}

/// Pools a source into a target of `height` x `width` x `channels`, for up to `capacity` tiles.
pub(crate) fn dispatch(
    [height, width]: [u32; 2],
    channels: usize,
    capacity: u32,
    [source, target]: [&wgpu::Buffer; 2],
) -> Dispatch<'_> {
    let each = height * width * quads(channels);
    Dispatch {
        params: vec![width, height, quads(channels), each * capacity],
        storage: vec![source, target],
        grid: Grid::Linear(u64::from(each)),
    }
}
