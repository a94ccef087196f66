//! Faults injected by tests, to cover every failure of a device.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Gpu;
use super::capabilities::Capabilities;

/// Faults of a device, for tests. Clones share the flags: a one-time fault occurs once over all clones.
#[doc(hidden)]
#[derive(Clone, Debug, Default)]
pub struct FaultInjection {
    /// Allocations above this size in bytes fail.
    pub memory: Option<u64>,
    /// The next wait times out.
    pub hang: Arc<AtomicBool>,
    /// The device is lost at the next wait.
    pub lose: Arc<AtomicBool>,
    /// The device reports other capabilities.
    pub device_override: Option<DeviceOverride>,
}

/// Overrides a device's capabilities, to test the kernels of other devices on it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct DeviceOverride {
    /// Changes the capabilities.
    pub capabilities: fn(&mut Capabilities),
    /// Changes the source of a shader.
    pub source: fn(String) -> String,
}

impl FaultInjection {
    /// The capabilities, as overridden by the test.
    pub(super) fn capabilities(&self, mut capabilities: Capabilities) -> Capabilities {
        if let Some(DeviceOverride { capabilities: change, .. }) = self.device_override {
            change(&mut capabilities);
        }
        capabilities
    }

    /// The source of a shader, as overridden by the test.
    pub(super) fn source(&self, source: String) -> String {
        match self.device_override {
            Some(device_override) => (device_override.source)(source),
            None => source,
        }
    }
}

impl Gpu {
    /// Fails the allocation of a buffer if a test requests it.
    pub(super) fn inject_out_of_memory(&self, bytes: u64) {
        if self.0.faults.memory.is_some_and(|most| bytes > most) {
            self.0.errors.capture_out_of_memory();
        }
    }

    /// Loses the device if a test requests it. Returns whether the next wait should time out.
    pub(super) fn inject_hang_or_loss(&self) -> bool {
        let FaultInjection { hang, lose, .. } = &self.0.faults;
        if lose.swap(false, Ordering::Relaxed) {
            self.mark_lost("a test injected its loss".into());
        }
        hang.swap(false, Ordering::Relaxed)
    }
}
