//! The network run where this thread's memory does not reach: in a browser's other workers.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use crate::{Batch, DeviceInfo, Done, Error};

/// Runs tiles through the network in some other place. In a browser without shared memory threads are workers, which
/// only pass messages; tiles are independent, so that is enough to keep all of them busy.
pub trait Elsewhere: Debug {
    /// What it runs on.
    fn info(&self) -> DeviceInfo;

    /// Runs `count` tiles, planar, of shape [count, channels, height, width]. `done` hears how many tiles are complete,
    /// and may stop the run.
    ///
    /// # Errors
    /// What `done` returns, and [`Error::Elsewhere`].
    fn network<'a>(
        &'a self,
        tiles: &'a [f32],
        count: usize,
        height: usize,
        width: usize,
        done: &'a mut Done<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<Batch, Error>> + 'a>>;
}
