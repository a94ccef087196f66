//! Smooths and sharpens planes (the reference's `transforms.smooth_sharpen_img`).
//!
//! A filter is one pass along each axis. The CPU's module of this name explains the filters.

use cytoshade_core::gaussian::Taps;

use crate::device::{DispatchList, Gpu};
use crate::error::Error;
use crate::planes::GpuPlanes;
use crate::stages::gaussian::{Axis, Gaussian};
use crate::stages::slices::Slices;

const WHAT: &str = "sharpening";

/// Smooths every z-slice by `smooth_radius` and subtracts a Gaussian of `sharpen_radius`, in place.
///
/// A radius of 0 omits its filter. Does not wait.
pub(crate) async fn smooth_sharpen(
    gpu: &Gpu,
    slices: &Slices,
    smooth_radius: f32,
    sharpen_radius: f32,
) -> Result<(), Error> {
    if smooth_radius <= 0.0 && sharpen_radius <= 0.0 {
        return Ok(());
    }
    let Slices { planes, height, .. } = slices;
    let (GpuPlanes { width, buffer, .. }, count) = (planes, planes.channels * planes.height * planes.width);
    let gaussian = Gaussian::new(gpu).await?;
    gpu.with_error_scopes(WHAT, || {
        let mut work = DispatchList::default();
        let [rows, columns] =
            [Axis { count, stride: *width, length: *height }, Axis { count, stride: 1, length: *width }];
        let kernel = |radius: f32| [*height, *width].map(|length| Taps::cyclic(f64::from(radius), *height, length));
        // The pass along the rows. The second pass, down the columns, writes to the planes.
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
            // Without smoothing, the kernel has 1 at its center instead of the Gaussian's value.
            let more = if smoothed.is_some() { 0.0 } else { middle * down.middle };
            gaussian.add(gpu, &mut work, (rows, down), (half, buffer), Some(more))?;
        }
        work.submit(gpu, WHAT);
        Ok(())
    })
    .await
}
