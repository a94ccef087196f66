//! Bilinear resize of planes, with OpenCV's coordinates (the reference's `transforms.resize_image`).

use cytoshade_core::resample::lerp_indices;
use cytoshade_shaders as shaders;

use crate::device::{DispatchList, Gpu};
use crate::error::Error;
use crate::pipeline::Variant;
use crate::planes::GpuPlanes;

const WHAT: &str = "resized planes";

/// Resizes each plane to `height` x `width` by bilinear interpolation. Does not wait.
///
/// # Errors
/// [`Error::Length`] for planes without pixels, [`Error::Limit`] if the resized planes are too large for one binding, and
/// errors of the device.
pub async fn bilinear(gpu: &Gpu, planes: &GpuPlanes, height: usize, width: usize) -> Result<GpuPlanes, Error> {
    if planes.height * planes.width * height * width == 0 {
        return Err(Error::Length { what: "planes", found: 0, expected: 1 });
    }
    let kernel = gpu.kernel(Variant::new(&shaders::RESIZE)).await?;
    gpu.with_error_scopes(WHAT, || {
        let resized = GpuPlanes::zeros(gpu, WHAT, planes.channels, height, width)?;
        // The host computes the positions in f64, as in the CPU backend.
        let places = [lerp_indices(planes.height, height), lerp_indices(planes.width, width)].concat();
        let places: Vec<_> = places.iter().map(|place| [place.first as u32, place.weight.to_bits()]).collect();
        let places = gpu.upload(WHAT, &places)?;
        let params = [planes.width, planes.height, width, height, planes.channels].map(|value| value as u32);
        let bound = gpu.bind(&kernel, &params, &[&planes.buffer, &places, &resized.buffer]);
        let mut work = DispatchList::default();
        work.add(bound, gpu.box_grid(WHAT, [1, height, width])?);
        work.submit(gpu, WHAT);
        Ok(resized)
    })
    .await
}
