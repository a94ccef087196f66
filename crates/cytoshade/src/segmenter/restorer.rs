//! A restoration network on a device.

use std::sync::Arc;

use cytoshade_core::{
    Control, Error as CoreError, Image, ImageView, Network, Normalize, Params, Stack, StackView, Timings,
};

use super::builder::{Builder, RestorerBuilder};
use crate::backend::Backend;
use crate::pipeline::restore;
use crate::{DeviceInfo, Error, Model, RestoreOptions};

/// A restoration network on a device: denoising, deblurring, upsampling (`denoise.DenoiseModel`).
#[derive(Debug)]
pub struct Restorer {
    network: Arc<Network>,
    options: RestoreOptions,
    backend: Backend,
    /// The errors of GPUs that failed the check.
    refused: Vec<Error>,
}

/// A restored image or stack, in f32.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Restored<T> {
    /// One channel, or two if the second was restored too. Larger than the input after upsampling.
    pub image: T,
    /// The enlargement factor, 1 without upsampling.
    pub ratio: f64,
    /// The device that ran the network.
    pub device: DeviceInfo,
    /// Time spent in each stage.
    pub timings: Timings,
}

impl Restorer {
    /// Builds a restorer with a chosen device and purpose.
    pub fn builder(model: &Model) -> RestorerBuilder {
        Builder::new(model)
    }

    pub(super) fn from_parts(
        network: Arc<Network>,
        options: RestoreOptions,
        backend: Backend,
        refused: Vec<Error>,
    ) -> Self {
        Self { network, options, backend, refused }
    }

    /// The device that runs the network.
    pub fn device(&self) -> DeviceInfo {
        self.backend.info()
    }

    /// The GPUs that were passed over; see [`crate::Segmenter::refused`].
    pub fn refused(&self) -> &[Error] {
        &self.refused
    }

    /// Whether its GPU is lost or hangs. Every later call fails; make another restorer.
    pub fn is_lost(&self) -> bool {
        self.backend.is_lost()
    }

    /// Restores an image: [`Restorer::restore`] without blocking; see [`crate::Segmenter::segment_async`].
    ///
    /// # Errors
    /// As [`Restorer::restore`].
    pub async fn restore_async<'i>(
        &self,
        image: impl Into<ImageView<'i>>,
        params: &Params,
    ) -> Result<Restored<Image>, Error> {
        self.restore_with_async(image, params, &Control::new()).await
    }

    /// [`Restorer::restore_with`] without blocking.
    ///
    /// # Errors
    /// As [`Restorer::restore_with`].
    pub async fn restore_with_async<'i>(
        &self,
        image: impl Into<ImageView<'i>>,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<Restored<Image>, Error> {
        let (mut slices, ratio, timings) = self.restore_slices(&image.into().into(), params, control).await?;
        let image = slices.pop().ok_or(CoreError::NoSlices)?;
        Ok(Restored { image, ratio, device: self.backend.info(), timings })
    }

    /// [`Restorer::restore_stack`] without blocking.
    ///
    /// # Errors
    /// As [`Restorer::restore_stack`].
    pub async fn restore_stack_async<'i>(
        &self,
        stack: impl Into<StackView<'i>>,
        params: &Params,
    ) -> Result<Restored<Stack>, Error> {
        self.restore_stack_with_async(stack, params, &Control::new()).await
    }

    /// [`Restorer::restore_stack_with`] without blocking.
    ///
    /// # Errors
    /// As [`Restorer::restore_stack_with`].
    pub async fn restore_stack_with_async<'i>(
        &self,
        stack: impl Into<StackView<'i>>,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<Restored<Stack>, Error> {
        let (slices, ratio, timings) = self.restore_slices(&stack.into(), params, control).await?;
        Ok(Restored { image: Stack::new(slices)?, ratio, device: self.backend.info(), timings })
    }

    async fn restore_slices(
        &self,
        stack: &StackView<'_>,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<(Vec<Image>, f64, Timings), Error> {
        restore::restore(&self.backend, &self.network, &self.options, stack, params, control).await
    }

    /// The parameters to segment an image that was restored with `params`.
    ///
    /// Source: the reference's `CellposeDenoiseModel.eval`.
    ///
    /// Channels are those of the restored image, normalized by the default percentiles and not inverted again; the
    /// diameter is `diam_mean` after upsampling.
    pub fn segmentation_params<T>(&self, params: &Params, restored: &Restored<T>) -> Params {
        let default = Params::default();
        let grey = params.channels.chan == 0;
        params
            .clone()
            .channels(if grey { [0, 0] } else { [1, 2] })
            .normalize(Normalize::Percentile { low: 1.0, high: 99.0 })
            .invert(false)
            .sharpen_radius(default.sharpen_radius)
            .smooth_radius(default.smooth_radius)
            .tile_norm_blocksize(default.tile_norm_blocksize)
            .tile_norm_smooth3d(default.tile_norm_smooth3d)
            .norm3d(default.norm3d)
            .diameter(if restored.ratio > 1.0 { Some(self.options.diam_mean as f32) } else { params.diameter })
    }
}

#[cfg(feature = "gpu")]
impl Restorer {
    /// The format in which activations are stored.
    pub fn precision(&self) -> cytoshade_gpu::Precision {
        self.backend.precision()
    }

    /// The kernels of the 3x3 convolutions on a GPU, each once, in the order of the network.
    ///
    /// Empty on the CPU.
    pub fn kernels(&self) -> Vec<cytoshade_gpu::ConvKernel> {
        self.backend.kernels()
    }
}
