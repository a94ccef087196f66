//! The operations of a network's plan as shaders, one file per operation.
//!
//! Each file lists the pipelines of its operation and makes the dispatches of a batch: parameters, buffers and grids.
//! `network` has the order of the operations.

pub(crate) mod conv1x1;
pub(crate) mod conv3x3;
pub(crate) mod convolution;
pub(crate) mod max_pool;
pub(crate) mod pack;
pub(crate) mod style;
pub(crate) mod style_projections;
pub(crate) mod weights;

use crate::device::Gpu;
use crate::error::Error;

/// One dispatch of a batch of tiles: the shader's parameters, storage buffers and grid.
#[derive(Debug)]
pub(crate) struct Dispatch<'a> {
    pub(crate) params: Vec<u32>,
    pub(crate) storage: Vec<&'a wgpu::Buffer>,
    pub(crate) grid: Grid,
}

/// The grid of a dispatch as a function of the number of tiles.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Grid {
    /// This many workgroups in x and y, and one tile per z.
    Tiles([u64; 2]),
    /// This many invocations per tile, in a linear grid.
    Linear(u64),
    #[cfg_attr(target_arch = "wasm32", allow(dead_code))] // No kernel of browser builds has such a grid.
    /// `x` workgroups in x, and in y one per `group` of the items of all tiles; a tile has `each` items.
    Items { x: u32, each: u64, group: u64 },
}

impl Grid {
    /// Fails if the device does not allow a grid for one tile. `what` names the operation.
    pub(crate) fn check(self, gpu: &Gpu, what: &'static str) -> Result<(), Error> {
        let Grid::Tiles(grid) = self else { return Ok(()) };
        let allowed = u64::from(gpu.limits().max_compute_workgroups_per_dimension);
        match grid.into_iter().find(|&count| count > allowed) {
            Some(needed) => Err(Error::Limit { what, needed, limit: "maxComputeWorkgroupsPerDimension", allowed }),
            None => Ok(()),
        }
    }

    /// The workgroups for a number of tiles, for a checked grid.
    pub(crate) fn workgroups(self, gpu: &Gpu, tiles: usize) -> Result<[u32; 3], Error> {
        match self {
            Grid::Tiles([x, y]) => Ok([x as u32, y as u32, tiles as u32]),
            Grid::Linear(each) => gpu.linear_grid("a batch of tiles", each * tiles as u64),
            Grid::Items { x, each, group } => Ok([x, (each * tiles as u64).div_ceil(group) as u32, 1]),
        }
    }
}

/// vec4s that hold this many channels.
pub(crate) fn quads(channels: usize) -> u32 {
    channels.div_ceil(4) as u32
}
