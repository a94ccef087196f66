//! Planes wherever the stages before left them.

use cytoshade_core::Planes;
use cytoshade_gpu::{Gpu, GpuPlanes};

use crate::Error;

/// Planes in the host's memory, or on a device.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    Host(Planes),
    Device(Gpu, GpuPlanes),
}

impl Field {
    /// Height and width in pixels.
    pub(crate) fn size(&self) -> (usize, usize) {
        match self {
            Field::Host(planes) => (planes.height(), planes.width()),
            Field::Device(_, planes) => (planes.height(), planes.width()),
        }
    }

    /// The planes in the host's memory.
    pub(crate) async fn into_host(self) -> Result<Planes, Error> {
        match self {
            Field::Host(planes) => Ok(planes),
            Field::Device(gpu, planes) => planes.read(&gpu).await.map_err(Error::Gpu),
        }
    }
}
