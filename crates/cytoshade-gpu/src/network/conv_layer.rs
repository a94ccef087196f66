//! A convolution on the device: its kernel and its weights.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use cytoshade_core::{Conv, Network as Weights, Plan, Projection, Step, Tensor};
use cytoshade_shaders::Precision;
use half::f16;

use super::{Options, Size};
use crate::device::Gpu;
use crate::error::Error;
use crate::operators::Dispatch;
use crate::operators::conv1x1::Conv1x1;
use crate::operators::conv3x3::ConvKernel;
use crate::operators::convolution::{ConvArgs, Convolution, Geometry, Layer, Scratch};
use crate::operators::weights::vectors;
use crate::pipeline::Variant;

/// A convolution of the plan, with the `proj` that is part of its step.
#[derive(Debug)]
pub(super) struct ConvLayer {
    /// The kernel of a 3x3 convolution; `None` for a 1x1 convolution.
    pub(super) kernel: Option<ConvKernel>,
    implementation: &'static dyn Convolution,
    geometry: Geometry,
    layer: Layer,
    pub(super) relu: bool,
    pub(super) weights: wgpu::Buffer,
    pub(super) vectors: wgpu::Buffer,
    site: ConvSite,
    /// Replaces this layer on tiles for which its scratch exceeds the binding limit.
    pub(super) fallback: OnceLock<Box<ConvLayer>>,
}

/// The tensors of a convolution that decide how large its buffers are.
#[derive(Clone, Copy, Debug)]
struct ConvSite {
    target: Tensor,
    projection: Option<Projection>,
}

/// The convolutions that are steps of a plan, by their number.
///
/// If the options request no kernel, a convolution gets the one of `kernel_choices`, provided that it applies.
pub(super) fn all(
    gpu: &Gpu,
    weights: &Weights,
    plan: &Plan,
    options: Options,
    kernel_choices: &BTreeMap<usize, ConvKernel>,
) -> Result<HashMap<usize, ConvLayer>, Error> {
    let convs = weights.convs();
    let sites = plan.steps.iter().filter_map(|step| match step {
        Step::Conv { conv, projection, target, .. } => {
            Some((*conv, ConvSite { target: *target, projection: *projection }))
        }
        _ => None,
    });
    let options_of = |conv: usize, site: &ConvSite| {
        let layer = layer_of(&convs[conv], site.proj(convs), options);
        let choice = kernel_choices.get(&conv).copied();
        let applying = choice.filter(|kernel| kernel.applies(gpu.capabilities(), &layer).is_ok());
        Options { kernel: options.kernel.or(applying), ..options }
    };
    sites.map(|(conv, site)| Ok((conv, ConvLayer::new(gpu, convs, conv, site, options_of(conv, &site))?))).collect()
}

impl ConvSite {
    /// The 1x1 convolution that is part of the step.
    fn proj(self, convs: &[Conv]) -> Option<&Conv> {
        self.projection.map(|projection| &convs[projection.conv])
    }
}

impl ConvLayer {
    fn new(gpu: &Gpu, convs: &[Conv], conv: usize, site: ConvSite, options: Options) -> Result<Self, Error> {
        let (conv, proj) = (&convs[conv], site.proj(convs));
        let layer = layer_of(conv, proj, options);
        let (kernel, implementation, geometry) = choose(gpu, conv.kernel(), &layer, options.kernel)?;
        let weights = implementation.weights(&geometry, conv, proj);
        let what = "a convolution's weights";
        let weights = match implementation.weight_precision(options.precision) {
            Precision::F32 => gpu.upload(what, &weights)?,
            Precision::F16 => gpu.upload(what, &weights.into_iter().map(f16::from_f32).collect::<Vec<_>>())?,
        };
        let vectors = gpu.upload("a convolution's vectors", &vectors(conv, proj))?;
        let (relu, fallback) = (conv.relu(), OnceLock::new());
        Ok(Self { kernel, implementation, geometry, layer, relu, weights, vectors, site, fallback })
    }

    /// The convolution as another kernel that is one dispatch.
    pub(super) fn single_dispatch(
        &self,
        gpu: &Gpu,
        convs: &[Conv],
        conv: usize,
        options: Options,
    ) -> Result<Self, Error> {
        let kernel = ConvKernel::choose_single_dispatch(gpu.capabilities(), &self.layer);
        Self::new(gpu, convs, conv, self.site, Options { kernel: Some(kernel), ..options })
    }

    /// The name of the layer's kernel in profiles.
    pub(super) fn name(&self) -> &'static str {
        self.implementation.name(&self.geometry)
    }

    /// The pipelines of the layer; `skip` says whether something is added to the source.
    pub(super) fn variants(&self, gpu: &Gpu, skip: bool) -> Vec<Variant> {
        let block = self.site.projection.is_some();
        let variants = self.implementation.variants(gpu.capabilities(), &self.geometry, skip, block);
        variants.into_iter().map(|variant| variant.with_precision(self.layer.precision)).collect()
    }

    /// The buffers between the dispatches of the layer for a number of tiles.
    pub(super) fn scratch(&self, tiles: usize, [height, width]: Size) -> Scratch {
        let (height, width) = self.site.target.size(height, width);
        self.implementation.scratch(&self.geometry, &self.layer, tiles, [height, width])
    }

    /// The dispatches of the layer, in the order of its pipelines.
    pub(super) fn dispatches<'a>(&self, args: &ConvArgs<'a>) -> Vec<Dispatch<'a>> {
        self.implementation.dispatches(&self.geometry, args)
    }
}

/// A convolution as the rule that picks kernels sees it.
fn layer_of(conv: &Conv, proj: Option<&Conv>, options: Options) -> Layer {
    Layer {
        inputs: conv.inputs(),
        outputs: conv.outputs(),
        block: proj.map_or(0, Conv::inputs),
        precision: options.precision,
    }
}

/// The kernel of a convolution, its implementation, and how it divides the layer.
type Chosen = (Option<ConvKernel>, &'static dyn Convolution, Geometry);

/// Chooses for a convolution of side 1 or 3: the requested kernel, else the default.
fn choose(gpu: &Gpu, side: usize, layer: &Layer, requested: Option<ConvKernel>) -> Result<Chosen, Error> {
    let capabilities = gpu.capabilities();
    let chosen: Result<Chosen, _> = if side == 1 {
        Conv1x1.applies(capabilities, layer).map(|geometry| (None, &Conv1x1 as _, geometry))
    } else {
        ConvKernel::pick(requested, capabilities, layer)
            .and_then(|(kernel, geometry)| Ok((Some(kernel), kernel.implementation()?, geometry)))
    };
    chosen.map_err(|declined| {
        let (kernel, adapter) = (requested.map_or("", ConvKernel::name), gpu.info().name.clone());
        Error::Unsuitable { kernel, adapter, declined }
    })
}
