//! Builders of segmenters and restorers: device, kernels, precision.

use std::sync::Arc;

use cytoshade_core::Network;
#[cfg(feature = "cpu")]
use cytoshade_cpu::network::Isa;
use cytoshade_model::SizeModel;

#[cfg(feature = "gpu")]
use super::gpu_options::is_refusal;
use crate::backend::Backend;
use crate::pipeline::{diameter, image, restore};
use crate::{Device, Error, Model, RestoreOptions, Restorer, Segmenter};

/// Builds a [`Segmenter`]: [`Segmenter::builder`].
pub type SegmenterBuilder = Builder<ForSegmenter>;

/// Builds a [`Restorer`]: [`Restorer::builder`].
pub type RestorerBuilder = Builder<ForRestorer>;

/// Builds a [`Segmenter`] or a [`Restorer`] for a model. Both choose a device in the same way.
#[derive(Clone, Debug)]
pub struct Builder<T> {
    model: Model,
    device: Device,
    #[cfg(feature = "cpu")]
    isa: Option<Isa>,
    #[cfg(feature = "gpu")]
    pub(super) gpu: super::gpu_options::GpuOptions,
    product: T,
}

/// The part of a [`Builder`] that only segmenters have.
#[derive(Clone, Debug, Default)]
pub struct ForSegmenter {
    size_model: Option<SizeModel>,
}

/// The part of a [`Builder`] that only restorers have.
#[derive(Clone, Debug, Default)]
pub struct ForRestorer {
    options: RestoreOptions,
}

impl<T: Default> Builder<T> {
    pub(super) fn new(model: &Model) -> Self {
        Self {
            model: model.clone(),
            device: Device::default(),
            #[cfg(feature = "cpu")]
            isa: None,
            #[cfg(feature = "gpu")]
            gpu: Default::default(),
            product: T::default(),
        }
    }
}

impl<T> Builder<T> {
    /// Chooses the device. The default is [`Device::Auto`].
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// The CPU's instruction set, for tests. The default is the fastest that the machine has.
    #[doc(hidden)]
    #[cfg(feature = "cpu")]
    pub fn cpu_isa(mut self, isa: Isa) -> Self {
        self.isa = Some(isa);
        self
    }

    /// Opens the network on the device. Also returns the errors of the GPUs that failed the check.
    async fn open(&self, restores: bool) -> Result<(Backend, Vec<Error>), Error> {
        #[cfg_attr(not(feature = "gpu"), expect(unused_mut))]
        let mut refused = Vec::new();
        #[cfg(feature = "gpu")]
        match self.gpu.open(self.device, &self.model, restores, &mut refused).await {
            Ok(Some(backend)) => return Ok((backend, refused)),
            Ok(None) => {}
            // With `Device::Auto`, a GPU that does not open or cannot hold the network is no error.
            Err(error) if self.takes_any_device() && !is_refusal(&error) => {}
            // If no other GPU is left, the reason is that of the best one.
            Err(error) if refused.is_empty() => return Err(error),
            Err(_) => return Err(refused.swap_remove(0)),
        }
        #[cfg(not(feature = "gpu"))]
        if matches!(self.device, Device::Gpu | Device::Software) {
            let _ = restores;
            return Err(Error::NotBuilt { device: self.device, feature: "gpu" });
        }
        #[cfg(feature = "cpu")]
        return Ok((Backend::Cpu(Box::new(crate::backend::Cpu::open(self.model.network(), self.isa)?)), refused));
        #[cfg(not(feature = "cpu"))]
        Err(Error::NotBuilt { device: self.device, feature: "cpu" })
    }
}

#[cfg(feature = "gpu")]
impl<T> Builder<T> {
    fn takes_any_device(&self) -> bool {
        self.device == Device::Auto && !self.gpu.is_shared() && cfg!(feature = "cpu")
    }
}

impl SegmenterBuilder {
    /// Adds the network's size model. With it, a segmentation without a diameter estimates one.
    ///
    /// The estimate runs the network three times (the reference's `Cellpose.eval`): for the style, for first masks at
    /// the diameter predicted from the style, and at the median diameter of these masks. Without a size model,
    /// segmentation without a diameter uses the model's `diam_labels` (`CellposeModel.eval`).
    pub fn size_model(mut self, size_model: SizeModel) -> Self {
        self.product.size_model = Some(size_model);
        self
    }

    /// Opens the device and makes the segmenter.
    ///
    /// # Errors
    /// [`Error::Input`] if the model is not for segmentation or the size model is another network's, [`Error::NotBuilt`],
    /// [`Error::Gpu`](enum@Error) if the device does not open or cannot run the chosen kernel or precision,
    /// [`Error::WrongResults`](enum@Error) if it computes other results than the CPU.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn build(self) -> Result<Segmenter, Error> {
        pollster::block_on(self.build_async())
    }

    /// [`SegmenterBuilder::build`] without blocking.
    ///
    /// # Errors
    /// As [`SegmenterBuilder::build`].
    pub async fn build_async(self) -> Result<Segmenter, Error> {
        let network = self.check()?;
        let (backend, refused) = self.open(false).await?;
        Ok(Segmenter::from_parts(network, self.product.size_model, backend, refused))
    }

    /// Makes a segmenter whose tiles run in other workers. Every other stage runs in this worker.
    ///
    /// # Errors
    /// [`Error::Input`] if the model is not for segmentation or the size model is another network's.
    #[cfg(target_arch = "wasm32")]
    pub fn build_remote(self, remote: Box<dyn crate::RemoteBackend>) -> Result<Segmenter, Error> {
        let network = self.check()?;
        Ok(Segmenter::from_parts(network, self.product.size_model, Backend::Remote(remote), Vec::new()))
    }

    /// The model's network, if it is for segmentation and the size model matches.
    fn check(&self) -> Result<Arc<Network>, Error> {
        let network = self.model.share();
        image::check_network(&network)?;
        if let Some(size_model) = &self.product.size_model {
            diameter::check_size_model(size_model, &network)?;
        }
        Ok(network)
    }
}

impl RestorerBuilder {
    /// Sets the purpose that the network was trained for.
    ///
    /// The default is a network for cells that does not upsample.
    pub fn options(mut self, options: RestoreOptions) -> Self {
        self.product.options = options;
        self
    }

    /// Opens the device and makes the restorer.
    ///
    /// # Errors
    /// [`Error::Input`] if the model is not for restoration or the options are out of range, else as
    /// [`SegmenterBuilder::build`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn build(self) -> Result<Restorer, Error> {
        pollster::block_on(self.build_async())
    }

    /// [`RestorerBuilder::build`] without blocking.
    ///
    /// # Errors
    /// As [`RestorerBuilder::build`].
    pub async fn build_async(self) -> Result<Restorer, Error> {
        let (network, options) = (self.model.share(), self.product.options);
        restore::check_network(&network, &options)?;
        let (backend, refused) = self.open(true).await?;
        Ok(Restorer::from_parts(network, options, backend, refused))
    }
}
