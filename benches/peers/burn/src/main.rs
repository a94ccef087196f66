//! The network on burn, written with its own operations.
//!
//! burn's ONNX reader generates code at build time, but the network is known only at run time.

use std::collections::HashMap;

use burn::tensor::activation::relu;
use burn::tensor::module::{batch_norm, conv2d, interpolate, linear, max_pool2d};
use burn::tensor::ops::{ConvOptions, InterpolateMode, InterpolateOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use protocol::{Job, Outcome};
use safetensors::SafeTensors;

const LEVELS: usize = 4;

fn main() -> Outcome<()> {
    let job = Job::from_args()?;
    // burn uses rayon's global pool, which must be configured before its first use.
    let given = std::env::var("RAYON_NUM_THREADS").is_ok_and(|threads| threads == job.threads.to_string());
    if !given {
        return Err(format!("set RAYON_NUM_THREADS={}", job.threads).into());
    }
    let (side, device) = (job.side, Device::flex());
    let network = Network::new(&Weights::open(&job.model, &device)?)?;
    job.serve(
        |_| Ok(()),
        |(), tiles, n| {
            let input = Tensor::from_data(TensorData::new(tiles.to_vec(), [n, 2, side, side]), &device);
            network.run(input).into_data().try_to_vec().map_err(|error| format!("{error:?}").into())
        },
    )
}

/// A file of f32 arrays, by name.
struct Weights {
    arrays: HashMap<String, (Vec<f32>, Vec<usize>)>,
    device: Device,
}

impl Weights {
    fn open(path: &str, device: &Device) -> Outcome<Self> {
        let bytes = std::fs::read(path)?;
        let values = |bytes: &[u8]| bytes.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
        let from_file = SafeTensors::deserialize(&bytes)?;
        let arrays = from_file.iter().map(|(name, of)| (name.into(), (values(of.data()), of.shape().to_vec())));
        Ok(Self { arrays: arrays.collect(), device: device.clone() })
    }

    fn get<const D: usize>(&self, name: &str) -> Outcome<Tensor<D>> {
        let (values, shape) = self.arrays.get(name).ok_or_else(|| format!("no {name}"))?.clone();
        let shape = <[usize; D]>::try_from(shape).map_err(|shape| format!("{name} has the shape {shape:?}"))?;
        Ok(Tensor::from_data(TensorData::new(values, shape), &self.device))
    }
}

struct BatchConv {
    /// Weight, bias, mean and variance.
    norm: [Tensor<1>; 4],
    relu: bool,
    weight: Tensor<4>,
    bias: Tensor<1>,
}

impl BatchConv {
    fn new(weights: &Weights, name: &str, relu: bool) -> Outcome<Self> {
        let of_norm = |what: &str| weights.get(&format!("{name}.0.{what}"));
        let of_conv = format!("{name}.{}", if relu { 2 } else { 1 });
        Ok(Self {
            norm: [of_norm("weight")?, of_norm("bias")?, of_norm("running_mean")?, of_norm("running_var")?],
            relu,
            weight: weights.get(&format!("{of_conv}.weight"))?,
            bias: weights.get(&format!("{of_conv}.bias"))?,
        })
    }

    fn run(&self, x: Tensor<4>) -> Tensor<4> {
        let [weight, bias, mean, variance] = self.norm.clone();
        let x = batch_norm(x, weight, bias, mean, variance, 1e-5);
        let pad = self.weight.dims()[2] / 2;
        let options = ConvOptions::new([1, 1], [pad, pad], [1, 1], 1);
        conv2d(if self.relu { relu(x) } else { x }, self.weight.clone(), Some(self.bias.clone()), options)
    }
}

struct Level {
    proj: BatchConv,
    convs: Vec<BatchConv>,
    /// Weights [inputs, outputs] and biases of the projections of the style.
    fulls: Vec<(Tensor<2>, Tensor<1>)>,
}

impl Level {
    fn new(weights: &Weights, name: &str, styled: bool) -> Outcome<Self> {
        let (mut convs, mut fulls) = (Vec::new(), Vec::new());
        for t in 0..4 {
            let at = format!("{name}.conv.conv_{t}");
            let with_style = styled && t > 0;
            convs.push(BatchConv::new(weights, &if with_style { format!("{at}.conv") } else { at.clone() }, true)?);
            if with_style {
                let weight: Tensor<2> = weights.get(&format!("{at}.full.weight"))?;
                fulls.push((weight.transpose(), weights.get(&format!("{at}.full.bias"))?));
            }
        }
        Ok(Self { proj: BatchConv::new(weights, &format!("{name}.proj"), false)?, convs, fulls })
    }

    fn down(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.proj.run(x.clone()) + self.convs[1].run(self.convs[0].run(x));
        x.clone() + self.convs[3].run(self.convs[2].run(x))
    }

    fn up(&self, x: Tensor<4>, skip: Tensor<4>, style: &Tensor<2>) -> Tensor<4> {
        let styled = |t: usize, x: Tensor<4>| {
            let (weight, bias) = self.fulls[t - 1].clone();
            let style = linear(style.clone(), weight, Some(bias));
            let [n, channels] = style.dims();
            self.convs[t].run(x + style.reshape([n, channels, 1, 1]))
        };
        let x = self.proj.run(x.clone()) + styled(1, self.convs[0].run(x) + skip);
        x.clone() + styled(3, styled(2, x))
    }
}

struct Network {
    downs: Vec<Level>,
    ups: Vec<Level>,
    output: BatchConv,
}

impl Network {
    fn new(weights: &Weights) -> Outcome<Self> {
        let levels = |name: &str, styled| {
            (0..LEVELS).map(|n| Level::new(weights, &format!("{name}_{n}"), styled)).collect::<Outcome<_>>()
        };
        Ok(Self {
            downs: levels("downsample.down.res_down", false)?,
            ups: levels("upsample.up.res_up", true)?,
            output: BatchConv::new(weights, "output", true)?,
        })
    }

    fn run(&self, mut x: Tensor<4>) -> Tensor<4> {
        let mut maps: Vec<Tensor<4>> = Vec::new();
        for level in &self.downs {
            if let Some(above) = maps.last() {
                x = max_pool2d(above.clone(), MaxPoolOptions::new([2, 2]).with_stride([2, 2]));
            }
            maps.push(level.down(x.clone()));
        }
        x = maps[LEVELS - 1].clone();
        let [n, channels, ..] = x.dims();
        let style = x.clone().mean_dim(2).mean_dim(3).reshape([n, channels]);
        let style = style.clone() / style.square().sum_dim(1).sqrt();
        for (level, skip) in self.ups.iter().zip(maps).rev() {
            if skip.dims()[2] > x.dims()[2] {
                x = interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_scale_factor([2.0, 2.0]));
            }
            x = level.up(x, skip, &style);
        }
        self.output.run(x)
    }
}
