//! The errors of this crate.

use std::path::PathBuf;

/// A failure of the lab.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A shader has an override constant that the list of pipelines does not have.
    #[error(
        "the list of pipelines has no values for the override {name} of {shader}; add those that cytoshade-gpu uses to \
         benches/gpu_lab/src/pipelines.rs"
    )]
    Override {
        /// The shader.
        shader: &'static str,
        /// The override.
        name: &'static str,
    },
    /// naga refuses a shader.
    #[error("naga refuses {pipeline}: {reason}")]
    Naga {
        /// The pipeline.
        pipeline: String,
        /// naga's message.
        reason: String,
    },
    /// A call of Vulkan failed.
    #[error("{call} returned {code}")]
    Vulkan {
        /// The call.
        call: &'static str,
        /// The result.
        code: ash::vk::Result,
    },
    /// The driver offers no device.
    #[error("the driver offers no device; see its messages, and the environment of the device in devices.rs")]
    NoDevice,
    /// The driver offers no statistics of its compiler.
    #[error("the driver has no VK_KHR_pipeline_executable_properties, expected Mesa 22.3 or later")]
    NoStatistics,
    /// The name of an entry point has a zero.
    #[error("the entry point {name:?} is no C string")]
    Entry {
        /// The name.
        name: String,
    },
    /// The child process that opens a device ended or hung.
    #[error("{device}: {reason}")]
    Child {
        /// The device.
        device: String,
        /// The reason, with the last lines of its output.
        reason: String,
    },
    /// No device or shader has a name.
    #[error("no {what} is named {name:?}; the names are {names}")]
    Unknown {
        /// `device` or `shader`.
        what: &'static str,
        /// The name.
        name: String,
        /// All names.
        names: String,
    },
    /// The figures exceed the limits, or the product chooses other kernels.
    #[error("{} findings:\n{}", .0.len(), .0.join("\n"))]
    Findings(Vec<String>),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}
