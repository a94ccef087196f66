//! The U-Net as tensors, named as in the published state dicts.

use cytoshade_core::arch::unet::{self, ConvLayer, LinearLayer, UNet};
use cytoshade_core::{BatchNorm, Network};
use cytoshade_safe_io::printable;

use crate::arch::Recognizer;
use crate::tensor::{Tensor, Tensors};
use crate::{Error, Problem};

/// The reference's diameter if a state dict has none (files from before Cellpose 2).
pub(super) const DEFAULT_DIAMETER: f32 = 30.0;

/// A variance for which the scale, with epsilon added, is exactly 1 in f32.
///
/// It is within 2^-25 of the exact value, so the scale's factor is within 2^-26 of 1: less than half an ulp of f32, and
/// a weight times it rounds back to itself.
pub(super) const UNIT_VARIANCE: f32 = 1.0 - 1e-5;

/// Prefixes of the network's tensor names. A surplus tensor among these means another network.
const PARTS: [&str; 6] = ["downsample.", "upsample.", "make_style.", "output.", "diam_mean", "diam_labels"];

/// Parts of names that only U-Nets have.
const LEVELS: [&str; 2] = ["downsample.down.res_down_", "upsample.up.res_up_"];

/// Reads and writes the tensors of a U-Net.
pub(crate) struct UNetTensors;

impl Recognizer for UNetTensors {
    fn architecture(&self) -> &'static str {
        unet::ARCHITECTURE
    }

    fn landmark(&self) -> &'static str {
        "downsample.down.res_down_0.conv.conv_0.2.weight"
    }

    fn owns(&self, name: &str) -> bool {
        PARTS.iter().any(|part| name.starts_with(part))
    }

    fn suggests(&self, name: &str) -> bool {
        LEVELS.iter().any(|level| name.contains(level))
    }

    /// Takes the channel counts from the convolutions' weights, then looks up every tensor that they imply.
    fn network(&self, tensors: Tensors) -> Result<Network, Error> {
        let unet = layout(&tensors)?;
        let mut dict = StateDict { tensors, problems: Vec::new() };
        let convs: Vec<_> = unet.convs().into_iter().map(|layer| (dict.conv(&layer), layer)).collect();
        let linears: Vec<_> = unet.linears().into_iter().map(|layer| (dict.linear(&layer), layer)).collect();
        let diam_mean = dict.diameter("diam_mean").unwrap_or(DEFAULT_DIAMETER);
        let diam_labels = dict.diameter("diam_labels").unwrap_or(diam_mean);
        dict.finish()?;
        let convs = convs
            .into_iter()
            .map(|((norm, weight, bias), layer)| layer.conv(&norm, weight, bias))
            .collect::<Result<_, _>>()?;
        let linears =
            linears.into_iter().map(|((weight, bias), layer)| layer.linear(weight, bias)).collect::<Result<_, _>>()?;
        Ok(unet.network(convs, linears, diam_mean, diam_labels)?)
    }

    /// A folded BatchNorm is written as its weight and bias.
    fn tensors(&self, network: &Network) -> Option<Tensors> {
        let unet = UNet::from_network(network)?;
        let mut tensors = Tensors::new();
        let mut insert = |name: String, shape: &[usize], values: &[f32]| {
            tensors.insert(name, Tensor { shape: shape.to_vec(), values: values.to_vec() });
        };
        let weights = network.weights();
        for (conv, layer) in weights.convs().iter().zip(unet.convs()) {
            let ConvLayer { batch_norm, name, inputs, outputs, kernel, .. } = layer;
            insert(format!("{batch_norm}.weight"), &[inputs], conv.scale());
            insert(format!("{batch_norm}.bias"), &[inputs], conv.shift());
            insert(format!("{batch_norm}.running_mean"), &[inputs], &vec![0.0; inputs]);
            insert(format!("{batch_norm}.running_var"), &[inputs], &vec![UNIT_VARIANCE; inputs]);
            insert(format!("{name}.weight"), &[outputs, inputs, kernel, kernel], conv.weight());
            insert(format!("{name}.bias"), &[outputs], conv.bias());
        }
        for (linear, LinearLayer { name, inputs, outputs }) in weights.linears().iter().zip(unet.linears()) {
            insert(format!("{name}.weight"), &[outputs, inputs], linear.weight());
            insert(format!("{name}.bias"), &[outputs], linear.bias());
        }
        self.complete(&mut tensors, network);
        Some(tensors)
    }

    /// Adds the diameters if they are missing.
    fn complete(&self, tensors: &mut Tensors, network: &Network) {
        for (name, diameter) in [("diam_mean", network.diam_mean()), ("diam_labels", network.diam_labels())] {
            tensors.entry(name.into()).or_insert_with(|| Tensor { shape: vec![1], values: vec![diameter] });
        }
    }
}

/// The layout, with `nbase` and the output channels from the weights' shapes.
fn layout(tensors: &Tensors) -> Result<UNet, Error> {
    let mut missing = Vec::new();
    let mut dimension = |name: String, axis: usize| {
        let found = tensors.get(&name).and_then(|tensor| tensor.shape.get(axis)).copied();
        if found.is_none() {
            missing.push(Problem::Missing { name });
        }
        found.unwrap_or(0)
    };
    let first = |n: usize| format!("downsample.down.res_down_{n}.conv.conv_0.2.weight");
    let has_level = |n: usize| {
        let level = format!("downsample.down.res_down_{n}.");
        tensors.range(level.clone()..).next().is_some_and(|(name, _)| name.starts_with(&level))
    };
    let mut nbase = vec![dimension(first(0), 1)];
    let mut n = 0;
    while n == 0 || has_level(n) {
        nbase.push(dimension(first(n), 0));
        n += 1;
    }
    let nout = dimension("output.2.weight".into(), 0);
    missing.dedup();
    if missing.is_empty() { Ok(UNet::new(nbase, nout)?) } else { Err(Error::StateDict { problems: missing }) }
}

/// Tensors to take out one by one, and the problems found.
struct StateDict {
    tensors: Tensors,
    problems: Vec<Problem>,
}

impl StateDict {
    fn take(&mut self, name: String, expected: &[usize]) -> Vec<f32> {
        match self.tensors.remove(&name) {
            None => self.problems.push(Problem::Missing { name }),
            Some(tensor) if tensor.shape == expected => return tensor.values,
            Some(tensor) => {
                let expected = expected.to_vec();
                self.problems.push(Problem::Shape { name, found: tensor.shape, expected });
            }
        }
        Vec::new()
    }

    fn conv(&mut self, layer: &ConvLayer) -> (BatchNorm, Vec<f32>, Vec<f32>) {
        let ConvLayer { batch_norm, name, inputs, outputs, kernel, .. } = layer;
        let norm = BatchNorm {
            weight: self.take(format!("{batch_norm}.weight"), &[*inputs]),
            bias: self.take(format!("{batch_norm}.bias"), &[*inputs]),
            mean: self.take(format!("{batch_norm}.running_mean"), &[*inputs]),
            var: self.take(format!("{batch_norm}.running_var"), &[*inputs]),
        };
        let weight = self.take(format!("{name}.weight"), &[*outputs, *inputs, *kernel, *kernel]);
        let bias = self.take(format!("{name}.bias"), &[*outputs]);
        (norm, weight, bias)
    }

    fn linear(&mut self, layer: &LinearLayer) -> (Vec<f32>, Vec<f32>) {
        let weight = self.take(format!("{}.weight", layer.name), &[layer.outputs, layer.inputs]);
        let bias = self.take(format!("{}.bias", layer.name), &[layer.outputs]);
        (weight, bias)
    }

    /// A diameter, or `None` if the file has none.
    fn diameter(&mut self, name: &str) -> Option<f32> {
        self.tensors.contains_key(name).then(|| self.take(name.into(), &[1]))?.first().copied()
    }

    fn finish(mut self) -> Result<(), Error> {
        self.problems.extend(self.tensors.keys().map(|name| Problem::Surplus { name: printable(name) }));
        if self.problems.is_empty() { Ok(()) } else { Err(Error::StateDict { problems: self.problems }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_folded_batch_norm_is_folded_to_itself(
            scale in proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL | proptest::num::f32::ZERO,
            shift in proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL | proptest::num::f32::ZERO,
        ) {
            let layer = UNet::new(vec![1, 1], 1)?.convs().swap_remove(0);
            let norm = BatchNorm { weight: vec![scale], bias: vec![shift], mean: vec![0.0], var: vec![UNIT_VARIANCE] };
            let conv = layer.conv(&norm, vec![0.0], vec![0.0])?;
            prop_assert_eq!((conv.scale(), conv.shift()), (&[scale][..], &[shift][..]));
        }
    }
}
