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
    /// Boxed, so that a network is cheap to move.
    plan: Box<Plan>,
    weights: Weights,
}

impl Network {
    /// A network from its parts.
    ///
    /// # Errors
    /// [`Error::NetworkShape`] if the description is out of range or does not fit the plan; [`Error::NoSuchWeights`],
    /// [`Error::LayerShape`] and [`Error::ShortcutRelu`] with the first weights that do not fit their operation.
    pub fn new(description: Description, plan: Plan, weights: Weights) -> Result<Self, Error> {
        description.check()?;
        let network = Self { description, plan: Box::new(plan), weights };
        network.check_plan()?;
        network.plan.operations().iter().try_for_each(|operation| network.check_weights(operation))?;
        Ok(network)
    }

    /// The properties that the pipelines use.
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

    /// Checks that the plan has the inputs, outputs, style and tile multiple of the description.
    fn check_plan(&self) -> Result<(), Error> {
        let Self { description, plan, .. } = self;
        let refuse = |what, found, expected| Err(Error::NetworkShape { what, found, expected });
        let channels = |id| plan[id].channels();
        let Description { inputs, outputs, tile, style, .. } = description;
        for (what, found, planned) in [
            ("number of inputs", *inputs, channels(plan.input())),
            ("number of outputs", outputs.count, channels(plan.output())),
        ] {
            if found != planned {
                return refuse(what, found.to_string(), "that of the plan");
            }
        }
        if *style != plan.style().map(channels) {
            let found = style.map_or("absent".into(), |channels| format!("of {channels} channels"));
            return refuse("style", found, "that of the plan");
        }
        if !tile.multiple.is_multiple_of(plan.tile_multiple()) {
            return refuse("tile multiple", tile.multiple.to_string(), "a multiple of the scales of the plan's maps");
        }
        Ok(())
    }

    /// Checks that the weights of an operation exist and have its shape.
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

    /// Checks that a convolution exists and has this kernel and these numbers of inputs and outputs.
    fn check_conv(&self, id: ConvId, expected: [usize; 3]) -> Result<(), Error> {
        let found = self.weights.convs().get(id.index());
        let conv = found.ok_or(Error::NoSuchWeights { kind: "convolution", index: id.index() })?;
        check_shape(conv.name(), [conv.kernel(), conv.inputs(), conv.outputs()], expected)
    }
}

/// Compares the kernel, inputs and outputs of a layer with those of its operation.
fn check_shape(layer: &str, found: [usize; 3], expected: [usize; 3]) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::LayerShape { layer: layer.into(), found, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PlanBuilder, Shortcut, TensorShape};

    /// A network of two levels: a 3x3 convolution at half size, and an upsampling one with a shortcut.
    fn parts() -> (Description, Plan, Vec<Conv>) {
        let (mut plan, input) = PlanBuilder::new(1);
        let small = plan.tensor(TensorShape::Map { channels: 1, scale: 2 });
        plan.push(Operation::MaxPool { source: input, target: small });
        let hidden = TensorShape::Map { channels: 4, scale: 2 };
        let hidden = plan.convolution(hidden, |target| Convolution::new(ConvId::new(0), 3, small, target));
        let shortcut = Some(Shortcut { weights: ConvId::new(2), source: input, upsample: false });
        let output = plan.convolution(TensorShape::Map { channels: 3, scale: 1 }, |target| Convolution {
            shortcut,
            upsample: true,
            ..Convolution::new(ConvId::new(1), 3, hidden, target)
        });
        let description = Description {
            architecture: "two levels",
            inputs: 1,
            outputs: OutputChannels { count: 3, flows: Some(FlowChannels { dy: 1, dx: 0, cellprob: 2 }) },
            tile: TileRule { multiple: 2, padding: 16, side: 64 },
            style: None,
            rescale: RescaleRule { diam_mean: 30.0, diam_labels: 17.0 },
        };
        let convs = vec![conv(3, 1, 4, true), conv(3, 4, 3, true), conv(1, 1, 3, false)];
        (description, plan.finish(output, None).unwrap(), convs)
    }

    fn conv(kernel: usize, inputs: usize, outputs: usize, relu: bool) -> Conv {
        let shape = ConvShape { inputs, outputs, kernel };
        let weights = vec![0.0; outputs * inputs * kernel * kernel];
        Conv::new("conv", shape, Prologue::plain(inputs, relu), weights, vec![0.0; outputs]).unwrap()
    }

    /// The message for parts after a change; empty if they fit.
    fn refused(change: impl FnOnce(&mut Description, &mut Vec<Conv>)) -> String {
        let (mut description, plan, mut convs) = parts();
        change(&mut description, &mut convs);
        let network = Network::new(description, plan, Weights::new(convs, Vec::new()));
        network.map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn parts_that_fit_make_a_network() {
        assert_eq!(refused(|_, _| {}), "");
        // Tiles may be coarser than the plan needs.
        assert_eq!(refused(|description, _| description.tile.multiple = 8), "");
        let (description, plan, convs) = parts();
        let network = Network::new(description, plan, Weights::new(convs, Vec::new())).unwrap();
        // Weights, biases, scales and shifts, and two diameters.
        assert_eq!(network.parameters(), (36 + 4 + 2) + (108 + 3 + 8) + (3 + 3 + 2) + 2);
        assert_eq!(network.description().outputs.segmentation_order(), Some(vec![1, 0, 2]));
    }

    #[test]
    fn a_description_of_another_plan_is_refused() {
        type Change = fn(&mut Description);
        let changes: [(&str, Change); 8] = [
            ("number of inputs", |it| it.inputs = 2),
            ("number of outputs", |it| it.outputs.count = 4),
            ("flow channels", |it| it.outputs.flows = Some(FlowChannels { dy: 1, dx: 2, cellprob: 3 })),
            ("flow channels", |it| it.outputs.flows = Some(FlowChannels { dy: 1, dx: 1, cellprob: 2 })),
            ("style", |it| it.style = Some(4)),
            ("tile multiple", |it| it.tile.multiple = 3),
            ("tile rule", |it| it.tile.padding = 0),
            ("diam_mean", |it| it.rescale.diam_mean = f32::NAN),
        ];
        for (expected, change) in changes {
            let message = refused(|description, _| change(description));
            assert!(message.contains(expected), "{message} for {expected}");
        }
    }

    #[test]
    fn weights_of_another_plan_are_refused() {
        assert!(refused(|_, convs| convs.truncate(2)).contains("convolution 2"));
        assert!(refused(|_, convs| convs[1] = conv(3, 5, 3, true)).contains("3, 4 and 3"));
        assert!(refused(|_, convs| convs[0] = conv(1, 1, 4, true)).contains("3, 1 and 4"));
        assert!(refused(|_, convs| convs[2] = conv(1, 1, 3, true)).contains("ReLU"));
    }

    #[test]
    fn tiles_suit_the_padding_and_the_network() {
        let rule = TileRule { multiple: 4, padding: 16, side: 224 };
        assert_eq!((rule.side(None), rule.side(Some(96))), (Ok(224), Ok(96)));
        assert!(rule.side(Some(100)).is_err() && rule.side(Some(0)).is_err());
        // A network of more levels than the padding allows for.
        assert!(TileRule { multiple: 32, ..rule }.side(None).is_err());
    }
}
