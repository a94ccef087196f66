//! Intensities to the range that the network was trained on (the reference's `transforms.normalize_img`).

use cytoshade_core::{Normalize, Params};
use cytoshade_shaders as shaders;

use crate::device::Gpu;
use crate::error::Error;
use crate::kernel::{Variant, linear};
use crate::percentile::Percentiles;
use crate::planes::GpuPlanes;
use crate::work::Work;

const WHAT: &str = "normalization";

/// A channel whose percentiles differ by no more than this carries no signal.
const MIN_CONTRAST: f32 = 1e-3;

/// Whether [`normalize`] knows the options, for planes of so many channels: by percentiles of whole planes, by ranges
/// that f32 can hold, or not at all. Smoothed, sharpened and normalized tile by tile are planes on the host alone.
pub fn normalizes(params: &Params, channels: usize) -> bool {
    let single =
        |&(low, high): &(f64, f64)| [low, high - low].iter().all(|value| value.abs() < f64::from(f32::MAX) / 2.0);
    match &params.normalize {
        Normalize::Percentile { .. } => {
            (params.sharpen_radius, params.smooth_radius, params.tile_norm_blocksize) == (0.0, 0.0, 0)
        }
        Normalize::Range { low, high } => single(&(*low, *high)),
        Normalize::Ranges(ranges) => ranges.len() == channels && ranges.iter().all(single),
        _ => true,
    }
}

/// Normalizes and inverts every channel as `params` say, in place: options that [`normalizes`] knows. Nothing is read
/// back, and nothing waits.
///
/// # Errors
/// [`Error::Length`] where ranges are given for another number of channels, and whatever the device says.
pub async fn normalize(gpu: &Gpu, planes: GpuPlanes, params: &Params) -> Result<GpuPlanes, Error> {
    let ranges = match &params.normalize {
        Normalize::Percentile { .. } => Vec::new(),
        Normalize::Range { low, high } => vec![(*low, *high); planes.channels],
        Normalize::Ranges(ranges) => ranges.clone(),
        _ => return Ok(planes),
    };
    if !ranges.is_empty() && ranges.len() != planes.channels {
        return Err(Error::Length { what: "norm_range", found: ranges.len(), expected: planes.channels });
    }
    let pixels = planes.height * planes.width;
    let count = planes.channels * pixels;
    if count == 0 {
        return Ok(planes);
    }
    let selection = Percentiles::new(gpu).await?;
    let kernel = gpu.kernel(Variant::of(shaders::NORMALIZE)).await?;
    gpu.attempt(WHAT, || {
        let mut work = Work::default();
        let bounds = match params.normalize {
            Normalize::Percentile { low, high } => {
                selection.add(gpu, &mut work, &planes, (low, high), MIN_CONTRAST, params.invert)?
            }
            _ => gpu.upload(WHAT, &ranges.iter().map(|&range| bound(range, params.invert)).collect::<Vec<_>>())?,
        };
        let bound = kernel.bind(gpu, &[pixels as u32, count as u32], &[&bounds, &planes.buffer]);
        work.add(bound, linear(gpu, WHAT, count as u64)?);
        work.submit(gpu, WHAT);
        Ok(())
    })
    .await?;
    Ok(planes)
}

/// A range as the shader takes it, its lower end in two parts: f32 alone would be off where the range is small against
/// it.
fn bound((low, high): (f64, f64), invert: bool) -> [f32; 4] {
    let first = low as f32;
    [first, (low - f64::from(first)) as f32, (high - low) as f32, if invert { 1.0 } else { 0.0 }]
}
