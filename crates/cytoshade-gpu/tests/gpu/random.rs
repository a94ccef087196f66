//! Repeatable random numbers, and networks made of them.

use cytoshade_core::{BatchNorm, Conv, Linear, Network, Shape};

/// A stream of numbers that is the same everywhere (Knuth's linear congruence, of which the high bits are good).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number from `low` to `high`.
    pub(crate) fn number(&mut self, low: f32, high: f32) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * ((self.0 >> 40) as f32 / (1 << 24) as f32)
    }

    pub(crate) fn vector(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        (0..count).map(|_| self.number(low, high)).collect()
    }

    /// A network whose activations neither vanish nor grow.
    pub(crate) fn network(&mut self, nbase: &[usize], nout: usize) -> Network {
        let shape = Shape::new(nbase.to_vec(), nout).unwrap();
        let mut convs = Vec::new();
        for layer in shape.convs() {
            let norm = BatchNorm {
                weight: self.vector(layer.inputs, 0.5, 1.5),
                bias: self.vector(layer.inputs, -0.5, 0.5),
                mean: self.vector(layer.inputs, -0.5, 0.5),
                var: self.vector(layer.inputs, 0.5, 2.0),
            };
            let fan_in = layer.inputs * layer.kernel * layer.kernel;
            let bound = (3.0 / fan_in as f32).sqrt();
            let weight = self.vector(layer.outputs * fan_in, -bound, bound);
            convs.push(Conv::new(&layer, &norm, weight, self.vector(layer.outputs, -0.5, 0.5)).unwrap());
        }
        let mut linears = Vec::new();
        for layer in shape.linears() {
            let weight = self.vector(layer.outputs * layer.inputs, -1.0, 1.0);
            linears.push(Linear::new(&layer, weight, self.vector(layer.outputs, -0.5, 0.5)).unwrap());
        }
        Network::new(shape, convs, linears, 30.0, 30.0).unwrap()
    }
}
