//! Reads the weights of a network found in a graph.

use cytoshade_core::arch::unet::{ConvLayer, LinearLayer, UNet};
use cytoshade_core::{BatchNorm, Conv, Linear, Network};

use cytoshade_safe_io::{Meter, printable};

use super::layers::{FoundConv, FoundLinear};
use super::walk::Found;
use crate::arch::unet::tensors::{DEFAULT_DIAMETER, UNIT_VARIANCE};
use crate::external::ExternalData;
use crate::onnx::{Graph, Model, Node, Value};
use crate::{Error, ReadLimits};

pub(super) struct Binder<'a, 'm> {
    pub(super) graph: &'a Graph<'m>,
    pub(super) model: &'a Model<'a>,
    pub(super) parts: &'a ExternalData,
    pub(super) limits: &'a ReadLimits,
    pub(super) meter: &'a mut Meter,
}

impl<'m> Binder<'_, 'm> {
    /// Builds the network, with the layout given by the shapes of its weights.
    pub(super) fn network(mut self, found: &Found<'m>) -> Result<Network, Error> {
        let unet = self.layout(found)?;
        let in_order = found.down.iter().flatten();
        let in_order = in_order.chain(found.up.iter().flat_map(|up| &up.convs)).chain([&found.output]);
        let convs =
            in_order.zip(unet.convs()).map(|(conv, layer)| self.conv(conv, &layer)).collect::<Result<_, _>>()?;
        let in_order = found.up.iter().flat_map(|up| &up.linears);
        let linears = in_order
            .zip(unet.linears())
            .map(|(linear, layer)| self.linear(linear, &layer))
            .collect::<Result<_, _>>()?;
        let diam_mean = self.diameter("diam_mean")?.unwrap_or(DEFAULT_DIAMETER);
        let diam_labels = self.diameter("diam_labels")?.unwrap_or(diam_mean);
        Ok(unet.network(convs, linears, diam_mean, diam_labels)?)
    }

    fn layout(&self, found: &Found<'m>) -> Result<UNet, Error> {
        let channels = |conv: &FoundConv<'m>, axis: usize| -> Result<usize, Error> {
            let dims = self.graph.constant(conv.conv.input(1)).and_then(|(weight, _)| weight.shape());
            let size = dims.and_then(|dims| dims.get(axis).copied());
            size.ok_or_else(|| conv.conv.mismatch("a convolution without sizes", "constant weights").into())
        };
        let mut nbase = Vec::new();
        for [_, first, ..] in &found.down {
            if nbase.is_empty() {
                nbase.push(channels(first, 1)?);
            }
            nbase.push(channels(first, 0)?);
        }
        Ok(UNet::new(nbase, channels(&found.output, 0)?)?)
    }

    fn conv(&mut self, found: &FoundConv<'m>, layer: &ConvLayer) -> Result<Conv, Error> {
        let &ConvLayer { inputs, outputs, kernel, .. } = layer;
        let node = found.conv;
        let weight = self.values(node, node.input(1), &[outputs, inputs, kernel, kernel])?;
        let bias = self.bias(node, node.input(2).given(), outputs)?;
        let norm = match found.norm {
            Some(norm) => BatchNorm {
                weight: self.values(norm, norm.input(1), &[inputs])?,
                bias: self.values(norm, norm.input(2), &[inputs])?,
                mean: self.values(norm, norm.input(3), &[inputs])?,
                var: self.values(norm, norm.input(4), &[inputs])?,
            },
            None => BatchNorm {
                weight: vec![1.0; inputs],
                bias: vec![0.0; inputs],
                mean: vec![0.0; inputs],
                var: vec![UNIT_VARIANCE; inputs],
            },
        };
        Ok(layer.conv(&norm, weight, bias)?)
    }

    fn linear(&mut self, found: &FoundLinear<'m>, layer: &LinearLayer) -> Result<Linear, Error> {
        let &LinearLayer { inputs, outputs, .. } = layer;
        let transposed = self.graph.constant(found.weight).is_some_and(|(_, transposed)| transposed);
        let weight = if found.turned != transposed {
            let columns = self.values(found.node, found.weight, &[inputs, outputs])?;
            (0..outputs).flat_map(|row| columns.iter().skip(row).step_by(outputs)).copied().collect()
        } else {
            self.values(found.node, found.weight, &[outputs, inputs])?
        };
        let bias = self.bias(found.node, found.bias, outputs)?;
        Ok(layer.linear(weight, bias)?)
    }

    fn bias(&mut self, node: &'m Node<'m>, bias: Option<Value>, outputs: usize) -> Result<Vec<f32>, Error> {
        bias.map_or_else(|| Ok(vec![0.0; outputs]), |bias| self.values(node, bias, &[outputs]))
    }

    /// A stored constant of the expected shape.
    fn values(&mut self, node: &'m Node<'m>, value: Value, expected: &[usize]) -> Result<Vec<f32>, Error> {
        let Some((tensor, _)) = self.graph.constant(value) else {
            let found = format!("{} of the value {}", node.op_type(), printable(self.graph.name(value)));
            return Err(node.mismatch(&found, "constant weights").into());
        };
        self.limits.values.check_dimensions(tensor.dims.len())?;
        match tensor.shape() {
            Some(found) if found == expected => tensor.values(self.parts, self.limits, self.meter),
            _ => {
                let found = format!("{} with weights of shape {:?}", node.op_type(), tensor.dims);
                Err(node.mismatch(&found, format!("shape {expected:?}")).into())
            }
        }
    }

    /// A diameter from the metadata, or from an initializer that the graph does not use.
    fn diameter(&mut self, name: &str) -> Result<Option<f32>, Error> {
        if let Some(entry) = self.model.metadata.iter().find(|entry| entry.key == name) {
            // The standard library's parser adds 12 kB of tables to the browser build.
            let diameter = serde_json::from_str(entry.value);
            return diameter.map(Some).map_err(|_| Error::damaged(format!("the metadata {name} is not a number")));
        }
        let initializers = self.model.graph.iter().flat_map(|graph| &graph.initializers);
        let kept = |tensor: &str| tensor.strip_suffix(name).is_some_and(|path| path.is_empty() || path.ends_with('.'));
        let mut kept = initializers.filter(|tensor| kept(tensor.name) && tensor.dims == [1]);
        kept.next().map_or(Ok(None), |tensor| Ok(tensor.values(self.parts, self.limits, self.meter)?.first().copied()))
    }
}
