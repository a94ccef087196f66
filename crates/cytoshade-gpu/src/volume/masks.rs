//! Turns end points into masks in 3-D (the reference's `dynamics.get_masks_torch`).
//!
//! Maxima of the histogram are seeds, seeds grow over the surrounding bins, and each voxel takes the label of its end
//! point's bin.

use cytoshade_shaders as shaders;

use super::{GpuEndPoints, grid, params};
use crate::device::Gpu;
use crate::error::Error;
use crate::pipeline::Variant;

const WHAT: &str = "the masks in 3-D";
/// A seed has more end points than this, which bounds the number of seeds.
const SEED_COUNT: usize = 10;

/// The label of each voxel, z-slice by z-slice, row by row: 0, or the number of its seed from 1 on.
///
/// Seeds are numbered by ascending count of end points, then by position. If several seeds grow over a bin, it belongs
/// to the last of them.
///
/// # Errors
/// [`Error::Limit`] if the stack is too large for the device's `maxStorageBufferBindingSize`, and errors of the device.
pub async fn masks(gpu: &Gpu, ends: &GpuEndPoints) -> Result<Vec<u32>, Error> {
    let (voxels, all) = (ends.size.iter().product::<usize>(), params(ends.size));
    let [histogram, find, grow, label] = gpu
        .kernels_of(
            [&shaders::VOLUME_HISTOGRAM, &shaders::VOLUME_SEEDS, &shaders::VOLUME_GROW, &shaders::VOLUME_LABEL]
                .map(Variant::new),
        )
        .await?;
    let grid = grid(gpu, WHAT, ends.size)?;
    // New buffers hold zeros.
    let storage = |count: usize| gpu.storage(WHAT, 4 * count as u64);
    let (counts, found) = gpu
        .with_error_scopes(WHAT, || {
            let (counts, found) = (storage(voxels)?, storage(1 + 2 * (voxels / (SEED_COUNT + 1)))?);
            let histogram = gpu.bind(&histogram, &all, &[&ends.positions, &counts]);
            let find = gpu.bind(&find, &all, &[&counts, &found]);
            gpu.submit(WHAT, &[(&histogram, grid), (&find, grid)]);
            Ok((counts, found))
        })
        .await?;
    let seeds = seeds(gpu, &found).await?;
    if seeds.is_empty() {
        return Ok(vec![0; voxels]);
    }
    let labels = gpu
        .with_error_scopes(WHAT, || {
            let (seeds_at, grown, labels) = (gpu.upload(WHAT, &seeds)?, storage(voxels)?, storage(voxels)?);
            let [width, height, depth] = all;
            let grow = gpu.bind(&grow, &[width, height, depth, seeds.len() as u32], &[&counts, &seeds_at, &grown]);
            let label = gpu.bind(&label, &all, &[&ends.positions, &grown, &labels]);
            gpu.submit(WHAT, &[(&grow, gpu.workgroup_grid(WHAT, seeds.len())?), (&label, grid)]);
            Ok(labels)
        })
        .await?;
    let bytes = 4 * voxels as u64;
    Ok(gpu.fetch(WHAT, &[(&labels, 0..bytes)]).await?.values(0..bytes))
}

/// The bins of the seeds, by ascending count of end points, then by position.
async fn seeds(gpu: &Gpu, found: &wgpu::Buffer) -> Result<Vec<u32>, Error> {
    let count = gpu.fetch(WHAT, &[(found, 0..4)]).await?.values::<u32>(0..4)[0];
    if count == 0 {
        return Ok(Vec::new());
    }
    let bytes = 8 * u64::from(count);
    let mut seeds = gpu.fetch(WHAT, &[(found, 4..4 + bytes)]).await?.values::<[u32; 2]>(0..bytes);
    seeds.sort_unstable_by_key(|&[bin, count]| (count, bin));
    Ok(seeds.into_iter().map(|[bin, _]| bin).collect())
}
