//! Grids of workgroups within the limits of a device.

use super::Gpu;
use crate::error::Error;

/// The longest side of a plane: the shaders count pixels and sum coordinates in 32 bits.
const LONGEST_SIDE: usize = 65_535;

/// Invocations per workgroup of the shaders with linear grids (`shared/linear.wgsl`).
const LINEAR_WORKGROUP: u64 = cytoshade_shaders::pack::LINEAR_WORKGROUP as u64;

/// Workgroup size of the shaders with one invocation per pixel.
const PLANE_WORKGROUP: [u32; 3] = cytoshade_shaders::RESIZE.workgroup;

impl Gpu {
    fn max_workgroups(&self) -> u32 {
        self.limits().max_compute_workgroups_per_dimension
    }

    /// The grid of a shader of `shared/linear.wgsl`, for at least `count` invocations.
    pub(crate) fn linear_grid(&self, what: &'static str, count: u64) -> Result<[u32; 3], Error> {
        let most = self.max_workgroups();
        row_by_row(count.div_ceil(LINEAR_WORKGROUP), most).ok_or(Error::Limit {
            what,
            needed: count,
            limit: "maxComputeWorkgroupsPerDimension squared, times 64",
            allowed: u64::from(most).pow(2) * LINEAR_WORKGROUP,
        })
    }

    /// The grid of a shader of `shared/linear.wgsl`, for at least `count` workgroups.
    pub(crate) fn workgroup_grid(&self, what: &'static str, count: usize) -> Result<[u32; 3], Error> {
        let most = self.max_workgroups();
        row_by_row(count as u64, most).ok_or(Error::Limit {
            what,
            needed: count as u64,
            limit: "maxComputeWorkgroupsPerDimension squared",
            allowed: u64::from(most).pow(2),
        })
    }

    /// The grid of a shader with workgroups of 16 x 4 invocations, one per pixel.
    pub(crate) fn plane_grid(&self, what: &'static str, height: usize, width: usize) -> Result<[u32; 3], Error> {
        let side = height.max(width);
        if side > LONGEST_SIDE {
            let (needed, allowed) = (side as u64, LONGEST_SIDE as u64);
            return Err(Error::Limit { what, needed, limit: "longest side", allowed });
        }
        self.box_grid(what, [1, height, width])
    }

    /// The grid for workgroups of 16 x 4 invocations, for a box of workgroups along z, y and x.
    pub(crate) fn box_grid(&self, what: &'static str, [depth, height, width]: [usize; 3]) -> Result<[u32; 3], Error> {
        let [x, y, z] = PLANE_WORKGROUP.map(|side| side as usize);
        let grid = [width.div_ceil(x), height.div_ceil(y), depth.div_ceil(z)];
        let (needed, limit) = (grid[0].max(grid[1]).max(grid[2]) as u64, "maxComputeWorkgroupsPerDimension");
        let allowed = u64::from(self.max_workgroups());
        if needed > allowed {
            return Err(Error::Limit { what, needed, limit, allowed });
        }
        Ok(grid.map(|groups| groups as u32))
    }
}

/// At least `count` workgroups over x and y, at most `most` along each; `None` if that is impossible.
fn row_by_row(count: u64, most: u32) -> Option<[u32; 3]> {
    let rows = count.div_ceil(u64::from(most)).max(1);
    if rows > u64::from(most) {
        return None;
    }
    Some([count.div_ceil(rows) as u32, rows as u32, 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_grid_covers_the_count_within_the_limit() {
        for count in [0, 1, 2, 65_535, 65_536, 1 << 26, (1 << 26) + 193] {
            let [x, y, z] = row_by_row(count, 65_535).unwrap();
            assert!(x <= 65_535 && y <= 65_535 && z == 1);
            let room = u64::from(x) * u64::from(y);
            assert!(room >= count && room < count + u64::from(y) + 1, "{count}: {x} x {y}");
        }
        assert_eq!(row_by_row(5, 2), None);
    }
}
