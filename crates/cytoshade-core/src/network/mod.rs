//! A network: its description, its plan and its weights.

mod conv;
mod description;
mod weights;

pub use conv::{BatchNorm, Conv, ConvShape, Linear, Prologue};
pub use description::{Description, FlowChannels, OutputChannels, RescaleRule, TileRule};
pub use weights::{ConvId, LinearId, Weights};

use crate::{Convolution, Error, Operation, Plan};

/// A network whose description, plan and weights fit each other.
///
/// The pipelines read the [`Description`], the backends the [`Plan`] and the [`Weights`]. An
/// [architecture](crate::arch) makes all three; a program with an architecture of its own makes them with
/// [`PlanBuilder`](crate::PlanBuilder) and [`Network::new`].
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    description: Description,
    plan: Plan,
    weights: Weights,
}

impl Network {
    /// A network from its parts.
    ///
    /// # Errors
    /// [`Error::NetworkShape`] if the description is out of range or does not fit the plan, [`Error::NoSuchWeights`] and
    /// [`Error::LayerShape`] with the first weights that do not fit their operation.
    pub fn new(description: Description, plan: Plan, weights: Weights) -> Result<Self, Error> {
        description.check()?;
        let network = Self { description, plan, weights };
        network.check_plan()?;
        network.plan.operations().iter().try_for_each(|operation| network.check_weights(operation))?;
        Ok(network)
    }

    /// What the pipelines know of the network.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The operations and the buffers of their tensors.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The weights of the operations.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Diameter in pixels to which cells are resized before they enter the network.
    pub fn diam_mean(&self) -> f32 {
        self.description.rescale.diam_mean
    }

    /// Mean diameter in pixels of the cells of the training images.
    pub fn diam_labels(&self) -> f32 {
        self.description.rescale.diam_labels
    }

    /// Number of parameters as the reference counts them: the weights and the two diameters.
    pub fn parameters(&self) -> usize {
        self.weights.len() + 2
    }

    /// The plan reads, writes and tiles as the description says.
    fn check_plan(&self) -> Result<(), Error> {
        let Self { description, plan, .. } = self;
        let channels = |id| plan[id].channels();
        let tile = description.tile.multiple;
        for (what, found, expected) in [
            ("inputs", description.inputs, channels(plan.input())),
            ("outputs", description.outputs.count, channels(plan.output())),
            ("style channels", description.style.unwrap_or(0), plan.style().map_or(0, channels)),
            ("tile multiple", tile, tile.next_multiple_of(plan.tile_multiple())),
        ] {
            if found != expected {
                return Err(Error::NetworkShape { what, found: found.to_string(), expected: "that of the plan" });
            }
        }
        Ok(())
    }

    /// The weights of an operation have its shape.
    fn check_weights(&self, operation: &Operation) -> Result<(), Error> {
        let channels = |id| self.plan[id].channels();
        match operation {
            Operation::Convolution(convolution) => {
                let Convolution { weights, kernel, source, target, shortcut, .. } = *convolution;
                self.check_conv(weights, [kernel, channels(source), channels(target)])?;
                let Some(shortcut) = shortcut else { return Ok(()) };
                self.check_conv(shortcut.weights, [1, channels(shortcut.source), channels(target)])?;
                let conv = &self.weights[shortcut.weights];
                if conv.relu() {
                    return Err(Error::ShortcutRelu { layer: conv.name().into() });
                }
                Ok(())
            }
            Operation::Linear { source, products } => products.iter().try_for_each(|product| {
                let found = self.weights.linears().get(product.weights.index());
                let linear = found.ok_or(Error::NoSuchWeights { kind: "matrix", index: product.weights.index() })?;
                let expected = [1, channels(*source), channels(product.target)];
                check_shape(linear.name(), [1, linear.inputs(), linear.outputs()], expected)
            }),
            Operation::MaxPool { .. } | Operation::GlobalAverage { .. } => Ok(()),
        }
    }

    /// The convolution is there and has a kernel, inputs and outputs of these sizes.
    fn check_conv(&self, id: ConvId, expected: [usize; 3]) -> Result<(), Error> {
        let found = self.weights.convs().get(id.index());
        let conv = found.ok_or(Error::NoSuchWeights { kind: "convolution", index: id.index() })?;
        check_shape(conv.name(), [conv.kernel(), conv.inputs(), conv.outputs()], expected)
    }
}

/// Kernel, inputs and outputs of a layer.
fn check_shape(layer: &str, found: [usize; 3], expected: [usize; 3]) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::LayerShape { layer: layer.into(), found, expected }) }
}
