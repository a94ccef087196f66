//! Errors of the GPU.

/// An error of the GPU. Each message gives the cause, the expected value and the remedy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No adapter of the requested kind exists.
    #[error("no {wanted} found (adapters: {found}); install a driver, or use the CPU")]
    NoAdapter {
        /// What was requested.
        wanted: String,
        /// The adapters that exist.
        found: String,
    },
    /// An adapter or a device is insufficient for the shaders.
    #[error("{adapter} grants less than the shaders need: {missing}; use another adapter, or the CPU")]
    TooWeak {
        /// The adapter's name.
        adapter: String,
        /// Every insufficient feature and limit.
        missing: AllMissing,
    },
    /// The driver did not open the device.
    #[error("{adapter} did not open: {reason}; update its driver, or use the CPU")]
    Open {
        /// The adapter's name.
        adapter: String,
        /// The driver's message.
        reason: String,
    },
    /// The requested kernel does not run on the device.
    #[error("the kernel {kernel} does not run on {adapter}: {declined}; choose another kernel, or none")]
    Unsuitable {
        /// The kernel's name.
        kernel: &'static str,
        /// The adapter's name.
        adapter: String,
        /// What the device lacks.
        declined: Unsupported,
    },
    /// The device has no f16 storage.
    #[error("{adapter} does not offer f16 storage (SHADER_F16); use f32")]
    NoF16 {
        /// The adapter's name.
        adapter: String,
    },
    /// The device has no timestamps for a profile.
    #[error("{adapter} does not offer timestamps (TIMESTAMP_QUERY), so it cannot be profiled")]
    NoTimestamps {
        /// The adapter's name.
        adapter: String,
    },
    /// A size exceeds a limit of the device.
    #[error("{what} needs {needed}, over the device's {limit} of {allowed}; use a smaller image or tile, or the CPU")]
    Limit {
        /// The item that is too large.
        what: &'static str,
        /// The size that it needs.
        needed: u64,
        /// The limit's name in WebGPU.
        limit: &'static str,
        /// The device's limit.
        allowed: u64,
    },
    /// The device has too little free memory.
    #[error("the device ran out of memory for {what}; use a smaller image, tile or batch, or the CPU")]
    OutOfMemory {
        /// The purpose of the memory.
        what: &'static str,
    },
    /// The device is lost: unplugged, reset by its driver, or closed.
    #[error("the device was lost ({reason}); open it again, or use the CPU")]
    Lost {
        /// The driver's message.
        reason: String,
    },
    /// The device did not finish in time.
    #[error(
        "the device did not finish {what} within {seconds} seconds: its driver hangs; use another device, or the CPU"
    )]
    Hung {
        /// The work that did not finish.
        what: &'static str,
        /// The time limit in seconds.
        seconds: u64,
    },
    /// The driver or wgpu refused valid work.
    #[error("the device refused {what}: {reason}; this is a defect of Cytoshade or the driver, please report it")]
    Refused {
        /// The refused work.
        what: &'static str,
        /// The message of the driver or of wgpu.
        reason: String,
    },
    /// The network's outputs are not finite.
    #[error(
        "the network's outputs are not finite, first those of layer {layer}; use --precision f32 if it runs in f16, \
         and check the model file and the range of the image's intensities"
    )]
    NotFinite {
        /// The layer, by its name in the model file.
        layer: String,
    },
    /// The length of a slice does not match its shape.
    #[error("{what} holds {found} values, expected {expected}; pass its true shape")]
    Length {
        /// The argument.
        what: &'static str,
        /// Values found.
        found: usize,
        /// Values expected.
        expected: usize,
    },
    /// The sides of a tile do not match the network.
    #[error(
        "a tile of {height} x {width} (height x width) does not fit the network; both sides must be multiples of {multiple} above 0"
    )]
    TileSize {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// Both sides must be multiples of this.
        multiple: usize,
    },
}

/// Every feature and limit of a device that is insufficient for the shaders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllMissing(pub Vec<Missing>);

impl std::fmt::Display for AllMissing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, missing) in self.0.iter().enumerate() {
            write!(f, "{}{missing}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// A feature or limit of a device that is insufficient for the shaders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Missing {
    /// A feature is absent.
    #[error("{name} is missing")]
    Feature {
        /// The feature's name in wgpu.
        name: &'static str,
    },
    /// A limit is too low.
    #[error("{name} is {found} (needed: {needed})")]
    Limit {
        /// The limit's name in WebGPU.
        name: &'static str,
        /// The device's value.
        found: u64,
        /// The required value.
        needed: u64,
    },
}

/// Why a kernel does not run on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// The device has no subgroup operations.
    #[error("the device has no subgroup operations")]
    NoSubgroups,
    /// Subgroups may be too small.
    #[error("the device's subgroups may have only {found} invocations; the kernel needs {needed}")]
    SmallSubgroups {
        /// Invocations of the smallest subgroup.
        found: u32,
        /// Invocations needed.
        needed: u32,
    },
    /// Subgroups are too large.
    #[error("the device's subgroups have {found} invocations; the kernel takes at most {allowed}")]
    LargeSubgroups {
        /// Invocations of a subgroup.
        found: u32,
        /// Maximum subgroup size of the kernel.
        allowed: u32,
    },
    /// The kernel multiplies in f16 only.
    #[error("the kernel multiplies in f16, and f32 was requested")]
    OnlyF16,
    /// The device has no subgroup matrices that multiply f16 into f32.
    #[error("the device has no subgroup matrices of 8 x 8 or 16 x 16 that multiply f16 into f32")]
    NoMatrices,
    /// The subgroups of one workgroup have several sizes, or their size could not be measured.
    #[error("the device's subgroups may have {smallest} to {largest} invocations; the kernel needs one size")]
    UnevenSubgroups {
        /// Invocations of the smallest subgroup.
        smallest: u32,
        /// Invocations of the largest.
        largest: u32,
    },
    /// Browser builds leave the kernel out.
    #[error("browser builds leave the kernel out")]
    NativeOnly,
    /// The weights exceed the limit on storage buffers.
    #[error("the device grants storage buffers of {found} bytes; the kernel's weights need {needed}")]
    Binding {
        /// Bytes granted.
        found: u64,
        /// Bytes needed.
        needed: u64,
    },
    /// The device has too little workgroup memory.
    #[error("the device grants {found} bytes of workgroup memory; the kernel needs {needed}")]
    WorkgroupMemory {
        /// Bytes granted.
        found: u32,
        /// Bytes needed.
        needed: u32,
    },
}
