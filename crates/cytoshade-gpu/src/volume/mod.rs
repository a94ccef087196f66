//! The stages of 3-D segmentation, named like the 2-D stages.
//!
//! Browser builds omit them: their package segments only images, and is kept small.

mod follow_flows;
mod masks;
mod voxels;

pub use follow_flows::{GpuEndPoints, follow_flows};
pub use masks::masks;
pub use voxels::{GpuVolume, linear_resize, normalize, normalizes, smooth};

use crate::device::Gpu;
use crate::error::Error;

/// The grid for workgroups of 16 x 4 x 1 invocations, one per voxel of [depth, height, width].
fn grid(gpu: &Gpu, what: &'static str, size @ [_, height, width]: [usize; 3]) -> Result<[u32; 3], Error> {
    gpu.plane_grid(what, height, width)?;
    gpu.box_grid(what, size)
}

/// A size in the order of the shaders' parameters: width, height, depth.
fn params([depth, height, width]: [usize; 3]) -> [u32; 3] {
    [width as u32, height as u32, depth as u32]
}
