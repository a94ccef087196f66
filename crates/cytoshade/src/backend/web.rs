//! Builds for browsers: one thread, and a network that can run in the browser's other workers.

use std::fmt::Debug;
use std::pin::Pin;

use cytoshade_core::{EndPoints, Error as CoreError};
use cytoshade_cpu::follow_flows::Steps;

use super::Batch;
use crate::{DeviceInfo, Error};

/// Called with the number of tiles of a batch that are done; an error from it stops the run.
pub(crate) type Done<'a> = dyn FnMut(usize) -> Result<(), CoreError> + 'a;

/// Tiles in flight.
pub type PendingBatch<'a> = Pin<Box<dyn Future<Output = Result<Batch, Error>> + 'a>>;

/// A network in other workers.
pub(crate) type Remote = Box<dyn RemoteBackend>;

/// Runs tiles through the network in other workers of the browser.
///
/// Without shared memory the threads of a browser are workers that exchange messages. Tiles are independent of each
/// other, so messages are enough to keep all workers busy.
pub trait RemoteBackend: Debug {
    /// The device of the workers.
    fn info(&self) -> DeviceInfo;

    /// Starts a tile of shape [channels, height, width]. Several tiles can be in flight.
    ///
    /// # Errors
    /// [`Error::Remote`].
    fn network(&self, tile: &[f32], height: usize, width: usize) -> PendingBatch<'_>;

    /// The end points of `pixels` after `niter` steps, as [`Steps::follow`] computes them.
    ///
    /// Pixels are independent of each other.
    ///
    /// # Errors
    /// [`Error::Remote`].
    fn follow_flows<'a>(
        &'a self,
        steps: &'a Steps<'a>,
        pixels: Vec<u32>,
        niter: u32,
        interp: bool,
    ) -> Pin<Box<dyn Future<Output = Result<EndPoints, Error>> + 'a>>;
}
