//! Remembers in the caller's cache that a device passed the check.

use cytoshade_core::Network;
use cytoshade_gpu::{AdapterInfo, ConvKernel, Options};
use cytoshade_model::Sha256;

use crate::calibrate::{Slot, Wanted};

/// The cache entry of a passed check.
///
/// `None` without a cache, and for a driver that reports no version: an update could break it unnoticed.
pub(super) struct Record(Option<Slot>);

impl Record {
    pub(super) fn new(
        adapter: &AdapterInfo,
        network: &Network,
        restores: bool,
        options: Options,
        wanted: &Wanted,
    ) -> Self {
        let Options { kernel, precision } = options;
        let plan = Sha256::digest(format!("{:?}", network.plan()).as_bytes());
        let kernel = kernel.map_or("default", ConvKernel::name);
        let dynamics = if restores { "" } else { " with dynamics" };
        let key = format!("{plan} in {} by {kernel}{dynamics}", precision.name());
        let folder = wanted.cache.as_deref().filter(|_| !adapter.driver.is_empty());
        Self(folder.map(|folder| Slot::new(folder, "check", adapter, key)))
    }

    pub(super) fn has_passed(&self) -> bool {
        self.0.as_ref().and_then(Slot::read) == Some(true)
    }

    pub(super) fn pass(&self) {
        self.0.iter().for_each(|slot| slot.write(true));
    }
}
