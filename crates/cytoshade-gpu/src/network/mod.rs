//! A network on a device: runs tiles through the operations of a plan.

mod arena;
mod conv_layer;
mod diagnosis;
mod dispatch;
mod fallback;
mod memory;
mod profile;
mod run;
mod split;
mod submission;
#[cfg(not(target_arch = "wasm32"))]
pub mod tune;
mod variants;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use cytoshade_core::{ConvId, Convolution, Description, Network as Weights, Operation, Plan, Span, TensorId};
use cytoshade_shaders::Precision;

use arena::Arena;
use conv_layer::ConvLayer;
pub use memory::memory;
pub use profile::StepTime;
pub use submission::{Part, Submission};

use crate::device::Gpu;
use crate::error::Error;
use crate::operators::conv3x3::ConvKernel;
use crate::operators::style_projections::StyleProjections;

/// The results of a batch of tiles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Outputs of shape [tiles, outputs, height, width].
    pub outputs: Vec<f32>,
    /// Style vectors of shape [tiles, style channels], each of L2 norm 1.
    ///
    /// Empty if the network has no style.
    pub styles: Vec<f32>,
}

impl Batch {
    /// Appends the results of further tiles. Those of the first tiles are not copied.
    fn append(&mut self, mut next: Self) {
        if self.outputs.is_empty() {
            return *self = next;
        }
        self.outputs.append(&mut next.outputs);
        self.styles.append(&mut next.styles);
    }
}

/// Options of a network. The default suits every device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The kernel of the 3x3 convolutions; `None` for the default of each layer on the device.
    pub kernel: Option<ConvKernel>,
    /// The precision of activations and weights.
    pub precision: Precision,
}

/// Height and width of a tile in pixels.
type Size = [usize; 2];

/// Size up to which every chosen kernel accepts tiles.
const ANY: Size = [0, 0];

/// A network on a device: its weights, its pipelines, and the buffers of its intermediates.
#[derive(Debug)]
pub struct Network {
    gpu: Gpu,
    description: Description,
    plan: Plan,
    options: Options,
    layers: HashMap<ConvId, ConvLayer>,
    /// The matrices of each [`Operation::Linear`], by the first vector of its output.
    linears: HashMap<TensorId, StyleProjections>,
    /// Zeros that 3x3 convolutions without a skip add, if a second pipeline would compile slowly.
    no_skip: Option<wgpu::Buffer>,
    arena: Mutex<Option<Arc<Arena>>>,
    /// The layer of each operation, by its name in the model file.
    names: Vec<String>,
}

impl Network {
    /// Uploads checked weights to a device and builds the network's pipelines.
    ///
    /// # Errors
    /// [`Error::Limit`] if a layer is too large for the device, and errors of the device.
    pub async fn new(gpu: &Gpu, weights: &Weights) -> Result<Self, Error> {
        Self::with(gpu, weights, Options::default()).await
    }

    /// [`Network::new`] with options.
    ///
    /// # Errors
    /// As [`Network::new`], and [`Error::Unsuitable`] or [`Error::NoF16`] if the device does not support the options.
    pub async fn with(gpu: &Gpu, weights: &Weights, options: Options) -> Result<Self, Error> {
        Self::with_kernel_choices(gpu, weights, options, &BTreeMap::new()).await
    }

    /// [`Network::with`] with a kernel for each 3x3 convolution.
    ///
    /// A choice that does not apply on the device is ignored, and [`Options::kernel`] overrides all of them.
    ///
    /// # Errors
    /// As [`Network::with`].
    pub async fn with_kernel_choices(
        gpu: &Gpu,
        weights: &Weights,
        options: Options,
        kernel_choices: &BTreeMap<ConvId, ConvKernel>,
    ) -> Result<Self, Error> {
        if options.precision == Precision::F16 && !gpu.capabilities().f16 {
            return Err(Error::NoF16 { adapter: gpu.info().name.clone() });
        }
        let span = Span::begin("weights");
        let (description, plan) = (weights.description().clone(), weights.plan().clone());
        let (layers, linears, no_skip) = gpu
            .with_error_scopes("the network's weights", || {
                let layers = conv_layer::all(gpu, weights.weights(), &plan, options, kernel_choices)?;
                let linears = linears(gpu, weights)?;
                let no_skip = gpu.compiles_slowly().then(|| gpu.upload("no skip", &[0.0f32; 4])).transpose()?;
                Ok((layers, linears, no_skip))
            })
            .await?;
        let (gpu_of, arena) = (gpu.clone(), Mutex::new(None));
        let name = |operation: &Operation| operation.layer(weights.weights()).to_string();
        let names = plan.operations().iter().map(name).collect();
        let network = Self { gpu: gpu_of, description, plan, options, layers, linears, no_skip, arena, names };
        gpu.phase(span);
        let span = Span::begin("pipelines");
        gpu.build(&network.all_variants()).await?;
        gpu.phase(span);
        Ok(network)
    }

    /// The network's inputs, outputs and tiles.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The operations that the network runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The options of the network.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The kernel of a 3x3 convolution.
    #[cfg(not(target_arch = "wasm32"))]
    fn kernel_of(&self, conv: ConvId) -> Option<ConvKernel> {
        self.layers.get(&conv)?.kernel
    }

    /// The kernels of the 3x3 convolutions, each once, in the order of the plan.
    pub fn kernels(&self) -> Vec<ConvKernel> {
        let mut kernels = Vec::new();
        for operation in self.plan.operations() {
            if let Operation::Convolution(Convolution { weights, .. }) = operation
                && let Some(kernel) = self.layers[weights].kernel
                && !kernels.contains(&kernel)
            {
                kernels.push(kernel);
            }
        }
        kernels
    }
}

/// Uploads the matrices of every [`Operation::Linear`].
fn linears(gpu: &Gpu, network: &Weights) -> Result<HashMap<TensorId, StyleProjections>, Error> {
    let mut uploaded = HashMap::new();
    for operation in network.plan().operations() {
        let Operation::Linear { products, .. } = operation else { continue };
        let linears: Vec<_> = products.iter().map(|product| &network.weights()[product.weights]).collect();
        if let Some(first) = products.first() {
            uploaded.insert(first.target, StyleProjections::upload(gpu, &linears)?);
        }
    }
    Ok(uploaded)
}
