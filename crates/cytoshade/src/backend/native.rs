//! Native builds: futures move between threads, and the network runs in this process.

use std::pin::Pin;

use cytoshade_core::{EndPoints, Error as CoreError};
use cytoshade_cpu::follow_flows::Steps;

use super::Batch;
use crate::{DeviceInfo, Error};

/// Called with the number of tiles of a batch that are done; an error from it stops the run.
pub(crate) type Done<'a> = dyn FnMut(usize) -> Result<(), CoreError> + Send + 'a;

/// Tiles in flight.
pub(crate) type PendingBatch<'a> = Pin<Box<dyn Future<Output = Result<Batch, Error>> + Send + 'a>>;

/// A network in other processes. Native builds have none.
#[derive(Debug)]
pub(crate) enum Remote {}

impl Remote {
    pub(crate) fn info(&self) -> DeviceInfo {
        match *self {}
    }

    pub(crate) fn network(&self, _: &[f32], _: usize, _: usize) -> PendingBatch<'_> {
        match *self {}
    }

    pub(crate) async fn follow_flows(&self, _: &Steps<'_>, _: Vec<u32>, _: u32, _: bool) -> Result<EndPoints, Error> {
        match *self {}
    }
}
