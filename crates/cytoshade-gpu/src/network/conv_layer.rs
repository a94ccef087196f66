//! A convolution on the device: its kernel and its weights.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use cytoshade_core::{Conv, ConvId, Convolution, Operation, Plan, TensorShape, Weights};
use cytoshade_shaders::{self as shaders, Precision};
use half::f16;

use super::{Options, Size};
use crate::convolution::{self, ConvKernel, Geometry};
use crate::device::Gpu;
use crate::error::Error;
use crate::kernel::Variant;
use crate::weights::{Order, conv_vectors, conv_weights};
use crate::winograd::{self, Scratch};

/// A convolution of the plan and its shortcut.
#[derive(Debug)]
pub(super) struct Layer {
    /// `None` for a 1x1 convolution.
    pub(super) kernel: Option<ConvKernel>,
    /// The shader; of a Winograd convolution the last one.
    pub(super) variant: Variant,
    pub(super) geometry: Geometry,
    pub(super) relu: bool,
    pub(super) weights: wgpu::Buffer,
    pub(super) vectors: wgpu::Buffer,
    site: ConvSite,
    /// What takes its site for tiles that are too large for it.
    pub(super) fallback: OnceLock<Box<Layer>>,
}

/// The tensors of a convolution, as far as they decide the size of its buffers.
#[derive(Clone, Copy, Debug)]
struct ConvSite {
    source: TensorShape,
    target: TensorShape,
    /// Channels of the shortcut's source; 0 without one.
    block: usize,
    /// Weights of the shortcut.
    shortcut: Option<ConvId>,
}

/// The convolutions of a plan.
///
/// If the options name no kernel, those of `kernel_choices` are taken that apply.
pub(super) fn all(
    gpu: &Gpu,
    weights: &Weights,
    plan: &Plan,
    options: Options,
    kernel_choices: &BTreeMap<ConvId, ConvKernel>,
) -> Result<HashMap<ConvId, Layer>, Error> {
    let layers = plan.operations().iter().filter_map(|operation| match operation {
        Operation::Convolution(convolution) => Some((convolution.weights, ConvSite::new(plan, convolution))),
        Operation::MaxPool { .. } | Operation::GlobalAverage { .. } | Operation::Linear { .. } => None,
    });
    let options_of = |conv: ConvId, site: &ConvSite| {
        let layer = layer_of(&weights[conv], site.proj(weights), options);
        let pick = kernel_choices.get(&conv).copied().filter(|pick| pick.applies(gpu.capabilities(), &layer).is_ok());
        Options { kernel: options.kernel.or(pick), ..options }
    };
    layers.map(|(conv, site)| Ok((conv, Layer::new(gpu, weights, conv, site, options_of(conv, &site))?))).collect()
}

impl ConvSite {
    fn new(plan: &Plan, convolution: &Convolution) -> Self {
        let &Convolution { source, target, shortcut, .. } = convolution;
        Self {
            source: plan[source].shape,
            target: plan[target].shape,
            block: shortcut.map_or(0, |shortcut| plan[shortcut.source].channels()),
            shortcut: shortcut.map(|shortcut| shortcut.weights),
        }
    }

    /// The shortcut's convolution.
    fn proj(self, weights: &Weights) -> Option<&Conv> {
        self.shortcut.map(|shortcut| &weights[shortcut])
    }
}

impl Layer {
    /// Whether it runs by Winograd, in several dispatches. Known to be false when compiled for a browser.
    pub(super) fn winograd(&self) -> bool {
        !cfg!(target_arch = "wasm32") && self.kernel == Some(ConvKernel::Winograd)
    }

    /// What it needs between its dispatches for a number of tiles; nothing where it is one dispatch.
    pub(super) fn scratch(&self, tiles: usize, [height, width]: Size) -> Scratch {
        if !self.winograd() {
            return Scratch::default();
        }
        let ConvSite { source, target, block, .. } = self.site;
        let (height, width) = target.size(height, width);
        let patches = tiles * winograd::patches(height, width);
        Scratch::new(self.geometry.columns, patches, source.channels(), block, target.channels())
    }

    /// The convolution as another kernel that is one dispatch.
    pub(super) fn single_dispatch(
        &self,
        gpu: &Gpu,
        weights: &Weights,
        conv: ConvId,
        options: Options,
    ) -> Result<Self, Error> {
        let layer = layer_of(&weights[conv], self.site.proj(weights), options);
        let kernel = ConvKernel::choose_single_dispatch(gpu.capabilities(), &layer);
        Self::new(gpu, weights, conv, self.site, Options { kernel: Some(kernel), ..options })
    }

    fn new(gpu: &Gpu, weights: &Weights, conv: ConvId, site: ConvSite, options: Options) -> Result<Self, Error> {
        let (conv, proj) = (&weights[conv], site.proj(weights));
        let Choice { kernel, variant, geometry } = Choice::new(gpu, conv, proj, options)?;
        let (weights, stored) = match kernel {
            Some(kernel) => kernel.weights(&geometry, options.precision, conv, proj),
            None => (conv_weights(Order::Columns { quads: 1 }, conv, proj), options.precision),
        };
        let what = "a convolution's weights";
        let weights = match stored {
            Precision::F32 => gpu.upload(what, &weights)?,
            Precision::F16 => gpu.upload(what, &weights.into_iter().map(f16::from_f32).collect::<Vec<_>>())?,
        };
        let vectors = gpu.upload("a convolution's vectors", &conv_vectors(conv, proj))?;
        let variant = variant.with_precision(options.precision);
        Ok(Self { kernel, variant, geometry, relu: conv.relu(), weights, vectors, site, fallback: OnceLock::new() })
    }
}

/// What the kernels ask of a convolution.
fn layer_of(conv: &Conv, proj: Option<&Conv>, options: Options) -> convolution::Layer {
    convolution::Layer {
        inputs: conv.inputs(),
        outputs: conv.outputs(),
        block: proj.map_or(0, Conv::inputs),
        precision: options.precision,
    }
}

/// What a convolution runs as.
struct Choice {
    kernel: Option<ConvKernel>,
    variant: Variant,
    geometry: Geometry,
}

impl Choice {
    fn new(gpu: &Gpu, conv: &Conv, proj: Option<&Conv>, options: Options) -> Result<Self, Error> {
        if conv.kernel() == 1 {
            let variant = Variant::new(shaders::CONV1X1);
            return Ok(Self { kernel: None, variant, geometry: convolution::POINT });
        }
        let layer = layer_of(conv, proj, options);
        let (kernel, geometry) =
            ConvKernel::pick(options.kernel, gpu.capabilities(), &layer).map_err(|declined| Error::Unsuitable {
                kernel: options.kernel.map_or("", ConvKernel::name),
                adapter: gpu.info().name.clone(),
                declined,
            })?;
        let mut variant = Variant::new(kernel.shader(&geometry));
        for (name, value) in kernel.constants(gpu.capabilities(), &geometry) {
            variant = variant.with(name, value);
        }
        Ok(Self { kernel: Some(kernel), variant, geometry })
    }
}
