//! Converts planes to channels-last activations, and back.

use cytoshade_shaders::{self as shaders, Precision};

use super::{Dispatch, Grid};
use crate::pipeline::Variant;

/// The pipeline from planes to activations.
pub(crate) fn pack_variant(precision: Precision) -> Variant {
    Variant::new(&shaders::PACK).with_precision(precision)
}

/// The pipeline from activations to planes.
pub(crate) fn unpack_variant(precision: Precision) -> Variant {
    Variant::new(&shaders::UNPACK).with_precision(precision)
}

/// Packs planes of `pixels` x `channels` a tile, for up to `capacity` tiles.
pub(crate) fn pack<'a>(
    pixels: usize,
    channels: usize,
    capacity: usize,
    planes: &'a wgpu::Buffer,
    activations: &'a wgpu::Buffer,
) -> Dispatch<'a> {
    dispatch(pixels, channels, pixels * channels.div_ceil(4), capacity, [planes, activations])
}

/// Unpacks activations into planes of `pixels` x `channels` a tile, for up to `capacity` tiles.
pub(crate) fn unpack<'a>(
    pixels: usize,
    channels: usize,
    capacity: usize,
    activations: &'a wgpu::Buffer,
    planes: &'a wgpu::Buffer,
) -> Dispatch<'a> {
    dispatch(pixels, channels, pixels * channels, capacity, [activations, planes])
}

fn dispatch(pixels: usize, channels: usize, each: usize, capacity: usize, storage: [&wgpu::Buffer; 2]) -> Dispatch<'_> {
    Dispatch {
        params: vec![pixels as u32, channels as u32, (each * capacity) as u32],
        storage: storage.to_vec(),
        grid: Grid::Linear(each as u64),
    }
}
