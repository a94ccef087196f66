//! The stages of a stack that is segmented in 3-D. Each has the name of the 2-D stage whose place it takes. They are not part
//! of builds for browsers, whose package loads every byte and segments images alone.

mod follow_flows;
mod masks;
mod voxels;

pub use follow_flows::{GpuEndPoints, follow_flows};
pub use masks::masks;
pub use voxels::{GpuVolume, linear_resize, normalize, normalizes, smooth};

use crate::device::Gpu;
use crate::error::Error;
use crate::pipeline::{box_grid, plane_grid};

/// The grid of a shader with workgroups of 16 x 4 x 1 invocations, one a voxel of [depth, height, width].
fn grid(gpu: &Gpu, what: &'static str, size @ [_, height, width]: [usize; 3]) -> Result<[u32; 3], Error> {
    plane_grid(gpu, what, height, width)?;
    box_grid(gpu, what, size)
}

/// The size as the shaders' parameters begin: width, height, depth.
fn params([depth, height, width]: [usize; 3]) -> [u32; 3] {
    [width as u32, height as u32, depth as u32]
}
