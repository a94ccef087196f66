//! What can go wrong on a GPU.

use crate::operators::conv3x3::Unsupported;

/// Whatever can go wrong on a GPU. Each message says what was found, what was expected and what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no adapter of the kind that was asked for.
    #[error("no {wanted} was found; there is {found}: install a driver, or run on the CPU")]
    NoAdapter {
        /// What was asked for.
        wanted: String,
        /// The adapters that are there.
        found: String,
    },
    /// An adapter grants less than the shaders need.
    #[error("{adapter} grants {found} for {limit}, but the shaders need {needed}: use another adapter, or the CPU")]
    TooWeak {
        /// The adapter's name.
        adapter: String,
        /// The limit's name in WebGPU.
        limit: &'static str,
        /// What the adapter grants.
        found: u64,
        /// What the shaders need.
        needed: u64,
    },
    /// The driver did not open the device.
    #[error("{adapter} did not open: {reason}; update its driver, or run on the CPU")]
    Open {
        /// The adapter's name.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// The kernel that was asked for does not run on the device.
    #[error("the kernel {kernel} does not run on {adapter}: {declined}; choose another kernel, or none")]
    Unsuitable {
        /// The kernel's name.
        kernel: &'static str,
        /// The adapter's name.
        adapter: String,
        /// What the device lacks.
        declined: Unsupported,
    },
    /// Shaders cannot store f16 on the device.
    #[error("{adapter} does not offer f16 storage (SHADER_F16): use f32")]
    NoF16 {
        /// The adapter's name.
        adapter: String,
    },
    /// The device has no clock to profile with.
    #[error("{adapter} does not offer timestamps (TIMESTAMP_QUERY): it cannot be profiled")]
    NoTimestamps {
        /// The adapter's name.
        adapter: String,
    },
    /// Something is larger than the device allows.
    #[error("{what} needs {needed}, over the device's {limit} of {allowed}: use a smaller image or tile, or the CPU")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// What it needs.
        needed: u64,
        /// The limit's name in WebGPU.
        limit: &'static str,
        /// What the device allows.
        allowed: u64,
    },
    /// The device has too little free memory.
    #[error("the device ran out of memory for {what}: use a smaller image, tile or batch, or the CPU")]
    OutOfMemory {
        /// What the memory was for.
        what: &'static str,
    },
    /// The device went away: unplugged, reset by its driver, put to sleep.
    #[error("the device was lost ({reason}): open it again, or run on the CPU")]
    Lost {
        /// What the driver said.
        reason: String,
    },
    /// The device did not finish in time.
    #[error(
        "the device did not finish {what} within {seconds} seconds: its driver hangs; use another device, or the CPU"
    )]
    Hung {
        /// What was waited for.
        what: &'static str,
        /// The limit in seconds.
        seconds: u64,
    },
    /// The driver or wgpu refused something that it should accept.
    #[error("the device refused {what}: {reason}; this is a defect of Cytoshade or the driver, please report it")]
    Refused {
        /// What was refused.
        what: &'static str,
        /// What was said about it.
        reason: String,
    },
    /// A slice does not have the length that its shape needs.
    #[error("{what} holds {found} values, expected {expected}; pass its true shape")]
    Length {
        /// Which argument.
        what: &'static str,
        /// Values found.
        found: usize,
        /// Values expected.
        expected: usize,
    },
    /// The sides of a tile do not fit the network.
    #[error(
        "a tile of {height} x {width} (height x width) does not fit the network; both sides must be multiples of {multiple} above 0"
    )]
    TileSize {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// What the sides must be multiples of.
        multiple: usize,
    },
}
