//! A convolution on the device: its kernel and its weights.

use std::collections::{BTreeMap, HashMap};

use cytoshade_core::{Conv, Network as Weights, Plan, Step};
use cytoshade_shaders::{self as shaders, Precision};
use half::f16;

use super::Options;
use crate::convolution::{self, ConvKernel, Geometry};
use crate::device::Gpu;
use crate::error::Error;
use crate::kernel::Variant;
use crate::weights::{Order, conv_vectors, conv_weights};

/// A convolution of the plan, with the `proj` that is part of its step.
#[derive(Debug)]
pub(super) struct Layer {
    /// `None` for a 1x1 convolution.
    pub(super) kernel: Option<ConvKernel>,
    /// The shader; of a convolution by minimal filtering the last one.
    pub(super) variant: Variant,
    pub(super) geometry: Geometry,
    pub(super) relu: bool,
    pub(super) weights: wgpu::Buffer,
    pub(super) vectors: wgpu::Buffer,
}

/// The convolutions that are steps of a plan, by their number.
///
/// Where the options ask for no kernel, those of `picks` are taken that apply.
pub(super) fn all(
    gpu: &Gpu,
    weights: &Weights,
    plan: &Plan,
    options: Options,
    picks: &BTreeMap<usize, ConvKernel>,
) -> Result<HashMap<usize, Layer>, Error> {
    let convs = weights.convs();
    let steps = plan.steps.iter().filter_map(|step| match step {
        Step::Conv { conv, projection, .. } => Some((*conv, projection.map(|projection| &convs[projection.conv]))),
        _ => None,
    });
    let options_of = |conv: usize, proj: Option<&Conv>| {
        let layer = layer_of(&convs[conv], proj, options);
        let pick = picks.get(&conv).copied().filter(|pick| pick.applies(gpu.facts(), &layer).is_ok());
        Options { kernel: options.kernel.or(pick), ..options }
    };
    steps.map(|(conv, proj)| Ok((conv, Layer::new(gpu, &convs[conv], proj, options_of(conv, proj))?))).collect()
}

impl Layer {
    /// Whether it runs by minimal filtering, in several dispatches. Known to be false when compiled for a browser.
    pub(super) fn winograd(&self) -> bool {
        !cfg!(target_arch = "wasm32") && self.kernel == Some(ConvKernel::Winograd)
    }

    fn new(gpu: &Gpu, conv: &Conv, proj: Option<&Conv>, options: Options) -> Result<Self, Error> {
        let Choice { kernel, variant, geometry } = Choice::of(gpu, conv, proj, options)?;
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
        let variant = variant.stored(options.precision);
        Ok(Self { kernel, variant, geometry, relu: conv.relu(), weights, vectors })
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
    fn of(gpu: &Gpu, conv: &Conv, proj: Option<&Conv>, options: Options) -> Result<Self, Error> {
        if conv.kernel() == 1 {
            let variant = Variant::of(shaders::CONV1X1);
            return Ok(Self { kernel: None, variant, geometry: convolution::POINT });
        }
        let layer = layer_of(conv, proj, options);
        let (kernel, geometry) =
            ConvKernel::pick(options.kernel, gpu.facts(), &layer).map_err(|declined| Error::Unsuitable {
                kernel: options.kernel.map_or("", ConvKernel::name),
                adapter: gpu.info().name.clone(),
                declined,
            })?;
        let mut variant = Variant::of(kernel.shader(&geometry));
        for (name, value) in kernel.constants(gpu.facts(), &geometry) {
            variant = variant.with(name, value);
        }
        Ok(Self { kernel: Some(kernel), variant, geometry })
    }
}
