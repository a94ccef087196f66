//! The devices that networks run on.

use std::fmt;

#[cfg(feature = "gpu")]
use cytoshade_gpu::AdapterInfo;

use crate::gpu::Gpu;

/// The device that a [`crate::Segmenter`] runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Device {
    /// A GPU if one opens and computes correctly, else the CPU. Software adapters are never chosen.
    #[default]
    Auto,
    /// A GPU that computes correctly; an error if there is none.
    Gpu,
    /// The CPU.
    Cpu,
    /// A software adapter (Mesa's llvmpipe, SwiftShader) that runs the shaders on the CPU, for tests.
    Software,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Device::Auto => "any device",
            Device::Gpu => "a GPU",
            Device::Cpu => "the CPU",
            Device::Software => "a software adapter",
        })
    }
}

/// The device that a segmentation ran on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DeviceInfo {
    /// The CPU.
    Cpu {
        /// The name of the instruction set in use.
        isa: String,
        /// Threads that share the work.
        threads: usize,
    },
    /// A GPU or a software adapter.
    #[cfg(feature = "gpu")]
    Gpu(AdapterInfo),
}

impl DeviceInfo {
    /// The CPU with one of its instruction sets.
    #[cfg(feature = "cpu")]
    pub(crate) fn cpu(isa: cytoshade_cpu::network::Isa) -> Self {
        DeviceInfo::Cpu { isa: isa.to_string(), threads: cytoshade_cpu::threads() }
    }
}

impl From<&Gpu> for DeviceInfo {
    fn from(gpu: &Gpu) -> Self {
        #[cfg(feature = "gpu")]
        return DeviceInfo::Gpu(gpu.info().clone());
        #[cfg(not(feature = "gpu"))]
        match *gpu {}
    }
}

impl fmt::Display for DeviceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceInfo::Cpu { isa, threads } => {
                write!(f, "CPU ({isa}, {threads} thread{})", if *threads == 1 { "" } else { "s" })
            }
            #[cfg(feature = "gpu")]
            DeviceInfo::Gpu(info) => write!(f, "{} ({})", info.name, info.backend),
        }
    }
}

/// Every adapter that can run the shaders. Marks the one that [`Device::Auto`] takes.
#[cfg(feature = "gpu")]
pub async fn adapters_async() -> Vec<AdapterInfo> {
    cytoshade_gpu::adapters().await
}

/// Every adapter that can run the shaders. Marks the one that [`Device::Auto`] takes.
#[cfg(all(feature = "gpu", not(target_arch = "wasm32")))]
pub fn adapters() -> Vec<AdapterInfo> {
    pollster::block_on(adapters_async())
}
