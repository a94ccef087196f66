//! Tests that need an adapter.

use cytoshade_gpu::{Choice, Gpu};
use libtest_mimic::{Failed, Trial};

/// The missing item of a test on a machine without any adapter.
pub const NEEDS_ADAPTER: &str = "a graphics adapter";

/// The best adapter, software included. Each test binary opens it once.
pub fn open() -> Option<Gpu> {
    let gpu = pollster::block_on(Gpu::open(Choice::Any)).ok();
    if let Some(gpu) = &gpu {
        eprintln!("running on {} ({}, {})", gpu.info().name, gpu.info().backend, gpu.info().kind);
    }
    gpu
}

/// A [`trial`](crate::trial) that is also ignored without an adapter.
pub fn trial(
    gpu: &Option<Gpu>,
    name: impl Into<String>,
    missing: Option<&str>,
    test: impl FnOnce(&Gpu) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let missing = missing.or(gpu.is_none().then_some(NEEDS_ADAPTER));
    let gpu = gpu.clone();
    crate::trial(name, missing, move || test(&gpu.ok_or("there is no adapter")?))
}
