//! An open device: its queue, its limits, its pipelines and its errors.

pub(crate) mod adapter;
pub(crate) mod buffers;
pub(crate) mod capabilities;
mod dispatch_list;
mod errors;
pub(crate) mod fault_injection;
mod grid;
mod kernels;
mod limits;
#[cfg(not(target_arch = "wasm32"))]
mod native;
mod open;
#[cfg(not(target_arch = "wasm32"))]
mod pipeline_cache;
pub(crate) mod sync;
#[cfg(target_arch = "wasm32")]
mod web;

use std::sync::{Arc, Mutex};

use cytoshade_core::Span;
#[cfg(not(target_arch = "wasm32"))]
use native as platform;
#[cfg(target_arch = "wasm32")]
use web as platform;

use adapter::AdapterInfo;
use capabilities::Capabilities;
pub(crate) use dispatch_list::DispatchList;
use errors::DeviceErrors;
use fault_injection::FaultInjection;
use kernels::Kernels;
pub use open::DeviceOptions;
use sync::lock;

/// An open device. Clones share it.
#[derive(Clone, Debug)]
pub struct Gpu(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: AdapterInfo,
    limits: wgpu::Limits,
    capabilities: Capabilities,
    kernels: Kernels,
    errors: Arc<DeviceErrors>,
    faults: FaultInjection,
    pipeline_cache: Option<platform::PipelineCache>,
    /// The loss probe, for a device that belongs to a program.
    loss_probe: Option<platform::LossProbe>,
    /// Whether the device belongs to this crate, which may destroy it.
    owned: bool,
    phases: Mutex<Vec<Span>>,
}

impl Gpu {
    /// The times of opening the device and of preparing networks on it.
    ///
    /// The phases are `adapter`, `device`, and for each network `weights` and `pipelines`.
    pub fn phases(&self) -> Vec<Span> {
        lock(&self.0.phases).clone()
    }

    /// Adds a phase to [`Gpu::phases`] that began with `span` and ends now. Replaces the phases within it.
    pub fn phase(&self, span: Span) {
        let mut phases = lock(&self.0.phases);
        phases.retain(|within| within.start < span.start);
        phases.push(span.end());
    }

    /// The adapter of the device.
    pub fn info(&self) -> &AdapterInfo {
        &self.0.info
    }

    /// The capabilities that decide which kernels run on the device.
    pub fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    /// Whether the device compiles shaders so slowly that only the network should run on it.
    ///
    /// A browser's software adapter does.
    pub fn compiles_slowly(&self) -> bool {
        self.0.info.kind.compiles_slowly(cfg!(target_arch = "wasm32"))
    }

    /// Closes the device for all clones.
    ///
    /// Frees its memory; every later call on it returns [`crate::Error::Lost`].
    ///
    /// Without this call, it closes with its last clone. A device from [`Gpu::from_parts`] stays open for its owner.
    pub fn close(&self) {
        self.mark_lost("it was closed".into());
        if self.0.owned {
            self.0.device.destroy();
        }
    }

    /// The device and the queue, for the caller's own work on them.
    pub fn wgpu(&self) -> (&wgpu::Device, &wgpu::Queue) {
        (&self.0.device, &self.0.queue)
    }

    pub(crate) fn device(&self) -> &wgpu::Device {
        &self.0.device
    }

    pub(crate) fn queue(&self) -> &wgpu::Queue {
        &self.0.queue
    }

    pub(crate) fn limits(&self) -> &wgpu::Limits {
        &self.0.limits
    }
}
