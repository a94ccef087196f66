//! An adapter that reports the capabilities of other devices, to run their kernels on it.

use cytoshade_gpu::{Capabilities, Choice, DeviceOptions, DeviceOverride, Error, Gpu};
use pollster::block_on;

/// Opens an adapter again, with other capabilities or shaders.
///
/// # Errors
/// Those of [`Gpu::open_with`].
pub fn open_overridden(gpu: &Gpu, device_override: DeviceOverride) -> Result<Gpu, Error> {
    let mut options = DeviceOptions::default();
    options.faults.device_override = Some(device_override);
    block_on(Gpu::open_with(Choice::Named(gpu.info().name.clone()), &options))
}

/// Opens an adapter again with other capabilities.
///
/// # Errors
/// Those of [`Gpu::open_with`].
pub fn open_with_capabilities(gpu: &Gpu, capabilities: fn(&mut Capabilities)) -> Result<Gpu, Error> {
    open_overridden(gpu, DeviceOverride { capabilities, source: |source| source })
}
