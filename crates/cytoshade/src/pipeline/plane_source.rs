//! What the network sees, plane after plane.

use cytoshade_core::{Axis, Planes};
use cytoshade_cpu::resize;

use crate::Error;
#[cfg(not(target_arch = "wasm32"))]
use crate::backend::is_capacity_error;
use crate::pipeline::placed::Field;
use crate::pipeline::placed_volume::VolumeField;

/// The planes of one size that a call shows to the network.
pub(crate) enum PlaneSource<'v> {
    /// One of them.
    Plane(Field),
    /// All along an axis of a stack, each resized to (height, width).
    Planes { volume: &'v mut VolumeField, axis: Axis, size: (usize, usize) },
}

impl<'v> PlaneSource<'v> {
    /// All planes along an axis as they are.
    pub(crate) fn along(volume: &'v mut VolumeField, axis: Axis) -> Self {
        let size = volume.plane_size(axis);
        PlaneSource::Planes { volume, axis, size }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        match self {
            PlaneSource::Plane(_) => 1,
            PlaneSource::Planes { volume, axis, .. } => volume.length(*axis),
        }
    }

    /// The plane at a place, where it is.
    pub(crate) async fn plane(&mut self, at: usize) -> Result<Field, Error> {
        match self {
            PlaneSource::Plane(plane) => Ok(plane.clone()),
            PlaneSource::Planes { volume, axis, size } => resized(volume.slice(*axis, at).await?, *size).await,
        }
    }

    /// The plane at a place, in the host's memory, to be asked for once.
    pub(crate) async fn take(&mut self, at: usize) -> Result<Planes, Error> {
        let plane = match self {
            PlaneSource::Plane(plane) => std::mem::replace(plane, Field::Host(Planes::default())),
            PlaneSource::Planes { .. } => self.plane(at).await?,
        };
        plane.into_host().await
    }
}

/// A plane resized where it is, as part of what else is done with it.
async fn resized(plane: Field, (height, width): (usize, usize)) -> Result<Field, Error> {
    if plane.size() == (height, width) {
        return Ok(plane);
    }
    #[cfg(not(target_arch = "wasm32"))]
    if let Field::Device(gpu, planes) = &plane {
        match cytoshade_gpu::bilinear(gpu, planes, height, width).await {
            Err(error) if is_capacity_error(&error) => {}
            resized => return Ok(Field::Device(gpu.clone(), resized.map_err(Error::Gpu)?)),
        }
    }
    Ok(Field::Host(resize::bilinear(&plane.into_host().await?, height, width)))
}
