//! A restoration network on a device.

use std::sync::Arc;

use cytoshade_core::{Channels, Control, Error as CoreError, Image, Network, Normalize, Params, Stack, Timings};

use super::builder::{Builder, RestorerBuilder};
use crate::backend::Backend;
use crate::pipeline::restore;
use crate::{DeviceInfo, Error, Model, RestoreOptions};

/// A restoration network on a device: denoising, deblurring, upsampling (the reference's `denoise.DenoiseModel`).
#[derive(Debug)]
pub struct Restorer {
    network: Arc<Network>,
    options: RestoreOptions,
    backend: Backend,
}

/// A restored image or stack, in f32.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Restored<T> {
    /// One channel, or two if the second channel was restored too. Larger than the input if it was upsampled.
    pub image: T,
    /// The factor by which it is larger than the input, 1 if it was not upsampled.
    pub ratio: f64,
    /// The device that ran the network.
    pub device: DeviceInfo,
    /// Time spent in each stage.
    pub timings: Timings,
}

impl Restorer {
    /// Chooses a device and the network's purpose before the restorer is made.
    pub fn builder(model: &Model) -> RestorerBuilder {
        Builder::new(model)
    }

    pub(super) fn from_parts(network: Arc<Network>, options: RestoreOptions, backend: Backend) -> Self {
        Self { network, options, backend }
    }

    /// The device that runs the network.
    pub fn device(&self) -> DeviceInfo {
        self.backend.info()
    }

    /// Whether its GPU is lost or hangs. Every later call fails; make another restorer.
    pub fn is_lost(&self) -> bool {
        self.backend.is_lost()
    }

    /// Restores an image: [`Restorer::restore`] without blocking; see [`crate::Segmenter::segment_async`].
    ///
    /// # Errors
    /// As [`Restorer::restore`].
    pub async fn restore_async(&self, image: &Image, params: &Params) -> Result<Restored<Image>, Error> {
        self.restore_with_async(image, params, &Control::new()).await
    }

    /// [`Restorer::restore_with`] without blocking.
    ///
    /// # Errors
    /// As [`Restorer::restore_with`].
    pub async fn restore_with_async(
        &self,
        image: &Image,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<Restored<Image>, Error> {
        let stack = Stack::new(vec![image.clone()])?;
        let Restored { image, ratio, device, timings } = self.restore_stack_with_async(&stack, params, control).await?;
        let image = image.slices().first().cloned().ok_or(CoreError::NoSlices)?;
        Ok(Restored { image, ratio, device, timings })
    }

    /// [`Restorer::restore_stack`] without blocking.
    ///
    /// # Errors
    /// As [`Restorer::restore_stack`].
    pub async fn restore_stack_async(&self, stack: &Stack, params: &Params) -> Result<Restored<Stack>, Error> {
        self.restore_stack_with_async(stack, params, &Control::new()).await
    }

    /// [`Restorer::restore_stack_with`] without blocking.
    ///
    /// # Errors
    /// As [`Restorer::restore_stack_with`].
    pub async fn restore_stack_with_async(
        &self,
        stack: &Stack,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<Restored<Stack>, Error> {
        let (slices, ratio, timings) =
            restore::restore(&self.backend, &self.network, &self.options, stack, params, control).await?;
        Ok(Restored { image: Stack::new(slices)?, ratio, device: self.backend.info(), timings })
    }

    /// The parameters for segmenting an image that was restored with `params` (the reference's
    /// `CellposeDenoiseModel.eval`).
    ///
    /// The channels are those of the restored image, normalized by the default percentiles and not inverted again; the
    /// diameter is `diam_mean` if the image was upsampled.
    pub fn segmentation_params<T>(&self, params: &Params, restored: &Restored<T>) -> Params {
        let default = Params::default();
        let grey = params.channels.chan == 0;
        Params {
            channels: if grey { Channels { chan: 0, chan2: 0 } } else { Channels { chan: 1, chan2: 2 } },
            normalize: Normalize::Percentile { low: 1.0, high: 99.0 },
            invert: false,
            sharpen_radius: default.sharpen_radius,
            smooth_radius: default.smooth_radius,
            tile_norm_blocksize: default.tile_norm_blocksize,
            tile_norm_smooth3d: default.tile_norm_smooth3d,
            norm3d: default.norm3d,
            diameter: if restored.ratio > 1.0 { Some(self.options.diam_mean as f32) } else { params.diameter },
            ..params.clone()
        }
    }
}

#[cfg(feature = "gpu")]
impl Restorer {
    /// The format in which activations are stored.
    pub fn precision(&self) -> cytoshade_gpu::Precision {
        self.backend.precision()
    }

    /// The kernels of the 3x3 convolutions on a GPU, each once, in the order of the network. None on the CPU.
    pub fn kernels(&self) -> Vec<cytoshade_gpu::ConvKernel> {
        self.backend.kernels()
    }
}
