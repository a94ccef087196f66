//! The small network of the check, and its input.

use cytoshade_core::arch::unet::UNet;
use cytoshade_core::{Conv, ConvShape, Error as CoreError, Network, Planes, Prologue};

/// Height and width of the network's input in pixels: a tile of 32 x 32 with its padding.
const INPUT: [usize; 2] = [14, 16];

/// Channels above this use the same pipelines as this number.
const MOST_CHANNELS: usize = 64;

/// The network's input.
pub(super) fn planes() -> Result<Planes, CoreError> {
    let [height, width] = INPUT;
    Planes::new(Noise(2).take(2 * height * width, 1.0), 2, height, width)
}

/// Numbers that look random and are the same on every machine.
struct Noise(u32);

impl Noise {
    /// `count` numbers with a mean square of `power`.
    fn take(&mut self, count: usize, power: f32) -> Vec<f32> {
        let scale = (3.0 * power).sqrt();
        let mut next = || {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0) * scale
        };
        (0..count).map(|_| next()).collect()
    }
}

/// A U-Net of two levels with the fewest and the most channels of a network's 3x3 convolutions.
///
/// The number of channels decides which pipelines a convolution uses, so its pipelines are among those of the network.
pub(super) fn small_network(like: &Network) -> Result<Network, CoreError> {
    let (mut fewest, mut most) = (MOST_CHANNELS, 1);
    for conv in like.weights().convs() {
        if conv.kernel() == 3 {
            (fewest, most) = (fewest.min(conv.outputs()), most.max(conv.outputs()));
        }
    }
    noisy_network(&UNet::new(vec![2, fewest, most.clamp(fewest, MOST_CHANNELS)], 3)?)
}

/// A network of random weights.
pub(super) fn noisy_network(unet: &UNet) -> Result<Network, CoreError> {
    let mut noise = Noise(1);
    let (mut convs, mut linears) = (Vec::new(), Vec::new());
    for layer in unet.convs() {
        let (inputs, outputs, kernel) = (layer.inputs, layer.outputs, layer.kernel);
        let prologue = Prologue { scale: vec![1.0; inputs], shift: noise.take(inputs, 0.1), relu: layer.relu };
        // Sums as large as the inputs, so that f16 holds every layer.
        let products = inputs * kernel * kernel;
        let weights = noise.take(products * outputs, 1.0 / products as f32);
        let shape = ConvShape { inputs, outputs, kernel };
        convs.push(Conv::new(layer.name, shape, prologue, weights, noise.take(outputs, 0.1))?);
    }
    for layer in unet.linears() {
        let weights = noise.take(layer.inputs * layer.outputs, 1.0);
        linears.push(layer.linear(weights, noise.take(layer.outputs, 0.1))?);
    }
    unet.network(convs, linears, 30.0, 30.0)
}
