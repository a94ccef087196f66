//! The network run where this thread's memory does not reach: in a browser's other workers.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use cytoshade_core::EndPoints;
use cytoshade_cpu::follow_flows::Steps;

use crate::{DeviceInfo, Error, PendingBatch};

/// Runs tiles through the network in some other place. In a browser without shared memory threads are workers, which
/// only pass messages; tiles are independent, so that is enough to keep all of them busy.
pub trait RemoteBackend: Debug {
    /// What it runs on.
    fn info(&self) -> DeviceInfo;

    /// Begins to run a tile, planar, of shape [channels, height, width]; several may be on their way.
    ///
    /// # Errors
    /// [`Error::Remote`].
    fn network(&self, tile: &[f32], height: usize, width: usize) -> PendingBatch<'_>;

    /// Where `niter` steps carry each of `pixels`, as [`Steps::follow`] finds it: each goes its own way, so they can be
    /// spread too.
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
