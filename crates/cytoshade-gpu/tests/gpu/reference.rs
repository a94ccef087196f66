//! The reference's `resnet_torch.CPnet` and `dynamics.follow_flows` once more, as slow and as plain as can be, in f64.
//! The network finds its layers by their published names and knows nothing of plans.

use cytoshade_core::Network;

/// Values of shape [channels, height, width].
#[derive(Clone)]
struct Tensor {
    channels: usize,
    height: usize,
    width: usize,
    data: Vec<f64>,
}

impl Tensor {
    fn new(channels: usize, height: usize, width: usize, value: impl Fn(usize, usize, usize) -> f64) -> Self {
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

    fn plus(&self, other: &Tensor) -> Self {
        assert_eq!((self.channels, self.height, self.width), (other.channels, other.height, other.width));
        Self { data: self.data.iter().zip(&other.data).map(|(a, b)| a + b).collect(), ..self.clone() }
    }

    fn plus_vector(&self, vector: &[f64]) -> Self {
        Self::new(self.channels, self.height, self.width, |c, y, x| self.at(c, y, x) + vector[c])
    }

    fn max_pool(&self) -> Self {
        Self::new(self.channels, self.height / 2, self.width / 2, |c, y, x| {
            let row = |y: usize| self.at(c, y, 2 * x).max(self.at(c, y, 2 * x + 1));
            row(2 * y).max(row(2 * y + 1))
        })
    }

    fn doubled(&self) -> Self {
        Self::new(self.channels, 2 * self.height, 2 * self.width, |c, y, x| self.at(c, y / 2, x / 2))
    }
}

/// `CPnet.forward` of one tile of shape [channels, height, width]: its output [nout, height, width] and its style.
pub(crate) fn cpnet(network: &Network, tile: &[f32], height: usize, width: usize) -> (Vec<f64>, Vec<f64>) {
    let levels = network.shape().levels();
    let mut x =
        Tensor::new(network.shape().inputs(), height, width, |c, y, x| tile[(c * height + y) * width + x].into());
    let mut downs: Vec<Tensor> = Vec::new();
    for n in 0..levels {
        let at = format!("downsample.down.res_down_{n}");
        let c = |t: usize, x: &Tensor| conv(network, &format!("{at}.conv.conv_{t}.2"), x);
        if n > 0 {
            x = x.max_pool();
        }
        x = conv(network, &format!("{at}.proj.1"), &x).plus(&c(1, &c(0, &x)));
        x = x.plus(&c(3, &c(2, &x)));
        downs.push(x.clone());
    }
    let plane = x.height * x.width;
    let mut style: Vec<f64> =
        x.data.chunks(plane).map(|plane| plane.iter().sum::<f64>() / plane.len() as f64).collect();
    let norm = style.iter().map(|v| v * v).sum::<f64>().sqrt();
    style.iter_mut().for_each(|v| *v /= norm);
    for n in (0..levels).rev() {
        let at = format!("upsample.up.res_up_{n}");
        if n + 1 < levels {
            x = x.doubled();
        }
        let full = |t: usize| linear(network, &format!("{at}.conv.conv_{t}.full"), &style);
        let c = |t: usize, x: &Tensor| conv(network, &format!("{at}.conv.conv_{t}.conv.2"), &x.plus_vector(&full(t)));
        let first = conv(network, &format!("{at}.conv.conv_0.2"), &x);
        x = conv(network, &format!("{at}.proj.1"), &x).plus(&c(1, &first.plus(&downs[n])));
        x = x.plus(&c(3, &c(2, &x)));
    }
    (conv(network, "output.2", &x).data, style)
}

fn conv(network: &Network, name: &str, x: &Tensor) -> Tensor {
    let layer = network.convs().iter().find(|layer| layer.name() == name).unwrap_or_else(|| panic!("no {name}"));
    let input = Tensor::new(x.channels, x.height, x.width, |c, i, j| {
        let value = x.at(c, i, j) * f64::from(layer.scale()[c]) + f64::from(layer.shift()[c]);
        if layer.relu() { value.max(0.0) } else { value }
    });
    let (kernel, pad) = (layer.kernel(), layer.kernel() / 2);
    let mut out = Tensor::new(layer.outputs(), x.height, x.width, |o, _, _| layer.bias()[o].into());
    for o in 0..layer.outputs() {
        for c in 0..x.channels {
            for ky in 0..kernel {
                for kx in 0..kernel {
                    let weight = f64::from(layer.weight()[((o * x.channels + c) * kernel + ky) * kernel + kx]);
                    for y in pad.saturating_sub(ky)..(x.height + pad - ky).min(x.height) {
                        for j in pad.saturating_sub(kx)..(x.width + pad - kx).min(x.width) {
                            out.data[(o * x.height + y) * x.width + j] +=
                                weight * input.at(c, y + ky - pad, j + kx - pad);
                        }
                    }
                }
            }
        }
    }
    out
}

fn linear(network: &Network, name: &str, style: &[f64]) -> Vec<f64> {
    let layer = network.linears().iter().find(|layer| layer.name() == name).unwrap_or_else(|| panic!("no {name}"));
    let rows = layer.weight().chunks(layer.inputs()).zip(layer.bias());
    rows.map(|(row, &bias)| row.iter().zip(style).map(|(&w, s)| f64::from(w) * s).sum::<f64>() + f64::from(bias))
        .collect()
}

/// `follow_flows` of flows of shape [2, height, width] on the CPU: `steps_interp` with `map_coordinates`, which computes
/// in f64 and stores f32, or `steps2D`.
pub(crate) fn follow_flows(
    flows: &[f32],
    cellprob: &[f32],
    (height, width): (usize, usize),
    threshold: f32,
    niter: u32,
    interp: bool,
) -> Vec<(f32, f32)> {
    let flow = |axis: usize, y: usize, x: usize| {
        let at = y * width + x;
        if cellprob[at] > threshold { flows[axis * height * width + at] / 5.0 } else { 0.0 }
    };
    let last = [(height - 1) as f32, (width - 1) as f32];
    let mut ends = Vec::new();
    for start in (0..height * width).filter(|&at| cellprob[at] > threshold) {
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
        ends.push((p[0], p[1]));
    }
    ends
}
