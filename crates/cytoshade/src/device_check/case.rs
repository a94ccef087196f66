//! The inputs of the check, and the expected results.

use cytoshade_core::arch::unet::UNet;
use cytoshade_core::{Conv, ConvShape, Error as CoreError, Labels, Network, Planes, Prologue};

/// Height and width of the network's input in pixels: a tile of 32 x 32 with its padding.
const INPUT: [usize; 2] = [14, 16];

/// Channels above this use the same pipelines as this number.
const MOST_CHANNELS: usize = 64;

/// Side of the flows in pixels.
pub(super) const SIDE: usize = 40;

/// Row, column and radius of each cell in pixels, in the order of their labels.
pub(super) const CELLS: [[f32; 3]; 4] = [[9.3, 10.6, 8.0], [12.7, 29.2, 6.0], [29.4, 19.8, 9.0], [30.2, 35.1, 2.0]];

/// Cells with a mask; the last one is too small.
const MASKS: usize = 3;

/// A pixel of the third cell without flow: a hole, which is filled.
pub(super) const HOLE: usize = 33 * SIDE + 22;

/// Steps of the dynamics. The flows shrink towards the centers, so every pixel arrives.
pub(super) const NITER: u32 = 60;

/// A small network, flows by formula, and the masks of these flows.
pub(super) struct Case {
    pub(super) network: Network,
    /// The network's input.
    pub(super) planes: Planes,
    /// dY, dX and cellprob.
    pub(super) flows: Planes,
    pub(super) labels: Labels,
}

impl Case {
    /// The case for a network, whose pipelines are those of the small network too.
    pub(super) fn new(like: &Network) -> Result<Self, CoreError> {
        let [height, width] = INPUT;
        let planes = Planes::new(Noise(2).take(2 * height * width, 1.0), 2, height, width)?;
        let (flows, labels) = flows_and_labels();
        let (flows, labels) = (Planes::new(flows, 3, SIDE, SIDE)?, Labels::new(labels, SIDE, SIDE)?);
        Ok(Self { network: small_network(like)?, planes, flows, labels })
    }
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
fn small_network(like: &Network) -> Result<Network, CoreError> {
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

/// Flows to the center of each cell, longer at a distance, and the labels of the cells.
fn flows_and_labels() -> (Vec<f32>, Vec<u32>) {
    const PIXELS: usize = SIDE * SIDE;
    let (mut flows, mut labels) = (vec![0.0; 3 * PIXELS], vec![0; PIXELS]);
    flows[2 * PIXELS..].fill(-1.0);
    for (cell, [row, column, radius]) in CELLS.into_iter().enumerate() {
        for at in 0..PIXELS {
            let (dy, dx) = (row - (at / SIDE) as f32, column - (at % SIDE) as f32);
            if dy * dy + dx * dx > radius * radius {
                continue;
            }
            if cell < MASKS {
                labels[at] = cell as u32 + 1;
            }
            if at != HOLE {
                (flows[at], flows[PIXELS + at], flows[2 * PIXELS + at]) = (dy, dx, 1.0);
            }
        }
    }
    (flows, labels)
}
