//! The input of the check, and the CPU's results for it.

use cytoshade_core::arch::unet::UNet;
use cytoshade_core::{BatchNorm, Control, EndPoints, Error as CoreError, Labels, Network, Params, Planes};
use cytoshade_cpu::{fill_holes, follow_flows, histogram, masks};

use crate::Error;
use crate::backend::Backend;
use crate::backend::placed::Placed;
use crate::pipeline::run::Run;

/// Height and width of the network's input in pixels: a tile of 32 x 32 with its padding.
const INPUT: [usize; 2] = [14, 16];

/// Channels above this use the same pipelines as this number.
const MOST_CHANNELS: usize = 64;

/// Side of the flows in pixels.
pub(super) const SIDE: usize = 40;

/// Row, column and radius of each cell in pixels. The last one is too small for a mask.
pub(super) const CELLS: [[f32; 3]; 4] = [[9.3, 10.6, 8.0], [12.7, 29.2, 6.0], [29.4, 19.8, 9.0], [30.2, 35.1, 2.0]];

/// A pixel without flow in the third cell: a hole in its mask.
pub(super) const HOLE: [usize; 2] = [33, 22];

/// Steps of the dynamics. The flows shrink towards the centers, so every pixel arrives.
pub(super) const NITER: u32 = 60;

/// A small network, flows by formula, and the CPU's results for both.
pub(super) struct Case {
    pub(super) network: Network,
    pub(super) planes: Planes,
    /// The network's outputs for the planes; `None` in builds without a network on the CPU.
    pub(super) outputs: Option<Planes>,
    /// dY, dX and cellprob.
    pub(super) flows: Planes,
    pub(super) ends: EndPoints,
    pub(super) labels: Labels,
}

impl Case {
    /// Runs the CPU. The pipelines of the small network are among those of `network`.
    pub(super) async fn new(network: Network) -> Result<Self, Error> {
        let planes = planes()?;
        let outputs = match cpu(&network)? {
            Some(backend) => Some(run(&backend, &network, &planes).await?),
            None => None,
        };
        let (flows, params) = (flows()?, Params::default());
        let threshold = params.cellprob_threshold;
        let ends = follow_flows::follow_flows(&flows, flows.plane(2), threshold, NITER, params.interp)?;
        let histogram = histogram::histogram(&ends, SIDE, SIDE);
        let mut labels = masks::masks(&ends, &histogram, params.max_size_fraction);
        fill_holes::fill_holes_and_remove_small(&mut labels, params.min_size);
        Ok(Self { network, planes, outputs, flows, ends, labels })
    }
}

/// The CPU with a network, in builds that have it.
fn cpu(network: &Network) -> Result<Option<Backend>, Error> {
    #[cfg(feature = "cpu")]
    return Ok(Some(Backend::Cpu(Box::new(crate::backend::Cpu::open(network, None)?))));
    #[cfg(not(feature = "cpu"))]
    Ok(None)
}

/// The outputs of a network for planes, on any backend.
pub(super) async fn run(backend: &Backend, network: &Network, planes: &Planes) -> Result<Planes, Error> {
    let control = Control::new();
    let mut run = Run::new(backend, network, &control, [1, planes.height(), planes.width()]);
    run.network(Placed::Host(planes.clone()), &Params::default()).await?.outputs.into_host().await
}

/// Numbers from -1 to 1 that look random and are the same on every machine.
struct Noise(u32);

impl Noise {
    /// `count` numbers with a mean square of `power`.
    fn take(&mut self, count: usize, power: f32) -> Vec<f32> {
        let mut next = || {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next() * (3.0 * power).sqrt()).collect()
    }
}

/// A U-Net of two levels with the fewest and the most channels of a network's 3x3 convolutions.
///
/// The number of channels decides which pipelines a convolution uses, so its pipelines are among those of the network.
pub(super) fn small_network(like: &Network) -> Result<Network, CoreError> {
    let convs = like.weights().convs().iter().filter(|conv| conv.kernel() == 3);
    let channels = convs.map(|conv| conv.outputs().min(MOST_CHANNELS));
    let (fewest, most) = channels.fold((MOST_CHANNELS, 1), |(fewest, most), n| (fewest.min(n), most.max(n)));
    noisy_network(&UNet::new(vec![2, fewest, most.max(fewest)], 3)?)
}

/// A network of random weights.
pub(super) fn noisy_network(unet: &UNet) -> Result<Network, CoreError> {
    let mut noise = Noise(1);
    let mut convs = Vec::new();
    for layer in unet.convs() {
        let (inputs, kernels) = (layer.inputs, layer.inputs * layer.kernel * layer.kernel);
        let bias = noise.take(inputs, 0.1);
        let norm = BatchNorm { weight: vec![1.0; inputs], bias, mean: vec![0.0; inputs], var: vec![1.0; inputs] };
        // Sums as large as the inputs, so that f16 holds every layer.
        let weights = noise.take(kernels * layer.outputs, 1.0 / kernels as f32);
        convs.push(layer.conv(&norm, weights, noise.take(layer.outputs, 0.1))?);
    }
    let mut linears = Vec::new();
    for layer in unet.linears() {
        let weights = noise.take(layer.inputs * layer.outputs, 1.0);
        linears.push(layer.linear(weights, noise.take(layer.outputs, 0.1))?);
    }
    unet.network(convs, linears, 30.0, 30.0)
}

fn planes() -> Result<Planes, CoreError> {
    let [height, width] = INPUT;
    Planes::new(Noise(2).take(2 * height * width, 1.0), 2, height, width)
}

/// Flows to the center of each cell, longer at a distance.
fn flows() -> Result<Planes, CoreError> {
    let mut planes = vec![0.0; 3 * SIDE * SIDE];
    let (dy, rest) = planes.split_at_mut(SIDE * SIDE);
    let (dx, cellprob) = rest.split_at_mut(SIDE * SIDE);
    for at in 0..SIDE * SIDE {
        let (y, x) = ((at / SIDE) as f32, (at % SIDE) as f32);
        let cell = CELLS.iter().find(|[row, column, radius]| (y - row).hypot(x - column) <= *radius);
        let cell = cell.filter(|_| [at / SIDE, at % SIDE] != HOLE);
        (dy[at], dx[at]) = cell.map_or((0.0, 0.0), |[row, column, _]| (row - y, column - x));
        cellprob[at] = if cell.is_some() { 1.0 } else { -1.0 };
    }
    Planes::new(planes, 3, SIDE, SIDE)
}
