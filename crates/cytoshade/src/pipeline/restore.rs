//! The pipeline for restoration (the reference's `denoise.DenoiseModel`).

use cytoshade_core::rescale::{Factor, Rescale};
use cytoshade_core::{
    Axis, Control, Description, Error as CoreError, Image, Network, Params, StackView, Stage, Timings, Volume, channels,
};

use crate::Error;
use crate::backend::Backend;
use crate::backend::placed::{Placed, PlacedVolume};
use crate::backend::stream::{Destination, Output, Slices, TileProgress};
use crate::pipeline::run::Run;

/// The last channel counts as empty if its range is below this.
const MIN_RANGE: f32 = 1e-3;
/// Images of smaller cells are not enlarged for upsampling.
const MIN_DIAMETER: f64 = 3.0;
/// Mean diameter of cells over that of nuclei: a further enlargement of the second channel.
const SECOND_CHANNEL: f64 = 30.0 / 17.0;

/// The purpose that a restoration network was trained for.
///
/// The reference takes it from the network's name.
///
/// ```
/// use cytoshade::RestoreOptions;
/// let options = RestoreOptions::new().upsample(true).diam_mean(17.0);
/// assert_eq!(options, RestoreOptions::from_name("upsample_nuclei"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
#[non_exhaustive]
pub struct RestoreOptions {
    /// Whether the network upsamples.
    ///
    /// Images of cells smaller than `diam_mean` are then enlarged to it first, and stay enlarged.
    pub upsample: bool,
    /// Mean diameter in pixels of the objects in the training images: 30 for cells, 17 for nuclei.
    pub diam_mean: f64,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        Self { upsample: false, diam_mean: 30.0 }
    }
}

impl RestoreOptions {
    /// A network for cells that does not upsample.
    pub fn new() -> Self {
        Self::default()
    }

    /// The options implied by a network's name (`denoise_cyto3`, `upsample_nuclei`).
    pub fn from_name(name: &str) -> Self {
        Self {
            upsample: name.contains("upsample"),
            diam_mean: if name.contains("nuclei") { 17.0 } else { Self::default().diam_mean },
        }
    }

    /// Sets [`RestoreOptions::upsample`].
    pub fn upsample(mut self, upsample: bool) -> Self {
        self.upsample = upsample;
        self
    }

    /// Sets [`RestoreOptions::diam_mean`].
    pub fn diam_mean(mut self, pixels: f64) -> Self {
        self.diam_mean = pixels;
        self
    }

    /// The factor by which an image is enlarged before restoration.
    fn ratio(&self, params: &Params) -> f64 {
        let small = |diameter: &f64| self.upsample && (MIN_DIAMETER..self.diam_mean).contains(diameter);
        params.diameter.map(decimal).filter(small).map_or(1.0, |diameter| self.diam_mean / diameter)
    }

    /// The factor from the enlarged image to the network's input.
    ///
    /// As in the reference, it enlarges an upsampled image once more.
    fn factor(&self, params: &Params) -> f64 {
        params.diameter.map(decimal).map_or(1.0, |diameter| self.diam_mean / diameter)
    }
}

/// The value as the user typed it: the reference computes in f64 from that text.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// Fails unless the network has one channel and accepts padded planes, and `diam_mean` is above 0.
pub(crate) fn check_network(network: &Network, options: &RestoreOptions) -> Result<(), Error> {
    let Description { inputs, tile, .. } = network.description();
    if *inputs != 1 {
        let expected = "1 input channel, as restoration networks have";
        return Err(CoreError::NetworkShape { what: "input", found: format!("{inputs} channels"), expected }.into());
    }
    tile.side(None)?;
    if !(options.diam_mean.is_finite() && options.diam_mean > 0.0) {
        let found = options.diam_mean.to_string();
        return Err(CoreError::Param { name: "diam_mean", found, expected: "a number of pixels above 0" }.into());
    }
    Ok(())
}

/// Restores a stack. Returns the restored slices, their enlargement factor, and the time of each stage.
pub(crate) async fn restore(
    backend: &Backend,
    network: &Network,
    options: &RestoreOptions,
    stack: &StackView<'_>,
    params: &Params,
    control: &Control<'_>,
) -> Result<(Vec<Image>, f64, Timings), Error> {
    params.check()?;
    let mut run = Run::new(backend, network, control, [stack.depth(), stack.height(), stack.width()]);
    let select = || {
        let inputs = if params.all_channels { stack.channels() } else { 2 };
        stack.slices().iter().map(|slice| channels::select(*slice, params, inputs)).collect()
    };
    let input = run.stage::<Result<Volume, CoreError>>(Stage::Channels, select)??;
    let ratio = options.ratio(params);
    let input = run.enlarge(Placed::Host(input), ratio, params).await?.into_host().await?;

    let last = input.channel(input.channels() - 1);
    let no_second = !params.all_channels && params.channels.chan2 == 0;
    let count = if no_second || range(last) < MIN_RANGE { 1 } else { input.channels() };
    let mut restored = Vec::with_capacity(count * input.voxels());
    for channel in 0..count {
        let more = if channel == 1 { SECOND_CHANNEL } else { 1.0 };
        restored.extend(run.restore_channel(&input, channel, options.factor(params) * more, params).await?);
    }
    let [depth, height, width] = input.size();
    let restored = Volume::new(restored, count, depth, height, width)?;
    let slices = (0..depth).map(|z| Image::new(restored.slice(Axis::Z, z).into_vec(), count, height, width));
    Ok((slices.collect::<Result<_, _>>()?, ratio, run.timings))
}

fn range(values: &[f32]) -> f32 {
    let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    high - low
}

impl Run<'_> {
    /// Multiplies height and width by a factor; the depth is unchanged.
    async fn enlarge(&mut self, stack: PlacedVolume, factor: f64, params: &Params) -> Result<PlacedVolume, Error> {
        let [depth, height, width] = stack.size();
        let diameter = params.diameter.unwrap_or_default();
        let rescale = Rescale::by(params, Factor::F64(factor), diameter, height, width)?;
        self.resize_volume(stack, [depth, rescale.height, rescale.width]).await
    }

    /// Restores one channel of a stack, each z-slice by itself.
    pub(crate) async fn restore_channel(
        &mut self,
        input: &Volume,
        channel: usize,
        factor: f64,
        params: &Params,
    ) -> Result<Vec<f32>, Error> {
        let size @ [depth, height, width] = input.size();
        let params = params.clone().augment(false);
        let plane = Volume::new(input.channel(channel).to_vec(), 1, depth, height, width)?;
        let normalized = self.normalize_volume(plane, &params).await?;
        let mut resized = self.enlarge(normalized, factor, &params).await?;

        let total = depth * self.tiles(resized.plane_size(Axis::Z), &params)?;
        let mut progress = TileProgress { done: 0, total };
        let mut slices = Slices::along(&mut resized, Axis::Z);
        let mut stream = self.stream(&params, &mut progress, Destination::Host)?;
        let mut restored = Vec::with_capacity(depth);
        while let Some(Output { outputs, .. }) = stream.next(&mut slices).await? {
            restored.push(outputs.into_host().await?.select(0..1));
        }
        drop(stream);
        let restored = Placed::Host(restored.into_iter().collect());
        Ok(self.resize_volume(restored, size).await?.into_host().await?.into_vec())
    }
}
