//! A network of a program's own architecture: three 3x3 convolutions.
//!
//! It has no levels, style or BatchNorm, and the flows are its last outputs. It is made only through the public API,
//! from the tensors of a file.

use cytoshade_core::{
    Conv, ConvId, ConvShape, Convolution, Description, Error, FlowChannels, Network, OutputChannels, PlanBuilder,
    Prologue, RescaleRule, TensorShape, TileRule, Weights,
};
use cytoshade_model::{Tensor, Tensors};
use safetensors::tensor::{Dtype, TensorView};

use crate::random::Random;

/// Whether a ReLU precedes each convolution.
const RELU: [bool; 3] = [false, true, true];

/// The values of the three convolutions.
#[derive(Clone, Debug)]
pub struct ThreeConvs {
    /// Input channels, then the output channels of each convolution.
    pub channels: [usize; 4],
    /// For each convolution the weights, of shape [outputs, inputs, 3, 3].
    pub weights: [Vec<f32>; 3],
    /// For each convolution the biases.
    pub biases: [Vec<f32>; 3],
}

impl ThreeConvs {
    /// Random values.
    pub fn random(seed: u64, channels: [usize; 4]) -> Self {
        let mut random = Random(seed);
        let weights = [0, 1, 2].map(|n| {
            let fan_in = 9 * channels[n];
            let bound = (3.0 / fan_in as f32).sqrt();
            random.vector(channels[n + 1] * fan_in, -bound, bound)
        });
        let biases = [0, 1, 2].map(|n| random.vector(channels[n + 1], -0.5, 0.5));
        Self { channels, weights, biases }
    }

    /// Values that find bright round cells on a dark ground of intensities up to 1000.
    ///
    /// The image is blurred twice; its gradient is the flow, and its brightness the cell probability. There is one
    /// class.
    pub fn bright_cells() -> Self {
        let blur =
            |factor: f32| [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0].map(|weight: f32| weight / 16.0 * factor);
        let point = |factor: f32| [0.0, 0.0, 0.0, 0.0, factor, 0.0, 0.0, 0.0, 0.0];
        let (zero, scale) = ([0.0; 9], 1e-3);
        let down = [-1.0, -2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0].map(|weight: f32| weight * 2.5);
        let right = [-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0].map(|weight: f32| weight * 2.5);
        Self {
            channels: [1, 2, 3, 4],
            weights: [
                [blur(scale), point(scale)].concat(),
                [[blur(1.0), zero], [zero, blur(1.0)], [point(1.0), zero]].concat().concat(),
                // The class, dY, dX and the cell probability.
                [[point(-1.0), point(1.0), zero], [down, zero, zero], [right, zero, zero], [point(30.0), zero, zero]]
                    .concat()
                    .concat(),
            ],
            biases: [vec![0.0; 2], vec![0.0; 3], vec![0.0, 0.0, 0.0, -6.0]],
        }
    }

    /// A safetensors file of the values.
    pub fn file(&self) -> Vec<u8> {
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let mut tensors = vec![("diam_mean".to_string(), vec![1], bytes(&[30.0]))];
        for n in 0..3 {
            let [inputs, outputs] = [self.channels[n], self.channels[n + 1]];
            tensors.push((format!("conv_{n}.weight"), vec![outputs, inputs, 3, 3], bytes(&self.weights[n])));
            tensors.push((format!("conv_{n}.bias"), vec![outputs], bytes(&self.biases[n])));
        }
        let views =
            tensors.iter().map(|(name, shape, data)| (name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
        safetensors::serialize(views, None).unwrap()
    }

    /// The outputs for a tile of shape [inputs, height, width] by the plain formula, in f64.
    pub fn forward(&self, tile: &[f32], height: usize, width: usize) -> Vec<f64> {
        let mut map: Vec<f64> = tile.iter().copied().map(f64::from).collect();
        for (n, relu) in RELU.into_iter().enumerate() {
            if relu {
                map.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            map = self.convolution(n, &map, height, width);
        }
        map
    }

    fn convolution(&self, n: usize, map: &[f64], height: usize, width: usize) -> Vec<f64> {
        let [inputs, outputs] = [self.channels[n], self.channels[n + 1]];
        let value = |input: usize, y: usize, x: usize| {
            // Coordinates include the row and the column of zeros above and to the left.
            let inside = (1..=height).contains(&y) && (1..=width).contains(&x);
            if inside { map[(input * height + y - 1) * width + x - 1] } else { 0.0 }
        };
        let mut result = Vec::with_capacity(outputs * height * width);
        for output in 0..outputs {
            for at in 0..height * width {
                let (y, x) = (at / width, at % width);
                let products = (0..9 * inputs).map(|tap| {
                    let (input, ky, kx) = (tap / 9, tap / 3 % 3, tap % 3);
                    f64::from(self.weights[n][output * 9 * inputs + tap]) * value(input, y + ky, x + kx)
                });
                result.push(f64::from(self.biases[n][output]) + products.sum::<f64>());
            }
        }
        result
    }
}

/// The network from a file's tensors, with the flows as the last outputs.
///
/// # Errors
/// The name of a tensor that is missing, and those of [`Network::new`].
pub fn recognize(tensors: &Tensors) -> Result<Network, String> {
    let count = tensors.get("conv_2.bias").ok_or("conv_2.bias is missing")?.values.len();
    let flows = count.checked_sub(3).map(|first| FlowChannels { dy: first, dx: first + 1, cellprob: first + 2 });
    with_flows(tensors, flows)
}

/// [`recognize`] with the flows at other outputs.
///
/// # Errors
/// As [`recognize`].
pub fn with_flows(tensors: &Tensors, flows: Option<FlowChannels>) -> Result<Network, String> {
    let get = |name: &str| tensors.get(name).ok_or(format!("{name} is missing"));
    let mut convs = Vec::new();
    for (n, relu) in RELU.into_iter().enumerate() {
        let (name, Tensor { shape, values }) = (format!("conv_{n}"), get(&format!("conv_{n}.weight"))?);
        let &[outputs, inputs, kernel, _] = &shape[..] else { return Err(format!("{name} has shape {shape:?}")) };
        let bias = get(&format!("{name}.bias"))?.values.clone();
        let prologue = Prologue::plain(inputs, relu);
        let conv = Conv::new(name, ConvShape { inputs, outputs, kernel }, prologue, values.clone(), bias);
        convs.push(conv.map_err(|error| error.to_string())?);
    }
    let diam_mean = get("diam_mean")?.values[0];
    network(convs, flows, diam_mean).map_err(|error| error.to_string())
}

fn network(convs: Vec<Conv>, flows: Option<FlowChannels>, diam_mean: f32) -> Result<Network, Error> {
    let (mut plan, mut map) = PlanBuilder::new(convs[0].inputs());
    for (n, conv) in convs.iter().enumerate() {
        let (source, shape) = (map, TensorShape::Map { channels: conv.outputs(), scale: 1 });
        map = plan.convolution(shape, |target| Convolution::new(ConvId::new(n), 3, source, target));
    }
    let description = Description {
        architecture: "three convolutions",
        inputs: convs[0].inputs(),
        outputs: OutputChannels { count: convs[2].outputs(), flows },
        tile: TileRule { multiple: 1, padding: 8, side: 96 },
        style: None,
        rescale: RescaleRule { diam_mean, diam_labels: diam_mean },
    };
    Network::new(description, plan.finish(map, None)?, Weights::new(convs, Vec::new()))
}
