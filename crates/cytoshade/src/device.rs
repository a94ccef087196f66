//! What a segmentation runs on.

use cytoshade_gpu::{AdapterInfo, Choice, DeviceOptions, Gpu};

use crate::Error;

/// What a [`crate::Segmenter`] shall run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// A GPU where there is one that works, else the CPU. Software adapters are never taken.
    #[default]
    Auto,
    /// A GPU; an error where there is none.
    Gpu,
    /// The CPU.
    Cpu,
    /// A software adapter (Mesa's llvmpipe, SwiftShader), which runs the shaders on the CPU: for tests.
    Software,
}

/// What a segmentation ran on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DeviceInfo {
    /// The CPU, with the instruction set in use.
    Cpu {
        /// The instruction set's name.
        isa: String,
        /// Threads that share the work.
        threads: usize,
    },
    /// A GPU or a software adapter.
    Gpu(AdapterInfo),
}

impl std::fmt::Display for DeviceInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DeviceInfo::Cpu { isa, threads } => {
                write!(f, "CPU ({isa}, {threads} thread{})", if *threads == 1 { "" } else { "s" })
            }
            DeviceInfo::Gpu(info) => write!(f, "{} ({})", info.name, info.backend),
        }
    }
}

/// Every adapter that could run the shaders, the one that [`Device::Auto`] takes marked.
pub async fn adapters_async() -> Vec<AdapterInfo> {
    cytoshade_gpu::adapters().await
}

/// Every adapter that could run the shaders, the one that [`Device::Auto`] takes marked.
#[cfg(not(target_arch = "wasm32"))]
pub fn adapters() -> Vec<AdapterInfo> {
    pollster::block_on(adapters_async())
}

/// The GPU that a device asks for; `None` where the CPU shall run.
pub(crate) async fn open(device: Device, device_options: &DeviceOptions) -> Result<Option<Gpu>, Error> {
    match device {
        Device::Cpu => Ok(None),
        // Whatever keeps a GPU from opening, the CPU can do the work.
        Device::Auto => Ok(Gpu::open_with(Choice::Hardware, device_options).await.ok()),
        Device::Gpu => Gpu::open_with(Choice::Hardware, device_options).await.map(Some).map_err(Error::Gpu),
        Device::Software => Gpu::open_with(Choice::Software, device_options).await.map(Some).map_err(Error::Gpu),
    }
}
