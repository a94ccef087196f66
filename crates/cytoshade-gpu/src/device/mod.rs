//! An open device: its queue, its limits, its pipelines and its errors.

pub(crate) mod adapter;
pub(crate) mod buffers;
pub(crate) mod dispatch_list;
#[cfg(not(target_arch = "wasm32"))]
mod pipeline_cache;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cytoshade_core::Span;
use cytoshade_shaders::{Precision, Shader};

use crate::device::adapter::{AdapterInfo, AdapterKind, Choice, candidates};
use crate::error::Error;
use crate::operators::conv3x3::Capabilities;
use crate::pipeline::Kernels;

/// What the shaders can do without; each kernel says what it needs. And the clock of [`crate::Network::profile`].
const OPTIONAL: wgpu::Features = wgpu::Features::SHADER_F16
    .union(wgpu::Features::SUBGROUP)
    .union(wgpu::Features::SHADER_INT64)
    .union(wgpu::Features::TIMESTAMP_QUERY)
    .union(wgpu::Features::PIPELINE_CACHE)
    .union(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX);

/// How a device is opened. The default suits every device.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceOptions {
    /// Most bytes of a storage buffer, as if the adapter allowed no more: work then comes in smaller parts, or ends in
    /// [`Error::Limit`]. WebGPU's default is 128 MiB.
    pub largest_binding: u64,
    /// A folder of the user's own in which what the driver made of the shaders is kept for the next run, where the
    /// driver lets it be (Vulkan). It is made where it is not there. Without one nothing is kept.
    #[cfg(not(target_arch = "wasm32"))]
    pub pipeline_cache: Option<std::path::PathBuf>,
    /// What shall go wrong, for tests.
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

/// What shall go wrong on a device, so that tests see what comes of it. Clones share it: what goes wrong once does so once
/// for all of them.
#[doc(hidden)]
#[derive(Clone, Debug, Default)]
pub struct FaultInjection {
    /// No memory for buffers of more bytes than this.
    pub memory: Option<u64>,
    /// The next wait takes too long.
    pub hang: Arc<AtomicBool>,
    /// The device goes away at the next wait.
    pub lose: Arc<AtomicBool>,
    /// Another device's abilities, worked out with this one's.
    pub device_override: Option<DeviceOverride>,
}

/// What makes a device look like another one, whose kernels are then tested on it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct DeviceOverride {
    /// Changes what the kernels ask of the device.
    pub capabilities: fn(&mut Capabilities),
    /// Changes the source of a shader.
    pub source: fn(String) -> String,
}

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
    device_errors: Arc<DeviceErrors>,
    faults: FaultInjection,
    #[cfg(not(target_arch = "wasm32"))]
    pipeline_cache: Option<pipeline_cache::PipelineCache>,
    phases: Mutex<Vec<Span>>,
}

/// What the driver told outside of any call.
#[derive(Debug, Default)]
struct DeviceErrors {
    lost: Mutex<Option<String>>,
    uncaptured: Mutex<Option<CapturedError>>,
}

/// What there is to a [`wgpu::Error`], which cannot move between threads everywhere.
#[derive(Debug)]
enum CapturedError {
    OutOfMemory,
    Refused(String),
}

impl CapturedError {
    fn from_wgpu(error: &wgpu::Error) -> Self {
        match error {
            wgpu::Error::OutOfMemory { .. } => CapturedError::OutOfMemory,
            other => CapturedError::Refused(other.to_string()),
        }
    }
}

impl Gpu {
    /// Opens the best adapter of a choice. Where it does not open, the next best is tried.
    ///
    /// The device gets the adapter's own limits for the sizes of buffers and WebGPU's defaults otherwise.
    ///
    /// # Errors
    /// [`Error::NoAdapter`], [`Error::TooWeak`] and [`Error::Open`].
    pub async fn open(choice: Choice) -> Result<Gpu, Error> {
        Self::open_with(choice, &DeviceOptions::default()).await
    }

    /// Like [`Gpu::open`], with no storage buffer larger than `bytes` ([`DeviceOptions::largest_binding`]).
    ///
    /// # Errors
    /// Those of [`Gpu::open`].
    pub async fn open_limited(choice: Choice, bytes: u64) -> Result<Gpu, Error> {
        Self::open_with(choice, &DeviceOptions { largest_binding: bytes, ..DeviceOptions::default() }).await
    }

    /// Like [`Gpu::open`], as `opening` says.
    ///
    /// # Errors
    /// Those of [`Gpu::open`].
    pub async fn open_with(choice: Choice, device_options: &DeviceOptions) -> Result<Gpu, Error> {
        let span = Span::begin("adapter");
        let candidates = candidates(&choice).await?;
        let span = span.end();
        let mut last = None;
        for (adapter, info) in candidates {
            match Self::open_adapter(&adapter, info, device_options).await {
                Ok(gpu) => {
                    lock(&gpu.0.phases).insert(0, span);
                    return Ok(gpu);
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(Error::NoAdapter { wanted: "adapter".into(), found: "none at all".into() }))
    }

    async fn open_adapter(
        adapter: &wgpu::Adapter,
        info: AdapterInfo,
        device_options: &DeviceOptions,
    ) -> Result<Gpu, Error> {
        let span = Span::begin("device");
        let limits = limits(&info.name, &adapter.limits(), device_options.largest_binding)?;
        let offered = adapter.features() & OPTIONAL;
        let (device, queue) = match request(adapter, offered, &limits).await {
            // What is optional must not be what keeps a device from opening.
            Err(_) if !offered.is_empty() => request(adapter, wgpu::Features::empty(), &limits).await,
            result => result,
        }
        .map_err(|error| Error::Open { adapter: info.name.clone(), reason: error.to_string() })?;
        let mut capabilities = capabilities(adapter, &info, device.features(), &limits);
        if let Some(DeviceOverride { capabilities: change, .. }) = device_options.faults.device_override {
            change(&mut capabilities);
        }
        let device_errors = Arc::new(DeviceErrors::default());
        let heard = Arc::clone(&device_errors);
        device.set_device_lost_callback(move |_, message| {
            lock(&heard.lost).get_or_insert(message);
        });
        let heard = Arc::clone(&device_errors);
        // wgpu's own handler panics.
        device.on_uncaptured_error(Arc::new(move |error| {
            lock(&heard.uncaptured).get_or_insert(CapturedError::from_wgpu(&error));
        }));
        let kernels = Kernels::default();
        #[cfg(not(target_arch = "wasm32"))]
        let pipeline_cache = device_options
            .pipeline_cache
            .as_deref()
            .and_then(|folder| pipeline_cache::PipelineCache::open(&device, &adapter.get_info(), folder));
        Ok(Gpu(Arc::new(Inner {
            device,
            queue,
            info,
            limits,
            capabilities,
            kernels,
            device_errors,
            faults: device_options.faults.clone(),
            #[cfg(not(target_arch = "wasm32"))]
            pipeline_cache,
            phases: Mutex::new(vec![span.end()]),
        })))
    }

    /// What it took to open the device and to make networks ready on it: `adapter`, `device`, and for each network
    /// `weights` and `pipelines`.
    pub fn phases(&self) -> Vec<Span> {
        lock(&self.0.phases).clone()
    }

    /// Adds something to [`Gpu::phases`] that began with `span` and ends now. What lay within is a part of it.
    pub fn phase(&self, span: Span) {
        let mut phases = lock(&self.0.phases);
        phases.retain(|within| within.start < span.start);
        phases.push(span.end());
    }

    /// Whether the device is gone or hangs: whatever is asked of it ends in [`Error::Lost`], and only another one can go
    /// on.
    pub fn is_lost(&self) -> bool {
        lock(&self.0.device_errors.lost).is_some()
    }

    /// Whether [`DeviceOptions::pipeline_cache`] held what the driver made of the shaders in an earlier run; `None` where
    /// nothing is kept.
    pub fn found_pipelines(&self) -> Option<bool> {
        #[cfg(not(target_arch = "wasm32"))]
        return self.0.pipeline_cache.as_ref().map(pipeline_cache::PipelineCache::found);
        #[cfg(target_arch = "wasm32")]
        None
    }

    pub(crate) fn pipeline_cache(&self) -> Option<&wgpu::PipelineCache> {
        #[cfg(not(target_arch = "wasm32"))]
        return self.0.pipeline_cache.as_ref().map(pipeline_cache::PipelineCache::wgpu);
        #[cfg(target_arch = "wasm32")]
        None
    }

    /// Keeps the pipelines that were built, where that was asked for.
    pub(crate) fn save_pipelines(&self) {
        #[cfg(not(target_arch = "wasm32"))]
        self.0.pipeline_cache.iter().for_each(pipeline_cache::PipelineCache::save);
    }

    /// Makes of a buffer's size what a test asked to go wrong.
    pub(crate) fn provoke_memory(&self, bytes: u64) {
        if self.0.faults.memory.is_some_and(|most| bytes > most) {
            lock(&self.0.device_errors.uncaptured).get_or_insert(CapturedError::OutOfMemory);
        }
    }

    /// The source of a shader for the device, or what a test puts in its place.
    pub(crate) fn source(&self, shader: &Shader, precision: Precision) -> String {
        #[cfg(not(target_arch = "wasm32"))]
        let source =
            if self.capabilities().pairs() { shader.source_in_pairs(precision) } else { shader.source(precision) };
        #[cfg(target_arch = "wasm32")]
        let source = shader.source(precision);
        match self.0.faults.device_override {
            Some(device_override) => (device_override.source)(source),
            None => source,
        }
    }

    /// Makes of a wait what a test asked to go wrong: whether it takes too long.
    pub(crate) fn provoke_wait(&self) -> bool {
        let FaultInjection { hang, lose, .. } = &self.0.faults;
        if lose.swap(false, Ordering::Relaxed) {
            self.mark_lost("a test took it away".into());
        }
        hang.swap(false, Ordering::Relaxed)
    }

    /// Whatever is asked of the device from now on ends in [`Error::Lost`].
    pub(crate) fn mark_lost(&self, reason: String) {
        lock(&self.0.device_errors.lost).get_or_insert(reason);
    }

    /// What the device is.
    pub fn info(&self) -> &AdapterInfo {
        &self.0.info
    }

    /// Whether it takes so long to compile a shader that the CPU had better do all but the network: in browsers, a
    /// software adapter.
    pub fn compiles_slowly(&self) -> bool {
        self.0.info.kind.compiles_slowly(cfg!(target_arch = "wasm32"))
    }

    /// Closes the device at once, for all clones: its memory is freed, and whatever is asked of it from now on ends in
    /// [`Error::Lost`]. Without this it closes with its last clone.
    pub fn close(&self) {
        self.mark_lost("it was closed".into());
        self.0.device.destroy();
    }

    /// The device and the queue beneath, for work of one's own on them (the benches measure the device's ceilings so).
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

    /// What the convolutions' kernels ask of it.
    pub fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    pub(crate) fn kernels(&self) -> &Kernels {
        &self.0.kernels
    }

    /// Does `work`, and turns whatever the device says against it into an error. `what` names the work.
    pub(crate) async fn with_error_scopes<T>(
        &self,
        what: &'static str,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.check(what)?;
        // Scopes belong to a thread, so they close before anything is awaited.
        let (result, complaints) = {
            let scopes = Scopes::open(self.device());
            let result = work();
            (result, scopes.close())
        };
        self.heard(what, complaints).await?;
        result
    }

    /// What the device said inside of scopes. Apart from `attempt`, so that a browser loads it once, not for each work.
    async fn heard(
        &self,
        what: &'static str,
        complaints: [impl Future<Output = Option<wgpu::Error>>; 3],
    ) -> Result<(), Error> {
        for complaint in complaints {
            if let Some(error) = complaint.await {
                return Err(self.error(what, CapturedError::from_wgpu(&error)));
            }
        }
        self.check(what)
    }

    /// What the device said outside of any scope: from other threads, or later.
    pub(crate) fn check(&self, what: &'static str) -> Result<(), Error> {
        if let Some(reason) = lock(&self.0.device_errors.lost).clone() {
            return Err(Error::Lost { reason });
        }
        let uncaptured = lock(&self.0.device_errors.uncaptured).take();
        uncaptured.map_or(Ok(()), |complaint| Err(self.error(what, complaint)))
    }

    fn error(&self, what: &'static str, complaint: CapturedError) -> Error {
        if let Some(reason) = lock(&self.0.device_errors.lost).clone() {
            return Error::Lost { reason };
        }
        match complaint {
            CapturedError::OutOfMemory => Error::OutOfMemory { what },
            CapturedError::Refused(reason) => Error::Refused { what, reason },
        }
    }
}

/// An error scope of each kind.
struct Scopes {
    memory: wgpu::ErrorScopeGuard,
    validation: wgpu::ErrorScopeGuard,
    internal: wgpu::ErrorScopeGuard,
}

impl Scopes {
    fn open(device: &wgpu::Device) -> Self {
        Self {
            memory: device.push_error_scope(wgpu::ErrorFilter::OutOfMemory),
            validation: device.push_error_scope(wgpu::ErrorFilter::Validation),
            internal: device.push_error_scope(wgpu::ErrorFilter::Internal),
        }
    }

    /// What was said, memory first: what fails for want of it makes later calls invalid.
    fn close(self) -> [impl Future<Output = Option<wgpu::Error>>; 3] {
        let (internal, validation) = (self.internal.pop(), self.validation.pop());
        [self.memory.pop(), validation, internal]
    }
}

/// Locks, whatever another thread did while it held the lock: all data behind locks here is whole at any time.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

fn capabilities(
    adapter: &wgpu::Adapter,
    info: &AdapterInfo,
    features: wgpu::Features,
    limits: &wgpu::Limits,
) -> Capabilities {
    let found = adapter.get_info();
    let has = |feature| features.contains(feature);
    let matrices = if has(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX) {
        matrices(&adapter.cooperative_matrix_properties())
    } else {
        Vec::new()
    };
    // wgpu gives the widest range for Metal; Apple's GPUs that have matrices all have subgroups of 32.
    let subgroup = if found.backend == wgpu::Backend::Metal && !matrices.is_empty() {
        (32, 32)
    } else {
        (found.subgroup_min_size, found.subgroup_max_size)
    };
    Capabilities {
        software: info.kind == AdapterKind::Software,
        f16: has(wgpu::Features::SHADER_F16),
        int64: has(wgpu::Features::SHADER_INT64),
        subgroups: has(wgpu::Features::SUBGROUP).then_some(subgroup),
        matrices,
        workgroup_memory: limits.max_compute_workgroup_storage_size,
        binding: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
    }
}

/// The sides of the square matrices that multiply f16 into f32.
fn matrices(found: &[wgpu::CooperativeMatrixProperties]) -> Vec<u32> {
    use wgpu::CooperativeScalarType::{F16, F32};
    let suits = |p: &&wgpu::CooperativeMatrixProperties| {
        (p.m_size, p.n_size) == (p.k_size, p.k_size) && (p.ab_type, p.cr_type) == (F16, F32)
    };
    found.iter().filter(suits).map(|p| p.k_size).collect()
}

/// Leave to use what wgpu calls experimental: subgroup matrices.
#[allow(unsafe_code)]
fn experimental() -> wgpu::ExperimentalFeatures {
    // SAFETY: the caller accepts that wgpu may have defects there. One shader alone uses such a feature, on devices that
    // list its matrices; its accesses to memory are bounded as everywhere, and tests hold its results to the reference.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}

/// WebGPU's default limits, with buffers as large as the adapter allows and no larger than `bytes`.
fn limits(name: &str, adapter: &wgpu::Limits, bytes: u64) -> Result<wgpu::Limits, Error> {
    let needed = wgpu::Limits::defaults();
    let mut limits = needed.clone().or_worse_values_from(adapter);
    for (limit, found, needed) in [
        (
            "maxStorageBuffersPerShaderStage",
            limits.max_storage_buffers_per_shader_stage,
            needed.max_storage_buffers_per_shader_stage,
        ),
        (
            "maxComputeInvocationsPerWorkgroup",
            limits.max_compute_invocations_per_workgroup,
            needed.max_compute_invocations_per_workgroup,
        ),
        ("maxComputeWorkgroupSizeX", limits.max_compute_workgroup_size_x, needed.max_compute_workgroup_size_x),
        (
            "maxComputeWorkgroupStorageSize",
            limits.max_compute_workgroup_storage_size,
            needed.max_compute_workgroup_storage_size,
        ),
    ] {
        if found < needed {
            let (found, needed) = (u64::from(found), u64::from(needed));
            return Err(Error::TooWeak { adapter: name.into(), limit, found, needed });
        }
    }
    // The kernel on matrices takes more than the default.
    limits.max_compute_workgroup_storage_size = adapter.max_compute_workgroup_storage_size;
    // Bindings must be multiples of 4 bytes.
    limits.max_storage_buffer_binding_size = adapter.max_storage_buffer_binding_size.min(bytes) & !3;
    limits.max_buffer_size = adapter.max_buffer_size.min(bytes.max(needed.max_buffer_size));
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_adapters_are_refused_and_large_buffers_asked_for() {
        let mut adapter = wgpu::Limits::defaults();
        adapter.max_storage_buffer_binding_size = 1 << 31;
        adapter.max_buffer_size = 1 << 32;
        let granted = limits("", &adapter, u64::MAX).unwrap();
        assert_eq!((granted.max_storage_buffer_binding_size, granted.max_buffer_size), (1 << 31, 1 << 32));
        assert_eq!(limits("", &adapter, 1 << 20).unwrap().max_storage_buffer_binding_size, 1 << 20);
        adapter.max_storage_buffers_per_shader_stage = 4;
        assert!(matches!(limits("", &adapter, u64::MAX), Err(Error::TooWeak { found: 4, needed: 8, .. })));
    }

    #[test]
    fn memory_that_runs_out_is_told_from_what_is_refused() {
        let source = || Box::new(std::fmt::Error);
        let memory = CapturedError::from_wgpu(&wgpu::Error::OutOfMemory { source: source() });
        assert!(matches!(memory, CapturedError::OutOfMemory));
        let refused = wgpu::Error::Validation { source: source(), description: "no".into() };
        assert!(matches!(CapturedError::from_wgpu(&refused), CapturedError::Refused(reason) if reason == "no"));
    }
}
