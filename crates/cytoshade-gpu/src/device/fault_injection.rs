//! Faults that tests provoke, so that each way in which a device fails is seen through to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Gpu;
use super::capabilities::Capabilities;

/// Faults of a device, for tests. Clones share the flags: a fault that happens once happens once for all of them.
#[doc(hidden)]
#[derive(Clone, Debug, Default)]
pub struct FaultInjection {
    /// Buffers of more bytes than this find no memory.
    pub memory: Option<u64>,
    /// The next wait takes too long.
    pub hang: Arc<AtomicBool>,
    /// The device is lost at the next wait.
    pub lose: Arc<AtomicBool>,
    /// The device looks like another one.
    pub device_override: Option<DeviceOverride>,
}

/// Makes a device look like another one, whose kernels are then tested on it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct DeviceOverride {
    /// Changes the capabilities.
    pub capabilities: fn(&mut Capabilities),
    /// Changes the source of a shader.
    pub source: fn(String) -> String,
}

impl FaultInjection {
    /// The capabilities as the test wants them.
    pub(super) fn capabilities(&self, mut capabilities: Capabilities) -> Capabilities {
        if let Some(DeviceOverride { capabilities: change, .. }) = self.device_override {
            change(&mut capabilities);
        }
        capabilities
    }

    /// The source of a shader as the test wants it.
    pub(super) fn source(&self, source: String) -> String {
        match self.device_override {
            Some(device_override) => (device_override.source)(source),
            None => source,
        }
    }
}

impl Gpu {
    /// Fails the allocation of a buffer if a test asked for it.
    pub(super) fn inject_out_of_memory(&self, bytes: u64) {
        if self.0.faults.memory.is_some_and(|most| bytes > most) {
            self.0.errors.capture_out_of_memory();
        }
    }

    /// Loses the device if a test asked for it. Returns whether the test wants the next wait to take too long.
    pub(super) fn inject_hang_or_loss(&self) -> bool {
        let FaultInjection { hang, lose, .. } = &self.0.faults;
        if lose.swap(false, Ordering::Relaxed) {
            self.mark_lost("a test took it away".into());
        }
        hang.swap(false, Ordering::Relaxed)
    }
}
