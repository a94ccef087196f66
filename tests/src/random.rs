//! Repeatable random numbers, and networks made of them.

use cytoshade_core::arch::unet::{ConvLayer, UNet};
use cytoshade_core::{BatchNorm, Network};

use crate::reference::{CPnet, StateDict};

/// A stream of numbers that is the same on every platform (Knuth's linear congruential generator).
///
/// Its high bits are good.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number from `low` to `high`.
    pub fn number(&mut self, low: f32, high: f32) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * ((self.0 >> 40) as f32 / (1 << 24) as f32)
    }

    /// `count` numbers from `low` to `high`.
    pub fn vector(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        (0..count).map(|_| self.number(low, high)).collect()
    }

    /// Raw weights of a network, under their published names, that keep the scale of activations.
    pub fn cpnet(&mut self, nbase: &[usize], nout: usize) -> CPnet {
        let unet = UNet::new(nbase.to_vec(), nout).unwrap();
        let mut weights = StateDict::new();
        for conv in unet.convs() {
            let ConvLayer { batch_norm, name, inputs, outputs, kernel, .. } = conv;
            let fan_in = inputs * kernel * kernel;
            let bound = (3.0 / fan_in as f32).sqrt();
            weights.insert(format!("{batch_norm}.weight"), self.vector(inputs, 0.5, 1.5));
            weights.insert(format!("{batch_norm}.bias"), self.vector(inputs, -0.5, 0.5));
            weights.insert(format!("{batch_norm}.running_mean"), self.vector(inputs, -0.5, 0.5));
            weights.insert(format!("{batch_norm}.running_var"), self.vector(inputs, 0.5, 2.0));
            weights.insert(format!("{name}.weight"), self.vector(outputs * fan_in, -bound, bound));
            weights.insert(format!("{name}.bias"), self.vector(outputs, -0.5, 0.5));
        }
        for linear in unet.linears() {
            let count = linear.inputs * linear.outputs;
            weights.insert(format!("{}.weight", linear.name), self.vector(count, -1.0, 1.0));
            weights.insert(format!("{}.bias", linear.name), self.vector(linear.outputs, -0.5, 0.5));
        }
        CPnet { nbase: nbase.to_vec(), nout, weights }
    }

    /// [`Random::cpnet`] whose convolutions on the way down return 0, so that the style has length 0.
    pub fn cpnet_without_style(&mut self, nbase: &[usize], nout: usize) -> CPnet {
        let mut net = self.cpnet(nbase, nout);
        for (name, values) in &mut net.weights {
            if name.starts_with("downsample") && !name.contains("running") {
                values.fill(0.0);
            }
        }
        net
    }
}

impl CPnet {
    /// Gives all weights of a layer one magnitude, and keeps their signs.
    ///
    /// Takes the layer's name without `.weight`.
    pub fn set_magnitude(&mut self, layer: &str, magnitude: f32) {
        let weights = self.weights.get_mut(&format!("{layer}.weight")).unwrap_or_else(|| panic!("no layer {layer}"));
        weights.iter_mut().for_each(|weight| *weight = magnitude * weight.signum());
    }

    /// The same network for the crates under test.
    pub fn network(&self) -> Network {
        let unet = UNet::new(self.nbase.clone(), self.nout).unwrap();
        let get = |name: &str, what: &str| self.weights[&format!("{name}.{what}")].clone();
        let conv = |conv: &ConvLayer| {
            let norm = BatchNorm {
                weight: get(&conv.batch_norm, "weight"),
                bias: get(&conv.batch_norm, "bias"),
                mean: get(&conv.batch_norm, "running_mean"),
                var: get(&conv.batch_norm, "running_var"),
            };
            conv.conv(&norm, get(&conv.name, "weight"), get(&conv.name, "bias")).unwrap()
        };
        let convs = unet.convs().iter().map(conv).collect();
        let linears = unet.linears();
        let linears = linears.iter().map(|l| l.linear(get(&l.name, "weight"), get(&l.name, "bias")).unwrap());
        unet.network(convs, linears.collect(), 30.0, 30.0).unwrap()
    }
}
