//! Scales intensities to the range of the training (the reference's `transforms.normalize_img`).

use std::sync::Arc;

use cytoshade_core::{Normalize, Params};
use cytoshade_shaders as shaders;

use crate::device::{DispatchList, Gpu};
use crate::error::Error;
use crate::pipeline::{Kernel, Variant};
use crate::planes::GpuPlanes;
use crate::stages::percentile::{Percentiles, Regions};
#[cfg(not(target_arch = "wasm32"))]
use crate::stages::sharpen::smooth_sharpen;
use crate::stages::slices::Slices;
#[cfg(not(target_arch = "wasm32"))]
use crate::stages::tile_norm;

const WHAT: &str = "normalization";

/// A channel whose percentiles differ by at most this carries no signal.
const MIN_CONTRAST: f32 = 1e-3;

/// Whether [`normalize`] supports these parameters for planes of `channels` channels.
///
/// Ranges beyond f32 are not supported. Browser builds, which are kept small, support no smoothing, no sharpening and
/// no percentiles of tiles.
pub fn normalizes(params: &Params, channels: usize) -> bool {
    let single =
        |&(low, high): &(f64, f64)| [low, high - low].iter().all(|value| value.abs() < f64::from(f32::MAX) / 2.0);
    match &params.normalize {
        Normalize::Percentile { .. } if cfg!(target_arch = "wasm32") => {
            (params.sharpen_radius, params.smooth_radius, params.tile_norm_blocksize) == (0.0, 0.0, 0)
        }
        Normalize::Range { low, high } => single(&(*low, *high)),
        Normalize::Ranges(ranges) => ranges.len() == channels && ranges.iter().all(single),
        _ => true,
    }
}

/// Smooths, sharpens, normalizes and inverts every channel in place.
///
/// [`normalizes`] must support the parameters. Waits only for percentiles of tiles.
///
/// # Errors
/// [`Error::Length`] if there are ranges for another number of channels, and errors of the device.
pub async fn normalize(gpu: &Gpu, planes: GpuPlanes, params: &Params) -> Result<GpuPlanes, Error> {
    let height = planes.height;
    let slices = Slices { planes, depth: 1, height };
    normalize_slices(gpu, &slices, params).await?;
    Ok(slices.planes)
}

/// [`normalize`] for the z-slices of a stack.
pub(crate) async fn normalize_slices(gpu: &Gpu, slices: &Slices, params: &Params) -> Result<(), Error> {
    let GpuPlanes { channels, height, width, .. } = slices.planes;
    if channels * height * width == 0 {
        return Ok(());
    }
    match &params.normalize {
        Normalize::Percentile { low, high } => {
            #[cfg(not(target_arch = "wasm32"))]
            {
                smooth_sharpen(gpu, slices, params.smooth_radius, params.sharpen_radius).await?;
                if params.tile_norm_blocksize > 0 {
                    // Inversion does not apply, as in the reference.
                    return tile_norm::normalize(gpu, slices, params, (*low, *high)).await;
                }
            }
            percentiles(gpu, slices, params, (*low, *high)).await
        }
        Normalize::Range { low, high } => ranges(gpu, slices, params.invert, &vec![(*low, *high); channels]).await,
        Normalize::Ranges(each) => ranges(gpu, slices, params.invert, each).await,
        _ => Ok(()),
    }
}

async fn percentiles(gpu: &Gpu, slices: &Slices, params: &Params, ends: (f32, f32)) -> Result<(), Error> {
    let &Slices { ref planes, depth, height } = slices;
    let depth = if params.norm3d { depth } else { 1 };
    let selection = Percentiles::new(gpu).await?;
    let kernel = gpu.kernel(Variant::new(&shaders::NORMALIZE)).await?;
    gpu.with_error_scopes(WHAT, || {
        let mut work = DispatchList::default();
        let regions = Regions::blocks(planes, depth, height);
        let bounds = selection.add(gpu, &mut work, planes, &regions, ends, (MIN_CONTRAST, params.invert))?;
        add(gpu, &mut work, &kernel, planes, depth * height * planes.width, &bounds)?;
        work.submit(gpu, WHAT);
        Ok(())
    })
    .await
}

async fn ranges(gpu: &Gpu, slices: &Slices, invert: bool, ranges: &[(f64, f64)]) -> Result<(), Error> {
    let planes = &slices.planes;
    if ranges.len() != planes.channels {
        return Err(Error::Length { what: "norm_range", found: ranges.len(), expected: planes.channels });
    }
    let kernel = gpu.kernel(Variant::new(&shaders::NORMALIZE)).await?;
    gpu.with_error_scopes(WHAT, || {
        let mut work = DispatchList::default();
        let bounds = gpu.upload(WHAT, &ranges.iter().map(|&range| bound(range, invert)).collect::<Vec<_>>())?;
        add(gpu, &mut work, &kernel, planes, planes.height * planes.width, &bounds)?;
        work.submit(gpu, WHAT);
        Ok(())
    })
    .await
}

/// Appends a dispatch that maps each block of `block` values by its bounds.
fn add(
    gpu: &Gpu,
    work: &mut DispatchList,
    kernel: &Arc<Kernel>,
    planes: &GpuPlanes,
    block: usize,
    bounds: &wgpu::Buffer,
) -> Result<(), Error> {
    let blocks = planes.channels * planes.height * planes.width / block;
    let [x, y, _] = gpu.linear_grid(WHAT, block as u64)?;
    work.add(gpu.bind(kernel, &[block as u32], &[bounds, &planes.buffer]), [x, y, blocks as u32]);
    Ok(())
}

/// A range in the shader's format.
///
/// Its lower end is split into two f32: one would be inexact for a range that is small relative to it.
fn bound((low, high): (f64, f64), invert: bool) -> [f32; 4] {
    let first = low as f32;
    [first, (low - f64::from(first)) as f32, (high - low) as f32, if invert { 1.0 } else { 0.0 }]
}
