//! How a network runs on a GPU.

use std::pin::Pin;

use cytoshade_gpu::{Choice, ConvKernel, DeviceOptions, Error as GpuError, Gpu, wgpu};

use super::builder::Builder;
use crate::backend::Backend;
use crate::calibrate::{self, Subject, Wanted};
use crate::{Device, Error, Model, PrecisionChoice, device_check};

/// The options of a network on a GPU.
#[derive(Clone, Debug, Default)]
pub(super) struct GpuOptions {
    wanted: Wanted,
    device: DeviceOptions,
    shared: Option<SharedDevice>,
}

/// The program's device.
///
/// A pointer opens it, so that browser builds that share no device have no code for it.
#[derive(Clone, Debug)]
struct SharedDevice {
    adapter: wgpu::Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
    open: for<'a> fn(&'a Self, &'a DeviceOptions) -> Opening<'a>,
}

#[cfg(not(target_arch = "wasm32"))]
type Opening<'a> = Pin<Box<dyn Future<Output = Result<Gpu, GpuError>> + Send + 'a>>;
#[cfg(target_arch = "wasm32")]
type Opening<'a> = Pin<Box<dyn Future<Output = Result<Gpu, GpuError>> + 'a>>;

impl GpuOptions {
    /// Whether the program supplied its own device.
    pub(super) fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Opens a model on the program's device, else on the GPU that `device` selects; `None` for the CPU.
    ///
    /// Adds the errors of GPUs that fail the check to `refused`, if another one is tried after them.
    pub(super) async fn open(
        &self,
        device: Device,
        model: &Model,
        restores: bool,
        refused: &mut Vec<Error>,
    ) -> Result<Option<Backend>, Error> {
        let subject = Subject { model, restores };
        let gpu = match &self.shared {
            Some(shared) => {
                let gpu = (shared.open)(shared, &self.device).await?;
                #[cfg(not(target_arch = "wasm32"))]
                device_check::check(&gpu, &subject, &self.wanted).await?;
                gpu
            }
            None => {
                let choice = match device {
                    Device::Cpu => return Ok(None),
                    Device::Auto | Device::Gpu => Choice::Hardware,
                    Device::Software => Choice::Software,
                };
                self.open_gpu(choice, &subject, refused).await?
            }
        };
        let (options, kernels) = calibrate::resolve(&gpu, &subject, &self.wanted).await?;
        let backend = Backend::open(gpu, model.network(), options, &kernels).await?;
        #[cfg(target_arch = "wasm32")]
        if !restores {
            device_check::check_dynamics(&backend, model.network()).await?;
        }
        Ok(Some(backend))
    }

    /// Opens the best GPU that passes the check.
    #[cfg(not(target_arch = "wasm32"))]
    async fn open_gpu(&self, choice: Choice, subject: &Subject<'_>, refused: &mut Vec<Error>) -> Result<Gpu, Error> {
        let (choice, mut skip) = (self.device.faults.choice(choice), 0);
        loop {
            let (gpu, next) = Gpu::open_next(choice.clone(), &self.device, skip).await?;
            skip = next;
            match device_check::check(&gpu, subject, &self.wanted).await {
                Ok(()) => return Ok(gpu),
                Err(error) if is_refusal(&error) => return Err(error),
                Err(error) => refused.push(error),
            }
        }
    }

    /// Opens the browser's only adapter.
    #[cfg(target_arch = "wasm32")]
    async fn open_gpu(&self, choice: Choice, _: &Subject<'_>, _: &mut Vec<Error>) -> Result<Gpu, Error> {
        Ok(Gpu::open_with(choice, &self.device).await?)
    }
}

/// Whether a GPU lacks something that the caller requested explicitly.
pub(super) fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Gpu(GpuError::Unsuitable { .. } | GpuError::NoF16 { .. }))
}

impl<T> Builder<T> {
    /// Uses a device that the program has opened, in place of [`Builder::device`].
    ///
    /// Several segmenters and the program's own work can use one device: wgpu's handles are cheap to clone. The shaders
    /// use the features and limits of the device; its largest storage buffer decides which images stay on the device as
    /// a whole. The program keeps its handlers for errors and for a lost device: calls of the segmenter return the
    /// errors of the shaders.
    ///
    /// # Errors
    /// [`Builder::build`](crate::SegmenterBuilder::build) fails and lists all features and limits that the device
    /// lacks.
    pub fn wgpu(mut self, adapter: &wgpu::Adapter, device: wgpu::Device, queue: wgpu::Queue) -> Self {
        self.gpu.shared = Some(SharedDevice {
            adapter: adapter.clone(),
            device,
            queue,
            open: |SharedDevice { adapter, device, queue, .. }, options| {
                Box::pin(Gpu::from_parts(adapter, device.clone(), queue.clone(), options))
            },
        });
        self
    }

    /// Chooses the kernel of the 3x3 convolutions on a GPU. By default a rule chooses by device.
    pub fn kernel(mut self, kernel: ConvKernel) -> Self {
        self.gpu.wanted.options.kernel = Some(kernel);
        self
    }

    /// Chooses the format in which a GPU stores activations and weights.
    ///
    /// The default is [`PrecisionChoice::F32`], the only format of the CPU. Also accepts a
    /// [`cytoshade_gpu::Precision`].
    pub fn precision(mut self, precision: impl Into<PrecisionChoice>) -> Self {
        self.gpu.wanted.precision = precision.into();
        self
    }

    /// Measures the GPU's kernels for each 3x3 convolution, and uses the fastest.
    ///
    /// The measurement takes some seconds. A [`Builder::cache`] keeps the choice for the adapter, its driver, this
    /// version, the network's shape and its precision. [`Builder::kernel`] takes precedence.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn tune(mut self, tune: bool) -> Self {
        self.gpu.wanted.tune = tune;
        self
    }

    /// Chooses a private folder for cached data, for example [`crate::cache_folder`].
    ///
    /// Only this user may have write access to it. It keeps the driver's compiled pipelines (on Vulkan, if the driver
    /// allows it) and the results of [`Builder::tune`] and [`PrecisionChoice::Auto`].
    ///
    /// A missing folder is created. Entries that are damaged, or belong to another user or version, are ignored and
    /// replaced. Caching is off by default.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn cache(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
        let folder = folder.into();
        self.gpu.wanted.cache = Some(folder.clone());
        self.gpu.device.pipeline_cache = Some(folder);
        self
    }

    /// Limits a GPU's storage buffers to `bytes`, for tests.
    #[doc(hidden)]
    pub fn largest_binding(mut self, bytes: u64) -> Self {
        self.gpu.device.largest_binding = bytes;
        self
    }

    /// Makes a GPU fail in chosen ways, for tests.
    #[doc(hidden)]
    pub fn inject_faults(mut self, faults: cytoshade_gpu::FaultInjection) -> Self {
        self.gpu.device.faults = faults;
        self
    }
}
