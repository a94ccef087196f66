//! A network on a device, for programs that embed the library.

#[cfg(not(target_arch = "wasm32"))]
mod batch;
#[cfg(not(target_arch = "wasm32"))]
mod blocking;
mod builder;
#[cfg(feature = "gpu")]
mod gpu_options;
mod restorer;

use std::sync::Arc;

use cytoshade_core::{Control, ImageView, Network, Params, Span, StackView};
use cytoshade_model::SizeModel;

#[cfg(not(target_arch = "wasm32"))]
pub use batch::{BatchImage, Segmentations};
pub use builder::{Builder, ForRestorer, ForSegmenter, RestorerBuilder, SegmenterBuilder};
pub use restorer::{Restored, Restorer};

use crate::backend::Backend;
use crate::pipeline::{image, stack};
use crate::{DeviceInfo, Error, Model, Segmentation, StackSegmentation};

/// A network on a device.
///
/// Making a segmenter uploads the weights and compiles the shaders; keep it for many images. Clones share the network and
/// its device.
///
/// # Threads
/// A segmenter is `Send` and `Sync`. Stages on the CPU use the threads of the rayon pool that calls them
/// (`pool.install(|| segmenter.segment(...))`), else those of rayon's global pool. The masks do not depend on the number of
/// threads.
///
/// # Memory
/// For the published networks (6.6 million parameters) and the default parameters:
///
/// | | on the CPU | on a GPU, f32 (f16: about half) |
/// |---|---|---|
/// | the model, on the host | 26 MB | 26 MB |
/// | the segmenter's weights | 105 MB | 26 MB |
/// | while a batch of tiles runs | 24 MiB a thread that runs tiles | 25 MiB a tile, 202 MiB for the default batch; kept for the next call |
/// | an image, per pixel | about 50 bytes | 40 bytes on the device, 12 on the host |
/// | a stack in 3-D, per voxel | 40 bytes | 48 bytes on the device, 40 on the host |
///
/// A pixel counts at the larger of the image's size and the network's size. The flows, cell probability and classes of
/// [`Params::outputs`] add 4 bytes each. A batch that exceeds the device's memory is halved; a stage that exceeds it
/// runs on the host.
#[derive(Clone, Debug)]
pub struct Segmenter {
    shared: Arc<Shared>,
}

/// Shared by the clones of a segmenter and the threads of a batch.
#[derive(Debug)]
struct Shared {
    network: Arc<Network>,
    size_model: Option<SizeModel>,
    backend: Backend,
    /// The errors of GPUs that failed the check.
    refused: Vec<Error>,
}

impl Segmenter {
    /// Makes a segmenter without blocking: [`Segmenter::new`].
    ///
    /// # Errors
    /// As [`SegmenterBuilder::build`].
    pub async fn new_async(model: &Model) -> Result<Self, Error> {
        Self::builder(model).build_async().await
    }

    /// Builds a segmenter with a chosen device and options.
    pub fn builder(model: &Model) -> SegmenterBuilder {
        Builder::new(model)
    }

    fn from_parts(network: Arc<Network>, size_model: Option<SizeModel>, backend: Backend, refused: Vec<Error>) -> Self {
        Self { shared: Arc::new(Shared { network, size_model, backend, refused }) }
    }

    /// The device that [`crate::Device::Cpu`] chooses.
    #[cfg(feature = "cpu")]
    pub fn cpu_info() -> DeviceInfo {
        DeviceInfo::cpu(cytoshade_cpu::network::Isa::best())
    }

    /// The device that runs the network.
    pub fn device(&self) -> DeviceInfo {
        self.shared.backend.info()
    }

    /// The GPUs that were passed over since they compute wrong results or fail at it, each with its error.
    pub fn refused(&self) -> &[Error] {
        &self.shared.refused
    }

    /// The time of each startup phase.
    ///
    /// On a GPU `adapter`, `device`, `check` (unless a pass is remembered), `weights` and `pipelines`, on the CPU
    /// `weights`.
    pub fn startup(&self) -> Vec<Span> {
        self.shared.backend.phases()
    }

    /// Whether its GPU is lost or hangs. Every later call fails; make another segmenter.
    pub fn is_lost(&self) -> bool {
        self.shared.backend.is_lost()
    }

    /// [`Segmenter::segment`] without blocking.
    ///
    /// On a GPU the future waits for the device without blocking in a browser. Natively it polls the device between
    /// batches, and the CPU's stages run on the thread that polls the future: give it a thread of its own.
    ///
    /// # Errors
    /// As [`Segmenter::segment`].
    pub async fn segment_async<'i>(
        &self,
        image: impl Into<ImageView<'i>>,
        params: &Params,
    ) -> Result<Segmentation, Error> {
        self.segment_with_async(image, params, &Control::new()).await
    }

    /// [`Segmenter::segment_with`] without blocking; see [`Segmenter::segment_async`].
    ///
    /// # Errors
    /// As [`Segmenter::segment_with`].
    pub async fn segment_with_async<'i>(
        &self,
        image: impl Into<ImageView<'i>>,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<Segmentation, Error> {
        let Shared { network, size_model, backend, .. } = &*self.shared;
        image::segment(backend, network, size_model.as_ref(), image.into(), params, control).await
    }

    /// [`Segmenter::segment_stack`] without blocking; see [`Segmenter::segment_async`].
    ///
    /// # Errors
    /// As [`Segmenter::segment_stack`].
    pub async fn segment_stack_async<'i>(
        &self,
        stack: impl Into<StackView<'i>>,
        params: &Params,
    ) -> Result<StackSegmentation, Error> {
        self.segment_stack_with_async(stack, params, &Control::new()).await
    }

    /// [`Segmenter::segment_stack_with`] without blocking; see [`Segmenter::segment_async`].
    ///
    /// # Errors
    /// As [`Segmenter::segment_stack_with`].
    pub async fn segment_stack_with_async<'i>(
        &self,
        stack: impl Into<StackView<'i>>,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<StackSegmentation, Error> {
        let Shared { network, size_model, backend, .. } = &*self.shared;
        stack::segment(backend, network, size_model.as_ref(), &stack.into(), params, control).await
    }
}

#[cfg(feature = "gpu")]
impl Segmenter {
    /// The format in which activations are stored.
    pub fn precision(&self) -> cytoshade_gpu::Precision {
        self.shared.backend.precision()
    }

    /// The kernels of the 3x3 convolutions on a GPU, each once, in the order of the network.
    ///
    /// Empty on the CPU.
    pub fn kernels(&self) -> Vec<cytoshade_gpu::ConvKernel> {
        self.shared.backend.kernels()
    }
}
