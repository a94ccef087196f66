//! A convolution on the device: its kernel and its weights.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use cytoshade_core::{Conv, ConvId, Convolution, Operation, Plan, TensorShape, Weights};
use cytoshade_shaders::Precision;
use half::f16;

use super::{Options, Size};
use crate::device::Gpu;
use crate::error::Error;
use crate::operators::Dispatch;
use crate::operators::conv1x1::Conv1x1;
use crate::operators::conv3x3::ConvKernel;
use crate::operators::convolution::{ConvAlgorithm, ConvArgs, Geometry, Layer, Scratch};
use crate::operators::weights::vectors;
use crate::pipeline::Variant;

/// A convolution of the plan and its shortcut.
#[derive(Debug)]
pub(super) struct ConvLayer {
    /// The kernel of a 3x3 convolution; `None` for a 1x1 convolution.
    pub(super) kernel: Option<ConvKernel>,
    algorithm: &'static dyn ConvAlgorithm,
    geometry: Geometry,
    layer: Layer,
    pub(super) relu: bool,
    pub(super) weights: wgpu::Buffer,
    pub(super) vectors: wgpu::Buffer,
    site: ConvSite,
    /// Replaces this layer for tiles whose scratch exceeds the binding limit.
    pub(super) fallback: OnceLock<Box<ConvLayer>>,
}

/// The target of a convolution, and the weights of its shortcut.
#[derive(Clone, Copy, Debug)]
struct ConvSite {
    target: TensorShape,
    shortcut: Option<ConvId>,
}

/// The convolutions of a plan.
///
/// Without a requested kernel, a convolution uses the one in `kernel_choices`, if it applies.
pub(super) fn all(
    gpu: &Gpu,
    weights: &Weights,
    plan: &Plan,
    options: Options,
    kernel_choices: &BTreeMap<ConvId, ConvKernel>,
) -> Result<HashMap<ConvId, ConvLayer>, Error> {
    let sites = plan.operations().iter().filter_map(|operation| match operation {
        Operation::Convolution(Convolution { weights, shortcut, target, .. }) => {
            let shortcut = shortcut.map(|shortcut| shortcut.weights);
            Some((*weights, ConvSite { target: plan[*target].shape, shortcut }))
        }
        Operation::MaxPool { .. } | Operation::GlobalAverage { .. } | Operation::Linear { .. } => None,
    });
    let options_of = |conv: ConvId, site: &ConvSite| {
        let layer = layer_of(&weights[conv], site.shortcut(weights), options);
        let choice = kernel_choices.get(&conv).copied();
        let applying = choice.filter(|kernel| kernel.applies(gpu.capabilities(), &layer).is_ok());
        Options { kernel: options.kernel.or(applying), ..options }
    };
    sites.map(|(conv, site)| Ok((conv, ConvLayer::new(gpu, weights, conv, site, options_of(conv, &site))?))).collect()
}

impl ConvSite {
    fn shortcut(self, weights: &Weights) -> Option<&Conv> {
        self.shortcut.map(|shortcut| &weights[shortcut])
    }
}

impl ConvLayer {
    fn new(gpu: &Gpu, weights: &Weights, conv: ConvId, site: ConvSite, options: Options) -> Result<Self, Error> {
        let (conv, shortcut) = (&weights[conv], site.shortcut(weights));
        let layer = layer_of(conv, shortcut, options);
        let (kernel, algorithm, geometry) = choose(gpu, conv.kernel(), &layer, options.kernel)?;
        let weights = algorithm.weights(&geometry, conv, shortcut);
        let what = "a convolution's weights";
        let weights = match algorithm.weight_precision(options.precision) {
            Precision::F32 => gpu.upload(what, &weights)?,
            Precision::F16 => gpu.upload(what, &weights.into_iter().map(f16::from_f32).collect::<Vec<_>>())?,
        };
        let vectors = gpu.upload("a convolution's vectors", &vectors(conv, shortcut))?;
        let (relu, fallback) = (conv.relu(), OnceLock::new());
        Ok(Self { kernel, algorithm, geometry, layer, relu, weights, vectors, site, fallback })
    }

    /// The convolution with another, single-dispatch kernel.
    pub(super) fn single_dispatch(
        &self,
        gpu: &Gpu,
        weights: &Weights,
        conv: ConvId,
        options: Options,
    ) -> Result<Self, Error> {
        let kernel = ConvKernel::choose_single_dispatch(gpu.capabilities(), &self.layer);
        Self::new(gpu, weights, conv, self.site, Options { kernel: Some(kernel), ..options })
    }

    /// The name of the layer's kernel in profiles.
    pub(super) fn name(&self) -> &'static str {
        self.algorithm.name(&self.geometry)
    }

    /// The pipelines of the layer; `skip` states whether a skip connection is added to the source.
    pub(super) fn variants(&self, gpu: &Gpu, skip: bool) -> Vec<Variant> {
        let shortcut = self.site.shortcut.is_some();
        let variants = self.algorithm.variants(gpu.capabilities(), &self.geometry, skip, shortcut);
        variants.into_iter().map(|variant| variant.with_precision(self.layer.precision)).collect()
    }

    /// The buffers between the dispatches of the layer for a number of tiles.
    pub(super) fn scratch(&self, tiles: usize, [height, width]: Size) -> Scratch {
        let (height, width) = self.site.target.size(height, width);
        self.algorithm.scratch(&self.geometry, &self.layer, tiles, [height, width])
    }

    /// The dispatches of the layer, in the order of its pipelines.
    pub(super) fn dispatches<'a>(&self, args: &ConvArgs<'a>) -> Vec<Dispatch<'a>> {
        self.algorithm.dispatches(&self.geometry, args)
    }
}

/// A convolution as input of the rule that chooses kernels.
fn layer_of(conv: &Conv, shortcut: Option<&Conv>, options: Options) -> Layer {
    Layer {
        inputs: conv.inputs(),
        outputs: conv.outputs(),
        shortcut: shortcut.map_or(0, Conv::inputs),
        precision: options.precision,
    }
}

/// The kernel of a convolution, its algorithm, and its geometry for the layer.
type Chosen = (Option<ConvKernel>, &'static dyn ConvAlgorithm, Geometry);

/// Chooses the kernel for a convolution of side 1 or 3: the requested one, else the default.
fn choose(gpu: &Gpu, side: usize, layer: &Layer, requested: Option<ConvKernel>) -> Result<Chosen, Error> {
    let capabilities = gpu.capabilities();
    let chosen: Result<Chosen, _> = if side == 1 {
        Conv1x1.applies(capabilities, layer).map(|geometry| (None, &Conv1x1 as _, geometry))
    } else {
        ConvKernel::pick(requested, capabilities, layer)
            .and_then(|(kernel, geometry)| Ok((Some(kernel), kernel.algorithm()?, geometry)))
    };
    chosen.map_err(|declined| {
        let (kernel, adapter) = (requested.map_or("", ConvKernel::name), gpu.info().name.clone());
        Error::Unsuitable { kernel, adapter, declined }
    })
}
