//! Opens a device, or wraps one that a program has opened.

use std::sync::{Arc, Mutex};

use cytoshade_core::Span;

use super::adapter::{AdapterInfo, Choice, candidates, info};
use super::capabilities::Capabilities;
use super::errors::{DeviceErrors, Scopes};
use super::fault_injection::FaultInjection;
use super::kernels::Kernels;
use super::limits::{self, OPTIONAL};
use super::sync::lock;
use super::{Gpu, Inner, platform};
use crate::error::Error;

/// Options for opening a device. The default suits every device.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceOptions {
    /// Cap on storage buffer bindings, in bytes, below the adapter's limit. WebGPU's default is 128 MiB.
    ///
    /// With a smaller cap, work is split or fails with [`Error::Limit`].
    pub largest_binding: u64,
    /// A folder for the driver's compiled pipelines, which the next run loads (Vulkan only).
    ///
    /// Off by default.
    ///
    /// The folder should belong to the user alone; it is created if missing.
    #[cfg(not(target_arch = "wasm32"))]
    pub pipeline_cache: Option<std::path::PathBuf>,
    /// Faults injected by tests.
    #[doc(hidden)]
    pub faults: FaultInjection,
}

impl Default for DeviceOptions {
    fn default() -> Self {
        Self {
            largest_binding: u64::MAX,
            #[cfg(not(target_arch = "wasm32"))]
            pipeline_cache: None,
            faults: FaultInjection::default(),
        }
    }
}

impl Gpu {
    /// Opens the best adapter that matches a choice, or the next best if it does not open.
    ///
    /// The device has the adapter's own limits on buffer sizes and WebGPU's defaults otherwise.
    ///
    /// # Errors
    /// [`Error::NoAdapter`], [`Error::TooWeak`] and [`Error::Open`].
    pub async fn open(choice: Choice) -> Result<Gpu, Error> {
        Self::open_with(choice, &DeviceOptions::default()).await
    }

    /// [`Gpu::open`] with no storage buffer larger than `bytes`.
    ///
    /// # Errors
    /// Those of [`Gpu::open`].
    pub async fn open_limited(choice: Choice, bytes: u64) -> Result<Gpu, Error> {
        Self::open_with(choice, &DeviceOptions { largest_binding: bytes, ..DeviceOptions::default() }).await
    }

    /// [`Gpu::open`] with options.
    ///
    /// # Errors
    /// Those of [`Gpu::open`].
    pub async fn open_with(choice: Choice, options: &DeviceOptions) -> Result<Gpu, Error> {
        Ok(Self::open_next(choice, options, 0).await?.0)
    }

    /// [`Gpu::open_with`] without the best `skip` adapters. Also returns how many to skip to open the next best.
    ///
    /// # Errors
    /// Those of [`Gpu::open`]; [`Error::NoAdapter`] if no adapter is left.
    pub async fn open_next(choice: Choice, options: &DeviceOptions, skip: usize) -> Result<(Gpu, usize), Error> {
        let span = Span::begin("adapter");
        let candidates = candidates(&choice).await?;
        let span = span.end();
        let mut last = None;
        for (at, (adapter, info)) in candidates.into_iter().enumerate().skip(skip) {
            match Self::open_adapter(&adapter, info, options).await {
                Ok(gpu) => {
                    lock(&gpu.0.phases).insert(0, span);
                    return Ok((gpu, at + 1));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(Error::NoAdapter { wanted: "further adapter".into(), found: "none".into() }))
    }

    /// Wraps a device that a program has opened, shared with the program's own work.
    ///
    /// Several `Gpu`s may share one device. The shaders use those of the features `SHADER_F16`, `SUBGROUP`,
    /// `SHADER_INT64`, `TIMESTAMP_QUERY`, `PIPELINE_CACHE` and `EXPERIMENTAL_COOPERATIVE_MATRIX` that the device was
    /// opened with, and buffers up to its limits.
    ///
    /// The program keeps the device's handlers: this crate installs no handler for uncaptured errors and, on native
    /// targets, none for the loss of the device. All work runs inside error scopes, so calls return its errors and no
    /// handler receives them (in browsers, those of reading back may). The next call detects a loss. [`Gpu::close`]
    /// leaves the device open.
    ///
    /// # Errors
    /// [`Error::TooWeak`] with every insufficient feature and limit, and [`Error::Lost`].
    pub async fn from_parts(
        adapter: &wgpu::Adapter,
        device: wgpu::Device,
        queue: wgpu::Queue,
        options: &DeviceOptions,
    ) -> Result<Gpu, Error> {
        let span = Span::begin("device");
        let info = info(adapter);
        let granted = device.limits();
        limits::check(&info.name, adapter.get_downlevel_capabilities().flags, &granted)?;
        let limits = limits::restrict(granted, options.largest_binding);
        let errors = Arc::new(DeviceErrors::default());
        // In a browser any number of callbacks is allowed; a native device has one.
        if cfg!(target_arch = "wasm32") {
            errors.collect_loss(&device);
        }
        let scopes = Scopes::open(&device);
        let gpu = Self::new(adapter, info, (device, queue), limits, errors, options, false);
        gpu.report("the device", scopes.close()).await?;
        let gpu = platform::with_matrix_subgroup(gpu).await;
        gpu.phase(span);
        Ok(gpu)
    }

    async fn open_adapter(adapter: &wgpu::Adapter, info: AdapterInfo, options: &DeviceOptions) -> Result<Gpu, Error> {
        let span = Span::begin("device");
        let flags = adapter.get_downlevel_capabilities().flags;
        let limits = limits::to_request(&info.name, flags, &adapter.limits(), options.largest_binding)?;
        let offered = adapter.features() & OPTIONAL;
        let opened = match request(adapter, offered, &limits).await {
            // The device must open even if an optional feature fails.
            Err(_) if !offered.is_empty() => request(adapter, wgpu::Features::empty(), &limits).await,
            result => result,
        }
        .map_err(|error| Error::Open { adapter: info.name.clone(), reason: error.to_string() })?;
        let errors = Arc::new(DeviceErrors::default());
        errors.collect_loss(&opened.0);
        errors.collect_uncaptured(&opened.0);
        let gpu = Self::new(adapter, info, opened, limits, errors, options, true);
        let gpu = platform::with_matrix_subgroup(gpu).await;
        lock(&gpu.0.phases).push(span.end());
        Ok(gpu)
    }

    fn new(
        adapter: &wgpu::Adapter,
        info: AdapterInfo,
        (device, queue): (wgpu::Device, wgpu::Queue),
        limits: wgpu::Limits,
        errors: Arc<DeviceErrors>,
        options: &DeviceOptions,
        owned: bool,
    ) -> Gpu {
        let capabilities = Capabilities::new(adapter, &info, device.features(), &limits);
        Gpu(Arc::new(Inner {
            pipeline_cache: platform::PipelineCache::open(&device, adapter, options),
            loss_probe: if owned { None } else { platform::LossProbe::new(&device) },
            capabilities: options.faults.capabilities(capabilities),
            kernels: Kernels::default(),
            faults: options.faults.clone(),
            phases: Mutex::default(),
            device,
            queue,
            info,
            limits,
            errors,
            owned,
        }))
    }
}

async fn request(
    adapter: &wgpu::Adapter,
    features: wgpu::Features,
    limits: &wgpu::Limits,
) -> Result<(wgpu::Device, wgpu::Queue), wgpu::RequestDeviceError> {
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("cytoshade"),
        required_features: features,
        required_limits: limits.clone(),
        experimental_features: experimental(),
        ..wgpu::DeviceDescriptor::default()
    };
    adapter.request_device(&descriptor).await
}

/// Opts in to wgpu's experimental features, for subgroup matrices.
#[allow(unsafe_code)]
fn experimental() -> wgpu::ExperimentalFeatures {
    // SAFETY: the caller accepts that wgpu may have defects there. One shader alone uses such a feature, on devices that
    // list its matrices; its accesses to memory are bounded as everywhere, and tests hold its results to the reference.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}
