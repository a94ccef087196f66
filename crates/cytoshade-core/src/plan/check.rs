//! The rules of plans. A plan that was built keeps them, so backends do not check them.

use super::{Convolution, Operation, Shortcut, TensorId, TensorShape};
use crate::Error;

/// Checks that backends can run a plan.
///
/// # Errors
/// [`Error::Plan`] with the first operation that breaks a rule.
pub(super) fn check(
    tensors: &[TensorShape],
    operations: &[Operation],
    output: TensorId,
    style: Option<TensorId>,
) -> Result<(), Error> {
    let mut checker =
        Checker { tensors, written: vec![false; tensors.len()], shared: vec![false; tensors.len()], at: 0 };
    checker.shapes()?;
    checker.written[0] = true;
    for operation in operations {
        checker.at += 1;
        checker.operands(operation)?;
        checker.operation(operation)?;
    }
    checker.at += 1;
    checker.results(output, style)
}

struct Checker<'a> {
    tensors: &'a [TensorShape],
    /// Whether an operation before this one writes the tensor.
    written: Vec<bool>,
    /// Whether the tensor shares its buffer with others that the same operation writes.
    shared: Vec<bool>,
    /// The operation, from 1; 0 stands for the tensors, one past the last for the results.
    at: usize,
}

impl Checker<'_> {
    fn refuse<T>(&self, found: String, expected: &'static str) -> Result<T, Error> {
        Err(Error::Plan { operation: self.at, found, expected })
    }

    fn expect(&self, holds: bool, found: impl FnOnce() -> String, expected: &'static str) -> Result<(), Error> {
        if holds { Ok(()) } else { self.refuse(found(), expected) }
    }

    fn shape(&self, id: TensorId) -> Result<TensorShape, Error> {
        match self.tensors.get(id.0) {
            Some(&shape) => Ok(shape),
            None => self.refuse(format!("names tensor {}", id.0), "a tensor of the same plan"),
        }
    }

    /// Checks that every tensor has channels and a size.
    fn shapes(&self) -> Result<(), Error> {
        for shape in self.tensors {
            let empty = match *shape {
                TensorShape::Map { channels, scale } => channels == 0 || scale == 0,
                TensorShape::Tokens { count, channels } => channels == 0 || count == 0,
                TensorShape::Vector { channels } => channels == 0,
            };
            self.expect(!empty, || format!("has the tensor {shape:?}"), "no tensor without values")?;
        }
        Ok(())
    }

    /// Checks that the operation reads tensors that are written before it, and writes tensors that are not.
    fn operands(&mut self, operation: &Operation) -> Result<(), Error> {
        for id in operation.sources() {
            self.shape(id)?;
            self.expect(self.written[id.0], || format!("reads tensor {}", id.0), "a tensor written before")?;
        }
        let targets = operation.targets();
        for &id in &targets {
            self.shape(id)?;
            self.expect(!self.written[id.0], || format!("writes tensor {}", id.0), "a tensor not written before")?;
            self.written[id.0] = true;
            self.shared[id.0] = targets.len() > 1;
        }
        Ok(())
    }

    fn operation(&self, operation: &Operation) -> Result<(), Error> {
        match operation {
            Operation::Convolution(convolution) => self.convolution(convolution),
            Operation::MaxPool { source, target } => {
                let (channels, scale) = self.map(*source)?;
                self.is(*target, TensorShape::Map { channels, scale: 2 * scale }, "a target of half the source's sides")
            }
            Operation::GlobalAverage { source, target } => {
                let (channels, _) = self.map(*source)?;
                self.is(*target, TensorShape::Vector { channels }, "a vector of the source's channels")
            }
            Operation::Linear { source, products } => {
                self.expect(!products.is_empty(), || "has no product".into(), "one product or more")?;
                self.vector(*source)?;
                self.alone(*source)?;
                products.iter().try_for_each(|product| self.vector(product.target).map(|_| ()))
            }
        }
    }

    fn convolution(&self, convolution: &Convolution) -> Result<(), Error> {
        let &Convolution { kernel, source, upsample, skip, vector, residual, shortcut, target, .. } = convolution;
        self.expect(matches!(kernel, 1 | 3), || format!("has a kernel of {kernel}"), "a kernel of 1 or 3")?;
        let (channels, scale) = self.map(source)?;
        let (_, target_scale) = self.map(target)?;
        self.scales(scale, target_scale, upsample)?;
        if let Some(skip) = skip {
            self.is(skip, self.shape(source)?, "a skip of the source's shape")?;
        }
        if let Some(vector) = vector {
            self.is(vector, TensorShape::Vector { channels }, "a vector of the source's channels")?;
        }
        if let Some(residual) = residual {
            self.is(residual, self.shape(target)?, "a residual of the target's shape")?;
        }
        if let Some(Shortcut { source, upsample, .. }) = shortcut {
            let suits = kernel == 3 && residual.is_none();
            self.expect(suits, || "has a shortcut".into(), "a shortcut with a 3x3 kernel and no residual")?;
            self.scales(self.map(source)?.1, target_scale, upsample)?;
        }
        Ok(())
    }

    /// Checks that a source has the target's size, or half its sides if it is upsampled.
    fn scales(&self, source: usize, target: usize, upsample: bool) -> Result<(), Error> {
        let suits = source == if upsample { 2 * target } else { target };
        let found = || format!("reads a map of scale {source} for one of {target}");
        self.expect(suits, found, "the target's scale, or twice it if the source is upsampled")
    }

    /// Channels and scale of a map; fails for other tensors.
    fn map(&self, id: TensorId) -> Result<(usize, usize), Error> {
        match self.shape(id)? {
            TensorShape::Map { channels, scale } => Ok((channels, scale)),
            other => self.refuse(format!("has an operand {other:?}"), "a map"),
        }
    }

    /// Channels of a vector; fails for other tensors.
    fn vector(&self, id: TensorId) -> Result<usize, Error> {
        match self.shape(id)? {
            TensorShape::Vector { channels } => Ok(channels),
            other => self.refuse(format!("has an operand {other:?}"), "a vector"),
        }
    }

    fn is(&self, id: TensorId, shape: TensorShape, expected: &'static str) -> Result<(), Error> {
        let found = self.shape(id)?;
        self.expect(found == shape, || format!("has an operand {found:?}"), expected)
    }

    /// Checks that no other vectors share the buffer of a vector that is read as a whole.
    fn alone(&self, id: TensorId) -> Result<(), Error> {
        let expected = "a vector that its operation writes alone";
        self.expect(!self.shared[id.0], || format!("reads vector {}", id.0), expected)
    }

    /// Checks the tensors that the network returns.
    fn results(&self, output: TensorId, style: Option<TensorId>) -> Result<(), Error> {
        let (_, scale) = self.map(output)?;
        self.expect(scale == 1, || format!("is an output of scale {scale}"), "an output of the tile's size")?;
        for id in [Some(output), style].into_iter().flatten() {
            self.shape(id)?;
            self.expect(self.written[id.0], || format!("returns tensor {}", id.0), "a tensor that is written")?;
        }
        if let Some(style) = style {
            self.vector(style)?;
            self.alone(style)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::LinearProduct;
    use crate::{ConvId, LinearId, PlanBuilder};

    const fn map(channels: usize, scale: usize) -> TensorShape {
        TensorShape::Map { channels, scale }
    }

    /// The message for a plan of one input channel that `build` completes with an output and a style; empty if it is a
    /// valid plan.
    fn refused(build: impl FnOnce(&mut PlanBuilder, TensorId) -> (TensorId, Option<TensorId>)) -> String {
        let (mut plan, input) = PlanBuilder::new(1);
        let (output, style) = build(&mut plan, input);
        plan.finish(output, style).map_or_else(|error| error.to_string(), |_| String::new())
    }

    /// The message for a plan of one convolution after `change`, which receives further tensors: a map of half the
    /// sides, a vector of one channel and one of two.
    fn one_convolution(change: impl FnOnce(&mut Convolution, [TensorId; 3])) -> String {
        refused(|plan, input| {
            let small = plan.tensor(map(1, 2));
            plan.push(Operation::MaxPool { source: input, target: small });
            let short = plan.tensor(TensorShape::Vector { channels: 1 });
            plan.push(Operation::GlobalAverage { source: small, target: short });
            let long = plan.tensor(TensorShape::Vector { channels: 2 });
            let products = vec![LinearProduct { weights: LinearId::new(0), target: long }];
            plan.push(Operation::Linear { source: short, products });
            let output = plan.convolution(map(2, 1), |target| {
                let mut convolution = Convolution::new(ConvId::new(0), 3, input, target);
                change(&mut convolution, [small, short, long]);
                convolution
            });
            (output, Some(short))
        })
    }

    #[test]
    fn plans_that_backends_run_are_accepted() {
        assert_eq!(one_convolution(|_, _| {}), "");
        assert_eq!(one_convolution(|conv, [small, ..]| (conv.source, conv.upsample) = (small, true)), "");
        assert_eq!(one_convolution(|conv, [_, short, _]| conv.vector = Some(short)), "");
        let shortcut = |source, upsample| Some(Shortcut { weights: ConvId::new(1), source, upsample });
        assert_eq!(one_convolution(|conv, [small, ..]| conv.shortcut = shortcut(small, true)), "");
    }

    #[test]
    fn a_convolution_with_other_operands_is_refused() {
        let shortcut = |source, upsample| Some(Shortcut { weights: ConvId::new(1), source, upsample });
        type Change = fn(&mut Convolution, [TensorId; 3]);
        let changes: [(&str, Change); 7] = [
            ("a kernel of 1 or 3", |conv, _| conv.kernel = 5),
            ("the target's scale", |conv, _| conv.upsample = true),
            ("the target's scale", |conv, [small, ..]| conv.source = small),
            ("a skip of the source's shape", |conv, [small, ..]| conv.skip = Some(small)),
            ("a vector of the source's channels", |conv, [.., long]| conv.vector = Some(long)),
            ("a residual of the target's shape", |conv, _| conv.residual = Some(conv.source)),
            ("a map", |conv, [_, short, _]| conv.source = short),
        ];
        for (expected, change) in changes {
            let message = one_convolution(change);
            assert!(message.contains(expected), "{message} for {expected}");
        }
        for (kernel, upsample) in [(1, true), (3, false)] {
            let message = one_convolution(|conv, [small, ..]| {
                (conv.kernel, conv.shortcut) = (kernel, shortcut(small, upsample));
            });
            assert!(message.contains("expected"), "{kernel}, {upsample}");
        }
    }

    #[test]
    fn every_tensor_is_written_once_before_it_is_read() {
        let message = refused(|plan, _| {
            let unwritten = plan.tensor(map(1, 1));
            let output = plan.convolution(map(3, 1), |target| Convolution::new(ConvId::new(0), 3, unwritten, target));
            (output, None)
        });
        assert!(message.contains("a tensor written before"), "{message}");
        let message = refused(|plan, input| {
            let output = plan.convolution(map(3, 1), |target| Convolution::new(ConvId::new(0), 3, input, target));
            plan.push(Operation::Convolution(Convolution::new(ConvId::new(0), 3, input, output)));
            (output, None)
        });
        assert!(message.contains("a tensor not written before"), "{message}");
        let message = refused(|plan, input| {
            let other = PlanBuilder::new(1).0.tensor(map(1, 1));
            (plan.convolution(map(3, 1), |_| Convolution::new(ConvId::new(0), 3, input, TensorId(other.0 + 7))), None)
        });
        assert!(message.contains("a tensor of the same plan"), "{message}");
    }

    #[test]
    fn results_are_a_map_of_full_size_and_a_vector_of_its_own() {
        let pooled = refused(|plan, input| {
            let small = plan.tensor(map(1, 2));
            plan.push(Operation::MaxPool { source: input, target: small });
            (small, None)
        });
        assert!(pooled.contains("an output of the tile's size"), "{pooled}");
        assert!(refused(|plan, input| (input, Some(plan.tensor(map(1, 1))))).contains("a tensor that is written"));
        assert!(refused(|_, input| (input, Some(input))).contains("a vector"));
        let shared = refused(|plan, input| {
            let [style, first, second] = [(); 3].map(|()| plan.tensor(TensorShape::Vector { channels: 1 }));
            plan.push(Operation::GlobalAverage { source: input, target: style });
            let products = [first, second].map(|target| LinearProduct { weights: LinearId::new(0), target });
            plan.push(Operation::Linear { source: style, products: products.to_vec() });
            (input, Some(second))
        });
        assert!(shared.contains("a vector that its operation writes alone"), "{shared}");
        assert!(
            refused(|plan, input| {
                plan.tensor(map(0, 1));
                (input, None)
            })
            .contains("no tensor without values")
        );
    }
}
