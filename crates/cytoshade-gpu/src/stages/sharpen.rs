//! Smoothing and sharpening of planes before they are normalized (the reference's `transforms.smooth_sharpen_img`), as
//! two passes over the axes (see the CPU's module of this name).

use cytoshade_core::gaussian::Taps;

use crate::device::Gpu;
use crate::device::dispatch_list::DispatchList;
use crate::error::Error;
use crate::planes::GpuPlanes;
use crate::stages::gaussian::{Axis, Gaussian};
use crate::stages::normalize::Layers;

const WHAT: &str = "sharpening";

/// Smooths every layer by a Gaussian of `smooth_radius`, subtracts one of `sharpen_radius`; a radius of 0 leaves its part
/// out. In place; nothing waits.
pub(crate) async fn smooth_sharpen(
    gpu: &Gpu,
    layers: &Layers,
    smooth_radius: f32,
    sharpen_radius: f32,
) -> Result<(), Error> {
    if smooth_radius <= 0.0 && sharpen_radius <= 0.0 {
        return Ok(());
    }
    let Layers { planes, height, .. } = layers;
    let (GpuPlanes { width, buffer, .. }, count) = (planes, planes.channels * planes.height * planes.width);
    let gaussian = Gaussian::new(gpu).await?;
    gpu.with_error_scopes(WHAT, || {
        let mut work = DispatchList::default();
        let [rows, columns] =
            [Axis { count, stride: *width, length: *height }, Axis { count, stride: 1, length: *width }];
        let kernel = |radius: f32| [*height, *width].map(|length| Taps::cyclic(f64::from(radius), *height, length));
        // A pass along the rows, whose result the second pass takes to the planes.
        let mut across = |radius: f32| {
            let [down, along] = kernel(radius);
            let half = gpu.storage(WHAT, 4 * count as u64)?;
            gaussian.add(gpu, &mut work, (columns, &along), (buffer, &half), None)?;
            Ok::<_, Error>((half, down, along.middle))
        };
        let surround = if sharpen_radius > 0.0 { Some(across(sharpen_radius)?) } else { None };
        let smoothed = if smooth_radius > 0.0 { Some(across(smooth_radius)?) } else { None };
        if let Some((half, down, _)) = &smoothed {
            gaussian.add(gpu, &mut work, (rows, down), (half, buffer), None)?;
        }
        if let Some((half, down, middle)) = &surround {
            // Without smoothing the kernel is 1 in the middle, instead of what the Gaussian has there.
            let more = if smoothed.is_some() { 0.0 } else { middle * down.middle };
            gaussian.add(gpu, &mut work, (rows, down), (half, buffer), Some(more))?;
        }
        work.submit(gpu, WHAT);
        Ok(())
    })
    .await
}
