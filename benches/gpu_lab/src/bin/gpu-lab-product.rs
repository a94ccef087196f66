//! Opens a GPU, builds every pipeline of the published network in f32 and f16, and prints the kernel of each layer.
//!
//! The lab runs it on GPUs that are not there, and reads its lines ([`cytoshade_gpu_lab::product`]):
//!
//!     adapter NAME
//!     kernel f16 3x3 64->64 matrix
//!     pipeline conv3x3_matrix16 f16 LANES=128 SPLIT=2 SKIP=0
#![forbid(unsafe_code)]

use cytoshade_core::arch::unet::UNet;
use cytoshade_core::{BatchNorm, Convolution, Network as Weights, Operation};
use cytoshade_gpu::{
    Capabilities, Choice, ConvKernel, DeviceOptions, DeviceOverride, Gpu, Layer, Network, Options, Precision,
};
use pollster::block_on;

type Failure = Box<dyn std::error::Error>;

/// The layout of the published networks.
const FULL_WIDTH: [usize; 5] = [2, 32, 64, 128, 256];

fn main() -> Result<(), Failure> {
    let gpu = block_on(Gpu::open_with(Choice::Hardware, &options()))?;
    println!("adapter {}", gpu.info().name);
    let weights = weights()?;
    for precision in [Precision::F32, Precision::F16] {
        let network = block_on(Network::with(&gpu, &weights, Options { kernel: None, precision }))?;
        let layers = layers(&weights, precision);
        let chosen: Vec<ConvKernel> =
            layers.iter().map(|layer| ConvKernel::choose(gpu.capabilities(), layer).0).collect();
        for (layer, kernel) in layers.iter().zip(&chosen) {
            println!("kernel {} 3x3 {}->{} {kernel}", precision.name(), layer.inputs, layer.outputs);
        }
        if let Some(kernel) = network.kernels().iter().find(|kernel| !chosen.contains(kernel)) {
            return Err(format!("the network runs {kernel}, which the rule did not choose").into());
        }
    }
    for pipeline in gpu.pipelines() {
        println!("pipeline {pipeline}");
    }
    Ok(())
}

/// No device of the lab can measure the subgroup size of matrices: nothing runs. Where a driver has a choice, it is the
/// largest one, as the tables show for RADV.
fn options() -> DeviceOptions {
    let capabilities = |capabilities: &mut Capabilities| {
        if !capabilities.matrices.is_empty() {
            capabilities.matrix_subgroup = capabilities.subgroups.map(|(_, largest)| largest);
        }
    };
    let mut options = DeviceOptions::default();
    options.faults.device_override = Some(DeviceOverride { capabilities, source: |source| source });
    options
}

/// A network of the published size; its values do not matter.
fn weights() -> Result<Weights, Failure> {
    let unet = UNet::new(FULL_WIDTH.to_vec(), 3)?;
    let mut convs = Vec::new();
    for layer in unet.convs() {
        let (zeros, ones) = (vec![0.0; layer.inputs], vec![1.0; layer.inputs]);
        let norm = BatchNorm { weight: ones.clone(), bias: zeros.clone(), mean: zeros, var: ones };
        let weight = vec![0.0; layer.outputs * layer.inputs * layer.kernel * layer.kernel];
        convs.push(layer.conv(&norm, weight, vec![0.0; layer.outputs])?);
    }
    let mut linears = Vec::new();
    for layer in unet.linears() {
        linears.push(layer.linear(vec![0.0; layer.outputs * layer.inputs], vec![0.0; layer.outputs])?);
    }
    Ok(unet.network(convs, linears, 30.0, 30.0)?)
}

/// The 3x3 convolutions, as the rule sees them.
fn layers(weights: &Weights, precision: Precision) -> Vec<Layer> {
    let conv = |id| &weights.weights()[id];
    let layer = |operation: &Operation| match operation {
        Operation::Convolution(Convolution { weights, shortcut, .. }) if conv(*weights).kernel() == 3 => Some(Layer {
            inputs: conv(*weights).inputs(),
            outputs: conv(*weights).outputs(),
            shortcut: shortcut.as_ref().map_or(0, |shortcut| conv(shortcut.weights).inputs()),
            precision,
        }),
        _ => None,
    };
    weights.plan().operations().iter().filter_map(layer).collect()
}
