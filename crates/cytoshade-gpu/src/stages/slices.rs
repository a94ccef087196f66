//! The z-slices of a stack as planes.

use crate::planes::GpuPlanes;

/// Planes for the normalization: the z-slices of each channel stacked vertically.
#[derive(Clone, Debug)]
pub(crate) struct Slices {
    /// Planes of shape [channels, depth * height, width].
    pub(crate) planes: GpuPlanes,
    pub(crate) depth: usize,
    /// Height of a z-slice.
    pub(crate) height: usize,
}
