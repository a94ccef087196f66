//! Browsers have no cache: the check runs each time.

use cytoshade_core::Network;
use cytoshade_gpu::{AdapterInfo, Options};

use crate::calibrate::Wanted;

/// Remembers nothing.
pub(super) struct Record;

impl Record {
    pub(super) fn new(_: &AdapterInfo, _: &Network, _: bool, _: Options, _: &Wanted) -> Self {
        Self
    }

    pub(super) fn has_passed(&self) -> bool {
        false
    }

    pub(super) fn pass(&self) {}
}
