//! The planes of a stack along one axis, for the network.

use cytoshade_core::Axis;

use crate::Error;
use crate::backend::placed::{PlacedPlanes, PlacedVolume};

/// The planes of a stack along one axis, each resized to one size.
pub(crate) struct Slices<'v> {
    volume: &'v mut PlacedVolume,
    axis: Axis,
    /// Height and width of the network's input.
    size: (usize, usize),
    next: usize,
}

impl<'v> Slices<'v> {
    /// The planes at their own size.
    pub(crate) fn along(volume: &'v mut PlacedVolume, axis: Axis) -> Self {
        let size = volume.plane_size(axis);
        Self { volume, axis, size, next: 0 }
    }

    /// The planes resized to height and width.
    pub(crate) fn resized(self, size: (usize, usize)) -> Self {
        Self { size, ..self }
    }

    /// The next plane; `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<PlacedPlanes>, Error> {
        if self.next == self.volume.length(self.axis) {
            return Ok(None);
        }
        let plane = self.volume.slice(self.axis, self.next).await?;
        self.next += 1;
        Ok(Some(plane.resized(self.size).await?))
    }
}
