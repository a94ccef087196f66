//! A network made ready on a device.

use std::sync::Arc;

use cytoshade_core::{Control, Image, Network, Params, Span, Stack};
use cytoshade_cpu::network::Isa;
use cytoshade_gpu::{ConvKernel, Precision};
use cytoshade_model::SizeModel;

use crate::backend::{Backend, BackendConfig};
use crate::pipeline::{diameter, image, restore, stack};
use crate::{
    Device, DeviceInfo, Error, Model, PrecisionChoice, RestoreOptions, Restorer, Segmentation, StackSegmentation,
};

/// A network made ready on a device. Making one uploads the weights and compiles the shaders; keep it for many images.
///
/// What runs on the CPU shares the threads of the rayon pool that it is called from (`pool.install(|| segmenter.segment(...))`),
/// else of rayon's global one. The masks do not depend on the number of threads.
#[derive(Debug)]
pub struct Segmenter {
    network: Arc<Network>,
    size_model: Option<SizeModel>,
    backend: Backend,
}

/// How a [`Segmenter`] or a [`Restorer`] is made.
#[derive(Clone, Debug, Default)]
pub struct SegmenterBuilder {
    config: BackendConfig,
    size_model: Option<SizeModel>,
}

impl SegmenterBuilder {
    /// What the network shall run on. [`Device::Auto`] where nothing is said.
    pub fn device(mut self, device: Device) -> Self {
        self.config.device = device;
        self
    }

    /// The kernel of the 3x3 convolutions on a GPU, instead of the one that suits the device best. The CPU has its own.
    pub fn kernel(mut self, kernel: ConvKernel) -> Self {
        self.config.options.kernel = Some(kernel);
        self
    }

    /// What a GPU stores the network's activations and weights in. [`PrecisionChoice::F32`] where nothing is said; the CPU
    /// knows nothing else. A [`Precision`] will do too.
    pub fn precision(mut self, precision: impl Into<PrecisionChoice>) -> Self {
        self.config.precision = precision.into();
        self
    }

    /// Whether a GPU's kernels of the 3x3 convolutions are chosen by a short measurement, layer by layer, instead of by
    /// rule. It takes seconds; where there is a [`SegmenterBuilder::cache`] the choice is remembered for the adapter, its driver,
    /// this version, the network's shape and its precision. [`SegmenterBuilder::kernel`] comes before it.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn tune(mut self, tune: bool) -> Self {
        self.config.tune = tune;
        self
    }

    /// The instruction set that the network runs on where it runs on the CPU, for tests. The fastest that the machine has
    /// where nothing is said.
    #[doc(hidden)]
    pub fn cpu_isa(mut self, isa: Isa) -> Self {
        self.config.isa = Some(isa);
        self
    }

    /// A folder of the user's own, such as [`crate::cache_folder`], in which is kept for the next run what a GPU's driver
    /// made of the shaders, where the driver lets it be (Vulkan), and what [`SegmenterBuilder::tune`] and
    /// [`PrecisionChoice::Auto`] found out. It is made where it is not there; what does not belong
    /// to the user, is damaged or another's is ignored and replaced. Nothing is kept where nothing is said.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn cache(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
        self.config.device_options.pipeline_cache = Some(folder.into());
        self
    }

    /// Most bytes of a GPU's storage buffers, as if the adapter allowed no more, for tests.
    #[doc(hidden)]
    pub fn largest_binding(mut self, bytes: u64) -> Self {
        self.config.device_options.largest_binding = bytes;
        self
    }

    /// What shall go wrong on a GPU, for tests.
    #[doc(hidden)]
    pub fn inject_faults(mut self, faults: cytoshade_gpu::FaultInjection) -> Self {
        self.config.device_options.faults = faults;
        self
    }

    /// The size model that belongs to the network. With it, a segmentation that is given no diameter estimates it from
    /// the image (the reference's `Cellpose.eval`): the network runs three times, for the style, for first masks at the
    /// size that the style speaks of, and at the size of these masks. Without it, such a segmentation takes the model's
    /// `diam_labels` (`CellposeModel.eval`).
    pub fn size_model(mut self, size_model: SizeModel) -> Self {
        self.size_model = Some(size_model);
        self
    }

    /// Makes the segmenter.
    ///
    /// # Errors
    /// [`Error::Input`] where the model is not for segmentation or the size model is another network's, [`Error::Gpu`]
    /// where the device cannot be had, or cannot run the kernel or the precision that is asked for, [`Error::Cpu`] where
    /// the processor lacks the instruction set asked for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn build(self, model: &Model) -> Result<Segmenter, Error> {
        pollster::block_on(self.build_async(model))
    }

    /// As [`SegmenterBuilder::build`], for callers that cannot block.
    ///
    /// # Errors
    /// As [`SegmenterBuilder::build`].
    pub async fn build_async(self, model: &Model) -> Result<Segmenter, Error> {
        let network = self.check(model)?;
        let backend = self.config.for_model(model, false).open(&network).await?;
        Ok(Segmenter { network, size_model: self.size_model, backend })
    }

    /// Makes a segmenter whose tiles go through the network elsewhere; every other stage runs here.
    ///
    /// # Errors
    /// [`Error::Input`] where the model is not for segmentation or the size model is another network's.
    #[cfg(target_arch = "wasm32")]
    pub fn build_remote(self, model: &Model, elsewhere: Box<dyn crate::RemoteBackend>) -> Result<Segmenter, Error> {
        let network = self.check(model)?;
        Ok(Segmenter { network, size_model: self.size_model, backend: Backend::Remote(elsewhere) })
    }

    /// A model's network, for segmentation, and that of the size model.
    fn check(&self, model: &Model) -> Result<Arc<Network>, Error> {
        let network = model.share();
        image::check_network(&network)?;
        if let Some(size_model) = &self.size_model {
            diameter::check_size_model(size_model, &network)?;
        }
        Ok(network)
    }

    /// Makes a restorer instead, which knows no size model.
    ///
    /// # Errors
    /// As [`SegmenterBuilder::build`], and [`Error::Input`] where the model is not for restoration or `options` are out of range.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn build_restorer(self, model: &Model, options: RestoreOptions) -> Result<Restorer, Error> {
        pollster::block_on(self.build_restorer_async(model, options))
    }

    /// As [`SegmenterBuilder::build_restorer`], for callers that cannot block.
    ///
    /// # Errors
    /// As [`SegmenterBuilder::build_restorer`].
    pub async fn build_restorer_async(self, model: &Model, options: RestoreOptions) -> Result<Restorer, Error> {
        let network = model.share();
        restore::check_network(&network, &options)?;
        let backend = self.config.for_model(model, true).open(&network).await?;
        Ok(Restorer::from_parts(network, backend, options))
    }
}

impl Segmenter {
    /// A segmenter on a GPU where there is one, else on the CPU.
    ///
    /// # Errors
    /// As [`SegmenterBuilder::build`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn new(model: &Model) -> Result<Self, Error> {
        Self::builder().build(model)
    }

    /// As [`Segmenter::new`], for callers that cannot block.
    ///
    /// # Errors
    /// As [`SegmenterBuilder::build`].
    pub async fn new_async(model: &Model) -> Result<Self, Error> {
        Self::builder().build_async(model).await
    }

    /// Chooses the device before the segmenter is made.
    pub fn builder() -> SegmenterBuilder {
        SegmenterBuilder::default()
    }

    /// What [`Device::Cpu`] would run on.
    pub fn cpu_info() -> DeviceInfo {
        crate::backend::cpu_info(Isa::best())
    }

    /// What it runs on.
    pub fn device(&self) -> DeviceInfo {
        self.backend.info()
    }

    /// What it took to make it ready: on a GPU `adapter`, `device`, `weights` and `pipelines`, on the CPU `weights`.
    pub fn startup(&self) -> Vec<Span> {
        self.backend.phases()
    }

    /// What it stores activations in.
    pub fn precision(&self) -> Precision {
        self.backend.precision()
    }

    /// The kernels of the 3x3 convolutions on a GPU, each once, in the order of the network. None on the CPU.
    pub fn kernels(&self) -> Vec<ConvKernel> {
        self.backend.kernels()
    }

    /// Whether its GPU is gone: lost, or hanging. Every call ends in an error from then on; make another segmenter.
    pub fn is_lost(&self) -> bool {
        self.backend.is_lost()
    }

    /// Segments an image.
    ///
    /// # Errors
    /// [`Error::Input`] for an image or a parameter that is out of range, [`Error::Gpu`] where the device fails.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn segment(&self, image: &Image, params: &Params) -> Result<Segmentation, Error> {
        self.segment_with(image, params, &Control::new())
    }

    /// Segments an image, watched and stopped through `control`.
    ///
    /// # Errors
    /// As [`Segmenter::segment`], and [`Error::Cancelled`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn segment_with(&self, image: &Image, params: &Params, control: &Control<'_>) -> Result<Segmentation, Error> {
        pollster::block_on(self.segment_async(image, params, control))
    }

    /// As [`Segmenter::segment_with`], for callers that cannot block.
    ///
    /// On a GPU the future waits for the device without blocking in a browser; natively it polls the device between
    /// batches, and the CPU stages run on the thread that polls the future: give it a thread of its own.
    ///
    /// # Errors
    /// As [`Segmenter::segment_with`].
    pub async fn segment_async(
        &self,
        image: &Image,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<Segmentation, Error> {
        let size_model = self.size_model.as_ref();
        image::segment(&self.backend, &self.network, size_model, image, params, control).await
    }

    /// Segments a stack: in 3-D ([`Params::do_3d`]), or layer by layer, the cells of neighbouring layers joined where
    /// [`Params::stitch_threshold`] says so.
    ///
    /// # Errors
    /// As [`Segmenter::segment`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn segment_stack(&self, stack: &Stack, params: &Params) -> Result<StackSegmentation, Error> {
        self.segment_stack_with(stack, params, &Control::new())
    }

    /// Segments a stack, watched and stopped through `control`.
    ///
    /// # Errors
    /// As [`Segmenter::segment`], and [`Error::Cancelled`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn segment_stack_with(
        &self,
        stack: &Stack,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<StackSegmentation, Error> {
        pollster::block_on(self.segment_stack_async(stack, params, control))
    }

    /// As [`Segmenter::segment_stack_with`], for callers that cannot block; see [`Segmenter::segment_async`].
    ///
    /// # Errors
    /// As [`Segmenter::segment_stack_with`].
    pub async fn segment_stack_async(
        &self,
        stack: &Stack,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<StackSegmentation, Error> {
        let size_model = self.size_model.as_ref();
        stack::segment(&self.backend, &self.network, size_model, stack, params, control).await
    }
}
