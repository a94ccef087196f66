//! Independent, plain versions of the reference's `resnet_torch.CPnet` and `dynamics.follow_flows`.
//!
//! The network computes in f64, on raw weights under their published names, without folded norms or plans. It shares
//! only `cytoshade_core`'s containers with the crates under test.

use std::collections::BTreeMap;

use cytoshade_core::{EndPoints, Planes};

use crate::agree::ExpectedBatch;

/// Values under their names in the state dict.
pub type StateDict = BTreeMap<String, Vec<f32>>;

/// An activation, shape [channels, height, width].
#[derive(Clone)]
struct Tensor {
    channels: usize,
    height: usize,
    width: usize,
    data: Vec<f64>,
}

impl Tensor {
    fn filled(channels: usize, height: usize, width: usize, value: impl Fn(usize, usize, usize) -> f64) -> Self {
        let mut data = Vec::with_capacity(channels * height * width);
        for c in 0..channels {
            for y in 0..height {
                for x in 0..width {
                    data.push(value(c, y, x));
                }
            }
        }
        Self { channels, height, width, data }
    }

    fn at(&self, c: usize, y: usize, x: usize) -> f64 {
        self.data[(c * self.height + y) * self.width + x]
    }

    fn map(&self, value: impl Fn(usize, f64) -> f64) -> Self {
        Self::filled(self.channels, self.height, self.width, |c, y, x| value(c, self.at(c, y, x)))
    }

    fn add(&self, other: &Tensor) -> Self {
        assert_eq!((self.channels, self.height, self.width), (other.channels, other.height, other.width));
        Self { data: self.data.iter().zip(&other.data).map(|(a, b)| a + b).collect(), ..self.clone() }
    }
}

/// `CPnet`: the reference's class of the same name.
#[derive(Clone, Debug)]
pub struct CPnet {
    /// Input channels and then the channels of each level.
    pub nbase: Vec<usize>,
    /// Channels of the output.
    pub nout: usize,
    /// The weights as published.
    pub weights: StateDict,
}

impl CPnet {
    /// A batch of tiles, shape [n, C, height, width].
    pub fn batch(&self, tiles: &[f32], height: usize, width: usize) -> ExpectedBatch {
        let mut batch = ExpectedBatch { outputs: Vec::new(), styles: Vec::new() };
        for tile in tiles.chunks_exact(self.nbase[0] * height * width) {
            let (output, style) = self.forward(tile, height, width);
            batch.outputs.extend(output);
            batch.styles.extend(style);
        }
        batch
    }

    /// One tile, shape [C, height, width]: its output, shape [nout, height, width], and its style.
    fn forward(&self, tile: &[f32], height: usize, width: usize) -> (Vec<f64>, Vec<f64>) {
        let levels = self.nbase.len() - 1;
        let data =
            Tensor::filled(self.nbase[0], height, width, |c, y, x| f64::from(tile[(c * height + y) * width + x]));

        // downsample.forward
        let mut xd: Vec<Tensor> = Vec::new();
        for n in 0..levels {
            let y = if n > 0 { maxpool(&xd[n - 1]) } else { data.clone() };
            xd.push(self.resdown(n, &y));
        }
        let style = make_style(&xd[levels - 1]);

        // upsample.forward
        let mut x = self.resup(levels - 1, &xd[levels - 1], &xd[levels - 1], &style);
        for n in (0..levels - 1).rev() {
            x = Tensor::filled(x.channels, 2 * x.height, 2 * x.width, |c, y, xx| x.at(c, y / 2, xx / 2));
            x = self.resup(n, &x, &xd[n], &style);
        }
        (self.batchconv("output", self.nout, 1, &x).data, style)
    }

    fn resdown(&self, n: usize, x: &Tensor) -> Tensor {
        let at = format!("downsample.down.res_down_{n}");
        let outputs = self.nbase[n + 1];
        let conv = |t: usize, x: &Tensor| self.batchconv(&format!("{at}.conv.conv_{t}"), outputs, 3, x);
        let x = self.batchconv0(&format!("{at}.proj"), outputs, x).add(&conv(1, &conv(0, x)));
        x.add(&conv(3, &conv(2, &x)))
    }

    fn resup(&self, n: usize, x: &Tensor, y: &Tensor, style: &[f64]) -> Tensor {
        let at = format!("upsample.up.res_up_{n}");
        let outputs = self.nbase[n + 1];
        let conv = |t: usize, x: &Tensor| {
            let at = format!("{at}.conv.conv_{t}");
            let full = self.linear(&format!("{at}.full"), outputs, style);
            self.batchconv(&format!("{at}.conv"), outputs, 3, &x.map(|c, value| value + full[c]))
        };
        let first = self.batchconv(&format!("{at}.conv.conv_0"), outputs, 3, x);
        let x = self.batchconv0(&format!("{at}.proj"), outputs, x).add(&conv(1, &first.add(y)));
        x.add(&conv(3, &conv(2, &x)))
    }

    /// BatchNorm, ReLU, convolution.
    fn batchconv(&self, at: &str, outputs: usize, kernel: usize, x: &Tensor) -> Tensor {
        let x = self.batch_norm(&format!("{at}.0"), x).map(|_, value| value.max(0.0));
        self.conv(&format!("{at}.2"), outputs, kernel, &x)
    }

    /// BatchNorm, convolution of 1 x 1.
    fn batchconv0(&self, at: &str, outputs: usize, x: &Tensor) -> Tensor {
        self.conv(&format!("{at}.1"), outputs, 1, &self.batch_norm(&format!("{at}.0"), x))
    }

    fn batch_norm(&self, at: &str, x: &Tensor) -> Tensor {
        let [weight, bias, mean, var] =
            ["weight", "bias", "running_mean", "running_var"].map(|name| &self.weights[&format!("{at}.{name}")]);
        x.map(|c, value| {
            let normal = (value - f64::from(mean[c])) / (f64::from(var[c]) + 1e-5).sqrt();
            normal * f64::from(weight[c]) + f64::from(bias[c])
        })
    }

    fn conv(&self, at: &str, outputs: usize, kernel: usize, x: &Tensor) -> Tensor {
        let (weight, bias) = (&self.weights[&format!("{at}.weight")], &self.weights[&format!("{at}.bias")]);
        let mut out = Tensor::filled(outputs, x.height, x.width, |o, _, _| f64::from(bias[o]));
        let pad = kernel / 2;
        for o in 0..outputs {
            for c in 0..x.channels {
                for ky in 0..kernel {
                    for kx in 0..kernel {
                        let w = f64::from(weight[((o * x.channels + c) * kernel + ky) * kernel + kx]);
                        for y in pad.saturating_sub(ky)..(x.height + pad - ky).min(x.height) {
                            let columns = pad.saturating_sub(kx)..(x.width + pad - kx).min(x.width);
                            let into = (o * x.height + y) * x.width;
                            let from = (c * x.height + y + ky - pad) * x.width;
                            for column in columns {
                                out.data[into + column] += w * x.data[from + column + kx - pad];
                            }
                        }
                    }
                }
            }
        }
        out
    }

    fn linear(&self, at: &str, outputs: usize, style: &[f64]) -> Vec<f64> {
        let (weight, bias) = (&self.weights[&format!("{at}.weight")], &self.weights[&format!("{at}.bias")]);
        let row = |o: usize| weight[o * style.len()..][..style.len()].iter().zip(style);
        (0..outputs).map(|o| f64::from(bias[o]) + row(o).map(|(&w, s)| f64::from(w) * s).sum::<f64>()).collect()
    }
}

fn maxpool(x: &Tensor) -> Tensor {
    Tensor::filled(x.channels, x.height / 2, x.width / 2, |c, y, column| {
        let at = |dy, dx| x.at(c, 2 * y + dy, 2 * column + dx);
        at(0, 0).max(at(0, 1)).max(at(1, 0)).max(at(1, 1))
    })
}

fn make_style(x: &Tensor) -> Vec<f64> {
    let pixels = x.height * x.width;
    let style: Vec<f64> = x.data.chunks(pixels).map(|plane| plane.iter().sum::<f64>() / pixels as f64).collect();
    let norm = style.iter().map(|mean| mean * mean).sum::<f64>().powf(0.5);
    style.iter().map(|mean| mean / norm).collect()
}

/// The followed pixels: those with a cellprob above the threshold, ascending.
pub fn active(cellprob: &[f32], threshold: f32) -> Vec<u32> {
    (0..cellprob.len() as u32).filter(|&at| cellprob[at as usize] > threshold).collect()
}

/// `follow_flows` for flows of shape [2, height, width] on the CPU.
///
/// Follows `steps_interp` with `map_coordinates`, which computes in f64 and stores f32, or `steps2D`.
pub fn follow_flows(flows: &Planes, cellprob: &[f32], threshold: f32, niter: u32, interp: bool) -> EndPoints {
    let (height, width) = (flows.height(), flows.width());
    let flow = |axis: usize, y: usize, x: usize| {
        let at = y * width + x;
        if cellprob[at] > threshold { flows.plane(axis)[at] / 5.0 } else { 0.0 }
    };
    let last = [(height - 1) as f32, (width - 1) as f32];
    let mut ends = EndPoints { pixels: active(cellprob, threshold), ..EndPoints::default() };
    for &start in &ends.pixels {
        let start = start as usize;
        let mut p = [(start / width) as f32, (start % width) as f32];
        for _ in 0..niter {
            let (y, x) = (p[0] as usize, p[1] as usize);
            let (y1, x1) = ((y + 1).min(height - 1), (x + 1).min(width - 1));
            let (fy, fx) = (f64::from(p[0]) - y as f64, f64::from(p[1]) - x as f64);
            let step: [f32; 2] = std::array::from_fn(|axis| {
                let value = |y, x| f64::from(flow(axis, y, x));
                if interp {
                    (value(y, x) * (1.0 - fy) * (1.0 - fx)
                        + value(y, x1) * (1.0 - fy) * fx
                        + value(y1, x) * fy * (1.0 - fx)
                        + value(y1, x1) * fy * fx) as f32
                } else {
                    flow(axis, y, x)
                }
            });
            for axis in 0..2 {
                p[axis] = (p[axis] + step[axis]).max(0.0).min(last[axis]);
            }
        }
        ends.y.push(p[0]);
        ends.x.push(p[1]);
    }
    ends
}
