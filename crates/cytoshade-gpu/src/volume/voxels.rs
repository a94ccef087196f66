//! Stacks that stay on the device between stages.

use cytoshade_core::gaussian::Taps;
use cytoshade_core::{Axis, Normalize, Params, SliceIndex, Volume};
use cytoshade_shaders as shaders;

use crate::device::{DispatchList, Gpu};
use crate::error::Error;
use crate::pipeline::Variant;
use crate::planes::GpuPlanes;
use crate::stages::gaussian::{self, Gaussian};
use crate::stages::normalize::{normalize_slices, normalizes as normalizes_planes};
use crate::stages::resize::bilinear;
use crate::stages::slices::Slices;

const WHAT: &str = "a stack";

/// Planar f32 values [channels, depth, height, width] on the device; on the host, [`Volume`].
#[derive(Clone, Debug)]
pub struct GpuVolume {
    /// The z-slices of each channel, stacked vertically.
    pub(super) planes: GpuPlanes,
    depth: usize,
}

impl GpuVolume {
    /// Uploads a stack.
    ///
    /// # Errors
    /// [`Error::Limit`] if it is too large for one binding, and errors of the device.
    pub async fn upload(gpu: &Gpu, volume: &Volume) -> Result<Self, Error> {
        let [depth, height, width] = volume.size();
        let buffer = gpu.with_error_scopes(WHAT, || gpu.upload(WHAT, volume.as_slice())).await?;
        let planes = GpuPlanes { buffer, channels: volume.channels(), height: depth * height, width };
        Ok(Self { planes, depth })
    }

    /// Reads the stack back.
    ///
    /// # Errors
    /// Errors of the device.
    pub async fn read(&self, gpu: &Gpu) -> Result<Volume, Error> {
        let [depth, height, width] = self.size();
        let values = self.planes.read(gpu).await?.into_vec();
        Volume::new(values, self.channels(), depth, height, width)
            .map_err(|error| Error::Refused { what: WHAT, reason: error.to_string() })
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.planes.channels
    }

    /// Depth, height and width.
    pub fn size(&self) -> [usize; 3] {
        [self.depth, self.planes.height.checked_div(self.depth).unwrap_or(0), self.planes.width]
    }

    /// The plane of every channel at index `at` along `axis`. Does not wait.
    ///
    /// # Errors
    /// [`Error::Length`] if `at` is not below the length of the axis, and errors of the device.
    pub async fn slice(&self, gpu: &Gpu, axis: Axis, at: usize) -> Result<GpuPlanes, Error> {
        let size @ [depth, height, width] = self.size();
        let length = match axis {
            Axis::Z => depth,
            Axis::Y => height,
            Axis::X => width,
        };
        if at >= length {
            return Err(Error::Length { what: "an axis of the stack", found: length, expected: at + 1 });
        }
        let SliceIndex { first, rows, row, columns, column } = SliceIndex::new(size, axis, at);
        let kernel = gpu.kernel(Variant::new(&shaders::VOLUME_SLICE)).await?;
        gpu.with_error_scopes(WHAT, || {
            let plane = GpuPlanes::zeros(gpu, "a plane of a stack", self.channels(), rows, columns)?;
            let (pixels, count) = (rows * columns, self.channels() * rows * columns);
            let params = [width, height, depth, first, row, column, columns, pixels, count].map(|value| value as u32);
            let mut work = DispatchList::default();
            let bound = gpu.bind(&kernel, &params, &[&self.planes.buffer, &plane.buffer]);
            work.add(bound, gpu.linear_grid(WHAT, count as u64)?);
            work.submit(gpu, WHAT);
            Ok(plane)
        })
        .await
    }
}

/// Whether [`normalize`] supports these parameters for stacks of a number of channels and z-slices.
///
/// Percentiles per z-slice are not supported together with inversion or tiles: each z-slice would depend on all others,
/// for the channels with contrast or for a pixel with too small a range.
pub fn normalizes(params: &Params, channels: usize, depth: usize) -> bool {
    let own = !params.norm3d && depth > 1 && matches!(params.normalize, Normalize::Percentile { .. });
    let others = params.invert || params.tile_norm_blocksize > 0;
    normalizes_planes(params, channels) && !(own && others)
}

/// [`crate::normalize`] for a stack.
///
/// With `norm3d` the percentiles are those of the whole stack, else those of each z-slice.
///
/// # Errors
/// As [`crate::normalize`].
pub async fn normalize(gpu: &Gpu, volume: GpuVolume, params: &Params) -> Result<GpuVolume, Error> {
    let [depth, height, _] = volume.size();
    let slices = Slices { planes: volume.planes, depth, height };
    normalize_slices(gpu, &slices, params).await?;
    Ok(GpuVolume { planes: slices.planes, depth })
}

/// Resizes every channel to `size` [depth, height, width] by linear interpolation.
///
/// Each z-slice is resized as an image, then the depth. Does not wait.
///
/// # Errors
/// [`Error::Length`] for stacks without voxels, [`Error::Limit`] if the result is too large for one binding or has a
/// million pixels per z-slice while its depth changes, and errors of the device.
pub async fn linear_resize(gpu: &Gpu, volume: GpuVolume, size: [usize; 3]) -> Result<GpuVolume, Error> {
    let ([from, from_height, from_width], [depth, height, width]) = (volume.size(), size);
    let channels = volume.channels();
    let mut planes = volume.planes;
    if (from_height, from_width) != (height, width) {
        // Each z-slice of each channel is a plane.
        let slices = GpuPlanes { channels: channels * from, height: from_height, width: from_width, ..planes };
        planes = bilinear(gpu, &slices, height, width).await?;
    }
    if from != depth {
        // Each z-slice is a row of a plane that is resized only along its columns.
        let rows = GpuPlanes { channels, height: from, width: height * width, ..planes };
        planes = bilinear(gpu, &rows, depth, height * width).await?;
    }
    Ok(GpuVolume { planes: GpuPlanes { channels, height: depth * height, width, ..planes }, depth })
}

/// Smooths the first `channels` channels along their three axes by a Gaussian of `sigma` voxels.
///
/// In place; a `sigma` of 0 changes nothing. Does not wait.
///
/// # Errors
/// Errors of the device.
pub async fn smooth(gpu: &Gpu, volume: &GpuVolume, channels: usize, sigma: f64) -> Result<(), Error> {
    let [depth, height, width] = volume.size();
    let count = channels.min(volume.channels()) * depth * height * width;
    let taps = Taps::truncated(sigma);
    if sigma <= 0.0 || count == 0 {
        return Ok(());
    }
    let gaussian = Gaussian::new(gpu).await?;
    gpu.with_error_scopes(WHAT, || {
        let (values, other) = (&volume.planes.buffer, gpu.storage("a smoothed stack", 4 * count as u64)?);
        let axis = |stride, length| (gaussian::Axis { count, stride, length }, &taps);
        let mut work = DispatchList::default();
        gaussian.add(gpu, &mut work, axis(height * width, depth), (values, &other), None)?;
        gaussian.add(gpu, &mut work, axis(width, height), (&other, values), None)?;
        gaussian.add(gpu, &mut work, axis(1, width), (values, &other), None)?;
        work.submit(gpu, WHAT);
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(WHAT) });
        encoder.copy_buffer_to_buffer(&other, 0, values, 0, Some(4 * count as u64));
        gpu.queue().submit([encoder.finish()]);
        Ok(())
    })
    .await
}
