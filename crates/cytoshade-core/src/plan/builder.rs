//! Building a plan.

use super::{Convolution, Operation, Plan, Tensor, TensorId, TensorShape, check, placement};
use crate::Error;

/// Collects the tensors and operations of a network, in the order in which the operations run.
///
/// ```
/// use cytoshade_core::{ConvId, Convolution, PlanBuilder, TensorShape};
///
/// // Two 3x3 convolutions, from one channel to eight to three.
/// let (mut plan, input) = PlanBuilder::new(1);
/// let hidden = plan.convolution(TensorShape::Map { channels: 8, scale: 1 }, |target| {
///     Convolution::new(ConvId::new(0), 3, input, target)
/// });
/// let output = plan.convolution(TensorShape::Map { channels: 3, scale: 1 }, |target| {
///     Convolution::new(ConvId::new(1), 3, hidden, target)
/// });
/// let plan = plan.finish(output, None)?;
/// assert_eq!(plan.operations().len(), 2);
/// # Ok::<(), cytoshade_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PlanBuilder {
    tensors: Vec<TensorShape>,
    operations: Vec<Operation>,
}

impl PlanBuilder {
    /// A plan without operations, and its input: a map of `inputs` channels at the tile's size.
    pub fn new(inputs: usize) -> (Self, TensorId) {
        let input = TensorShape::Map { channels: inputs, scale: 1 };
        (Self { tensors: vec![input], operations: Vec::new() }, TensorId(0))
    }

    /// A new tensor, which one operation must write.
    pub fn tensor(&mut self, shape: TensorShape) -> TensorId {
        self.tensors.push(shape);
        TensorId(self.tensors.len() - 1)
    }

    /// Appends an operation.
    pub fn push(&mut self, operation: Operation) {
        self.operations.push(operation);
    }

    /// Appends a convolution and returns its target, a new tensor of shape `target`.
    pub fn convolution(&mut self, target: TensorShape, make: impl FnOnce(TensorId) -> Convolution) -> TensorId {
        let target = self.tensor(target);
        self.push(Operation::Convolution(make(target)));
        target
    }

    /// Checks the plan and assigns the buffers.
    ///
    /// `output` is the map that the network returns, `style` the vector that it returns too, if it has one.
    ///
    /// # Errors
    /// [`Error::Plan`] with the first operation that no backend can run, for example because an operand has the wrong
    /// shape, or a tensor is written twice or read before it is written.
    pub fn finish(self, output: TensorId, style: Option<TensorId>) -> Result<Plan, Error> {
        let Self { tensors, operations } = self;
        check::check(&tensors, &operations, output, style)?;

        let mut groups = vec![vec![TensorId(0)]];
        groups.extend(operations.iter().map(Operation::targets));
        let kept = [Some(output), style];
        let (buffers, buffer_of) = placement::place(&tensors, &operations, &groups, kept.into_iter().flatten());

        let mut placed: Vec<Tensor> = tensors.into_iter().map(|shape| Tensor { shape, buffer: 0, group: 0 }).collect();
        for (group, members) in groups.iter().enumerate() {
            for id in members {
                placed[id.0].group = group;
                placed[id.0].buffer = buffer_of[group];
            }
        }
        Ok(Plan { operations, tensors: placed, groups, buffers, output, style })
    }
}
