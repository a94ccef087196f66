//! Faults injected by tests, to cover every failure of a device.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Gpu;
use super::adapter::Choice;
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
    /// The device reports other capabilities, or has other shaders.
    pub device_override: Option<DeviceOverride>,
    /// Software adapters count as GPUs.
    pub software_is_gpu: bool,
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
    /// A GPU whose shaders write nothing, like a driver without its hardware.
    pub fn computes_nothing() -> Self {
        Self::with_shaders(|mut source| {
            let entry = source.find("@compute").unwrap_or_default();
            if let Some(end) = source[entry..].find(") {\n") {
                source.insert_str(entry + end + ") {\n".len(), "    if true {\n        return;\n    }\n");
            }
            source
        })
    }

    /// A GPU whose convolutions mistake one input channel for another.
    pub fn computes_wrongly() -> Self {
        Self::with_shaders(|source| source.replace("fma(weights[0], value.xxxx", "fma(weights[0], value.yyyy"))
    }

    /// A software adapter that counts as a GPU and has other shaders.
    pub fn with_shaders(source: fn(String) -> String) -> Self {
        let device_override = Some(DeviceOverride { capabilities: |_| (), source });
        Self { device_override, software_is_gpu: true, ..Self::default() }
    }

    /// The adapters to choose from, as overridden by the test.
    pub fn choice(&self, choice: Choice) -> Choice {
        if self.software_is_gpu && choice == Choice::Hardware { Choice::Any } else { choice }
    }

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
