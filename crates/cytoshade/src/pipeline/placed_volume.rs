//! Stacks wherever the stages before left them.

use cytoshade_core::{Axis, Params, SliceIndex, Stage, Volume};
use cytoshade_cpu::{normalize, volume};
#[cfg(not(target_arch = "wasm32"))]
use cytoshade_gpu::{Gpu, volume as gpu_volume, volume::GpuVolume};

use crate::Error;
#[cfg(not(target_arch = "wasm32"))]
use crate::backend::is_capacity_error;
use crate::pipeline::placed::Field;
use crate::pipeline::run::Run;

/// A stack in the host's memory, or on a device. Builds for browsers have no shaders for stacks.
#[derive(Debug)]
pub(crate) enum VolumeField {
    Host(Volume),
    #[cfg(not(target_arch = "wasm32"))]
    Device(Gpu, GpuVolume),
}

impl VolumeField {
    /// Depth, height and width.
    pub(crate) fn size(&self) -> [usize; 3] {
        match self {
            VolumeField::Host(volume) => volume.size(),
            #[cfg(not(target_arch = "wasm32"))]
            VolumeField::Device(_, volume) => volume.size(),
        }
    }

    /// How many planes there are along an axis.
    pub(crate) fn length(&self, axis: Axis) -> usize {
        let [depth, height, width] = self.size();
        match axis {
            Axis::Z => depth,
            Axis::Y => height,
            Axis::X => width,
        }
    }

    /// Height and width of the planes along an axis.
    pub(crate) fn plane_size(&self, axis: Axis) -> (usize, usize) {
        let SliceIndex { rows, columns, .. } = SliceIndex::new(self.size(), axis, 0);
        (rows, columns)
    }

    /// The stack in the host's memory.
    pub(crate) async fn into_host(self) -> Result<Volume, Error> {
        match self {
            VolumeField::Host(volume) => Ok(volume),
            #[cfg(not(target_arch = "wasm32"))]
            VolumeField::Device(gpu, volume) => volume.read(&gpu).await.map_err(Error::Gpu),
        }
    }

    /// The plane of every channel at `at` along `axis`, where the stack is; which comes to the host where the device has no
    /// room for the plane.
    pub(crate) async fn slice(&mut self, axis: Axis, at: usize) -> Result<Field, Error> {
        match self {
            VolumeField::Host(volume) => Ok(Field::Host(volume.slice(axis, at))),
            #[cfg(not(target_arch = "wasm32"))]
            VolumeField::Device(gpu, volume) => match volume.slice(gpu, axis, at).await {
                Err(error) if is_capacity_error(&error) => {
                    let volume = volume.read(gpu).await.map_err(Error::Gpu)?;
                    let plane = volume.slice(axis, at);
                    *self = VolumeField::Host(volume);
                    Ok(Field::Host(plane))
                }
                plane => Ok(Field::Device(gpu.clone(), plane.map_err(Error::Gpu)?)),
            },
        }
    }
}

impl Run<'_> {
    /// A stack normalized as `params` say: on a GPU, where there is one that has room for it and knows how.
    pub(crate) async fn normalize_volume(&mut self, mut volume: Volume, params: &Params) -> Result<VolumeField, Error> {
        #[cfg(not(target_arch = "wasm32"))]
        if let Some((gpu, _)) = self.backend.stages()
            && gpu_volume::normalizes(params, volume.channels(), volume.depth())
        {
            let work = async { gpu_volume::normalize(gpu, GpuVolume::upload(gpu, &volume).await?, params).await };
            if let Some(normalized) = self.gpu_stage(Stage::Normalize, gpu, work).await? {
                return Ok(VolumeField::Device(gpu.clone(), normalized));
            }
        }
        self.stage(Stage::Normalize, || normalize::normalize(&mut volume, params))??;
        Ok(VolumeField::Host(volume))
    }

    /// A stack resized to [depth, height, width], where it is.
    pub(crate) async fn resize_volume(&mut self, volume: VolumeField, size: [usize; 3]) -> Result<VolumeField, Error> {
        if volume.size() == size {
            return Ok(volume);
        }
        #[cfg(not(target_arch = "wasm32"))]
        if let VolumeField::Device(gpu, there) = &volume {
            let work = gpu_volume::linear_resize(gpu, there.clone(), size);
            if let Some(resized) = self.gpu_stage(Stage::Resize, gpu, work).await? {
                return Ok(VolumeField::Device(gpu.clone(), resized));
            }
        }
        let volume = volume.into_host().await?;
        Ok(VolumeField::Host(self.stage(Stage::Resize, || volume::resize::linear(volume, size))?))
    }

    /// A stack where the stages run: on a GPU that has room for it.
    pub(crate) async fn place_volume(&self, volume: Volume) -> Result<VolumeField, Error> {
        #[cfg(not(target_arch = "wasm32"))]
        if let Some((gpu, _)) = self.backend.stages() {
            match GpuVolume::upload(gpu, &volume).await {
                Err(error) if is_capacity_error(&error) => {}
                placed => return Ok(VolumeField::Device(gpu.clone(), placed.map_err(Error::Gpu)?)),
            }
        }
        Ok(VolumeField::Host(volume))
    }

    /// Flows, the first three channels, smoothed by a Gaussian of `sigma` voxels, where they are.
    pub(crate) async fn smooth_flows(&mut self, sums: VolumeField, sigma: f64) -> Result<VolumeField, Error> {
        if sigma <= 0.0 {
            return Ok(sums);
        }
        #[cfg(not(target_arch = "wasm32"))]
        if let VolumeField::Device(gpu, there) = &sums
            && self.gpu_stage(Stage::Smooth, gpu, gpu_volume::smooth(gpu, there, 3, sigma)).await?.is_some()
        {
            return Ok(sums);
        }
        let sums = sums.into_host().await?;
        Ok(VolumeField::Host(self.stage(Stage::Smooth, || volume::smooth::smooth(sums, 3, sigma))?))
    }
}
