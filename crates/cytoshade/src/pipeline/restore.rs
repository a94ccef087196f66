//! Image restoration: denoising, deblurring, upsampling (the reference's `denoise.DenoiseModel`).

use std::sync::Arc;

use cytoshade_core::rescale::{Factor, Rescale};
use cytoshade_core::{
    Axis, Channels, Control, Error as CoreError, Image, Network, Normalize, Params, Planes, Stack, Stage, Timings,
    Volume, channels,
};
use cytoshade_gpu::{ConvKernel, Precision};

use crate::backend::Backend;
use crate::pipeline::placed_volume::VolumeField;
use crate::pipeline::plane_source::PlaneSource;
use crate::pipeline::run::{PAD_MULTIPLE, Run, TileProgress};
use crate::{Device, DeviceInfo, Error, Model, SegmenterBuilder};

/// Below this range the last channel is taken for empty.
const MIN_RANGE: f32 = 1e-3;
/// Diameters below this are not enlarged for upsampling.
const MIN_DIAMETER: f64 = 3.0;
/// How much smaller than cells nuclei are: the second channel is resized by that much more.
const SECOND_CHANNEL: f64 = 30.0 / 17.0;

/// What a restoration network was trained for. The reference tells it from the network's name, not from its file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestoreOptions {
    /// The network upsamples: images of cells smaller than `diam_mean` are enlarged to it first, and stay enlarged.
    pub upsample: bool,
    /// Mean diameter in pixels of the objects that the network was trained on: 30 for cells, 17 for nuclei.
    pub diam_mean: f64,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        Self { upsample: false, diam_mean: 30.0 }
    }
}

impl RestoreOptions {
    /// What the name of a network (`denoise_cyto3`, `upsample_nuclei`) says.
    pub fn from_name(name: &str) -> Self {
        Self {
            upsample: name.contains("upsample"),
            diam_mean: if name.contains("nuclei") { 17.0 } else { Self::default().diam_mean },
        }
    }
}

/// A restoration network made ready on a device.
#[derive(Debug)]
pub struct Restorer {
    network: Arc<Network>,
    backend: Backend,
    options: RestoreOptions,
}

/// A restored image or stack, in f32.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Restored<T> {
    /// One channel, or two where the network for segmentation shall see a second one. Larger than what it was made from
    /// where it was upsampled.
    pub image: T,
    /// How often larger it is, 1 where it was not upsampled.
    pub ratio: f64,
    /// What it ran on.
    pub device: DeviceInfo,
    /// Time spent in each stage.
    pub timings: Timings,
}

impl Restorer {
    /// Makes a restoration network ready. [`SegmenterBuilder::build_restorer`] lets more be chosen than the device.
    ///
    /// # Errors
    /// [`Error::Input`] where the model is not for restoration, [`Error::Gpu`] where the device cannot be had.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn new(model: &Model, device: Device, options: RestoreOptions) -> Result<Self, Error> {
        pollster::block_on(Self::new_async(model, device, options))
    }

    /// As [`Restorer::new`], for callers that cannot block.
    ///
    /// # Errors
    /// As [`Restorer::new`].
    pub async fn new_async(model: &Model, device: Device, options: RestoreOptions) -> Result<Self, Error> {
        SegmenterBuilder::default().device(device).build_restorer_async(model, options).await
    }

    pub(crate) fn from_parts(network: Arc<Network>, backend: Backend, options: RestoreOptions) -> Self {
        Self { network, backend, options }
    }

    /// What it runs on.
    pub fn device(&self) -> DeviceInfo {
        self.backend.info()
    }

    /// What it stores activations in.
    pub fn precision(&self) -> Precision {
        self.backend.precision()
    }

    /// The kernels of the 3x3 convolutions on a GPU, each once, in the order of the network. None on the CPU.
    pub fn kernels(&self) -> Vec<ConvKernel> {
        self.backend.kernels()
    }

    /// Whether its GPU is gone: lost, or hanging. Every call ends in an error from then on; make another restorer.
    pub fn is_lost(&self) -> bool {
        self.backend.is_lost()
    }

    /// Restores an image. Of the parameters those that choose channels and normalize apply, `diameter`, and those of
    /// tiles. Each channel is normalized, resized so that cells of `diameter` become as large as those of the training
    /// (without a diameter not at all), restored, and resized back.
    ///
    /// # Errors
    /// [`Error::Input`] for an image or a parameter that is out of range, [`Error::Gpu`] where the device fails.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn restore(&self, image: &Image, params: &Params, control: &Control<'_>) -> Result<Restored<Image>, Error> {
        pollster::block_on(self.restore_async(image, params, control))
    }

    /// As [`Restorer::restore`], for callers that cannot block.
    ///
    /// # Errors
    /// As [`Restorer::restore`], and [`Error::Cancelled`].
    pub async fn restore_async(
        &self,
        image: &Image,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<Restored<Image>, Error> {
        let stack = Stack::new(vec![image.clone()])?;
        let Restored { image, ratio, device, timings } = self.restore_stack_async(&stack, params, control).await?;
        let image = image.slices().first().cloned().ok_or(CoreError::NoSlices)?;
        Ok(Restored { image, ratio, device, timings })
    }

    /// Restores every layer of a stack, normalized together where `norm3d` is on.
    ///
    /// # Errors
    /// As [`Restorer::restore`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn restore_stack(
        &self,
        stack: &Stack,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<Restored<Stack>, Error> {
        pollster::block_on(self.restore_stack_async(stack, params, control))
    }

    /// As [`Restorer::restore_stack`], for callers that cannot block.
    ///
    /// # Errors
    /// As [`Restorer::restore_stack`], and [`Error::Cancelled`].
    pub async fn restore_stack_async(
        &self,
        stack: &Stack,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<Restored<Stack>, Error> {
        params.check()?;
        let mut run = Run::new(&self.backend, &self.network, control);
        let select = || {
            let inputs = if params.all_channels { stack.channels() } else { 2 };
            stack.slices().iter().map(|layer| channels::select(layer, params, inputs)).collect()
        };
        let input = run.stage::<Result<Volume, CoreError>>(Stage::Channels, select)??;
        let ratio = self.ratio(params);
        let input = run.enlarge(VolumeField::Host(input), ratio, params).await?.into_host().await?;

        let range = |values: &[f32]| {
            let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
            high - low
        };
        let last = input.channel(input.channels() - 1);
        let no_second = !params.all_channels && params.channels.chan2 == 0;
        let count = if no_second || range(last) < MIN_RANGE { 1 } else { input.channels() };
        let mut restored = Vec::with_capacity(count * input.voxels());
        for channel in 0..count {
            let more = if channel == 1 { SECOND_CHANNEL } else { 1.0 };
            restored.extend(run.restore(&input, channel, self.factor(params) * more, params).await?);
        }
        let [depth, height, width] = input.size();
        let restored = Volume::new(restored, count, depth, height, width)?;
        let layers = (0..depth).map(|z| Image::new(restored.slice(Axis::Z, z).into_vec(), count, height, width));
        Ok(Restored {
            image: Stack::new(layers.collect::<Result<_, _>>()?)?,
            ratio,
            device: self.backend.info(),
            timings: run.timings,
        })
    }

    /// The parameters for segmenting what was restored with `params` (the reference's `CellposeDenoiseModel.eval`): its
    /// channels as they are, normalized by the default percentiles and not inverted again, and cells of `diam_mean` where
    /// it was upsampled.
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

    /// How often larger an image becomes before it is restored.
    fn ratio(&self, params: &Params) -> f64 {
        let RestoreOptions { upsample, diam_mean } = self.options;
        let small = |diameter: &f64| upsample && (MIN_DIAMETER..diam_mean).contains(diameter);
        params.diameter.map(decimal).filter(small).map_or(1.0, |diameter| diam_mean / diameter)
    }

    /// The factor to what the network sees. (An upsampled image is enlarged by it once more, as in the reference.)
    fn factor(&self, params: &Params) -> f64 {
        params.diameter.map(decimal).map_or(1.0, |diameter| self.options.diam_mean / diameter)
    }
}

/// A network must take one channel, and tiles whose sides are multiples of 16; objects must have a size.
pub(crate) fn check_network(network: &Network, options: &RestoreOptions) -> Result<(), Error> {
    let shape = network.shape();
    if shape.inputs() != 1 || shape.tile_multiple() > PAD_MULTIPLE {
        let found = format!("{} input channels, {} levels", shape.inputs(), shape.levels());
        let expected = "1 input channel and 1 to 5 levels, as restoration networks have";
        return Err(CoreError::NetworkShape { what: "shape", found, expected }.into());
    }
    if !(options.diam_mean.is_finite() && options.diam_mean > 0.0) {
        let found = options.diam_mean.to_string();
        return Err(CoreError::Param { name: "diam_mean", found, expected: "a number of pixels above 0" }.into());
    }
    Ok(())
}

/// The number that was written: the reference computes here in f64, from what people type.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

impl Run<'_> {
    /// Height and width times a factor; the depth stays.
    async fn enlarge(&mut self, volume: VolumeField, factor: f64, params: &Params) -> Result<VolumeField, Error> {
        let [depth, height, width] = volume.size();
        let diameter = params.diameter.unwrap_or_default();
        let rescale = Rescale::by(params, Factor::F64(factor), diameter, height, width)?;
        self.resize_volume(volume, [depth, rescale.height, rescale.width]).await
    }

    /// One channel of a stack through the network, every layer by itself.
    pub(crate) async fn restore(
        &mut self,
        input: &Volume,
        channel: usize,
        factor: f64,
        params: &Params,
    ) -> Result<Vec<f32>, Error> {
        let size = input.size();
        let params = Params { augment: false, ..params.clone() };
        let seen = Volume::new(input.channel(channel).to_vec(), 1, size[0], size[1], size[2])?;
        let seen = self.normalize_volume(seen, &params).await?;
        let mut seen = self.enlarge(seen, factor, &params).await?;
        let [depth, height, width] = seen.size();
        let mut restored = Vec::with_capacity(depth);
        let take = |_, outputs: Planes, _| restored.push(outputs.select(0..1));
        let mut progress = TileProgress { done: 0, total: depth * self.tiles(height, width, &params) };
        self.layers(PlaneSource::along(&mut seen, Axis::Z), &params, &mut progress, take).await?;
        let restored = VolumeField::Host(restored.into_iter().collect());
        Ok(self.resize_volume(restored, size).await?.into_host().await?.into_vec())
    }
}
