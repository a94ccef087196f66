//! Values in host memory or on a GPU, as the last stage left them.

use cytoshade_core::{Axis, Planes, SliceIndex, Volume};
use cytoshade_cpu::resize;

use crate::Error;
use crate::backend::unless_over_capacity;
use crate::gpu::volume::GpuVolume;
use crate::gpu::{self, Gpu, GpuPlanes};

/// A value in host memory or on a GPU.
#[derive(Clone, Debug)]
pub(crate) enum Placed<H, D> {
    Host(H),
    Device(Gpu, D),
}

/// Planes [channels, height, width].
pub(crate) type PlacedPlanes = Placed<Planes, GpuPlanes>;

/// A stack [channels, depth, height, width].
pub(crate) type PlacedVolume = Placed<Volume, GpuVolume>;

/// A value on a GPU that has a counterpart in host memory.
pub(crate) trait OnDevice {
    type Host;

    async fn to_host(&self, gpu: &Gpu) -> Result<Self::Host, Error>;
}

impl OnDevice for GpuPlanes {
    type Host = Planes;

    async fn to_host(&self, gpu: &Gpu) -> Result<Planes, Error> {
        Ok(self.read(gpu).await?)
    }
}

impl OnDevice for GpuVolume {
    type Host = Volume;

    async fn to_host(&self, gpu: &Gpu) -> Result<Volume, Error> {
        Ok(self.read(gpu).await?)
    }
}

impl<H, D: OnDevice<Host = H>> Placed<H, D> {
    /// Moves the value to host memory.
    pub(crate) async fn into_host(self) -> Result<H, Error> {
        match self {
            Placed::Host(value) => Ok(value),
            Placed::Device(gpu, value) => value.to_host(&gpu).await,
        }
    }
}

impl<T> Placed<T, T> {
    /// The result of a stage that always ends in host memory.
    pub(crate) fn into_inner(self) -> T {
        match self {
            Placed::Host(value) | Placed::Device(_, value) => value,
        }
    }
}

impl PlacedPlanes {
    /// Height and width in pixels.
    pub(crate) fn size(&self) -> (usize, usize) {
        match self {
            Placed::Host(planes) => (planes.height(), planes.width()),
            Placed::Device(_, planes) => (planes.height(), planes.width()),
        }
    }

    /// Resizes the planes on the device that holds them, as part of the calling stage.
    pub(crate) async fn resized(self, (height, width): (usize, usize)) -> Result<Self, Error> {
        if self.size() == (height, width) {
            return Ok(self);
        }
        if let Placed::Device(gpu, planes) = &self {
            let resized = gpu::bilinear(gpu, planes, height, width).await;
            if let Some(resized) = unless_over_capacity(resized)? {
                return Ok(Placed::Device(gpu.clone(), resized));
            }
        }
        Ok(Placed::Host(resize::bilinear(&self.into_host().await?, height, width)))
    }
}

impl PlacedVolume {
    /// Depth, height and width in voxels.
    pub(crate) fn size(&self) -> [usize; 3] {
        match self {
            Placed::Host(volume) => volume.size(),
            Placed::Device(_, volume) => volume.size(),
        }
    }

    /// Number of planes along an axis.
    pub(crate) fn length(&self, axis: Axis) -> usize {
        axis.length(self.size())
    }

    /// Height and width of the planes along an axis.
    pub(crate) fn plane_size(&self, axis: Axis) -> (usize, usize) {
        let SliceIndex { rows, columns, .. } = SliceIndex::new(self.size(), axis, 0);
        (rows, columns)
    }

    /// Copies the plane of every channel at `at` along `axis`, on the device that holds the stack.
    ///
    /// Moves the stack to the host if the device has no room for the plane.
    pub(crate) async fn slice(&mut self, axis: Axis, at: usize) -> Result<PlacedPlanes, Error> {
        let host = match self {
            Placed::Host(volume) => return Ok(Placed::Host(volume.slice(axis, at))),
            Placed::Device(gpu, volume) => match unless_over_capacity(volume.slice(gpu, axis, at).await)? {
                Some(plane) => return Ok(Placed::Device(gpu.clone(), plane)),
                None => volume.read(gpu).await?,
            },
        };
        let plane = host.slice(axis, at);
        *self = Placed::Host(host);
        Ok(Placed::Host(plane))
    }
}
