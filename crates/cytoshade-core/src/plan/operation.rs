//! Operations: the computations of a network.

use super::TensorId;
use crate::{ConvId, LinearId, Weights};

/// One operation of a network.
///
/// To add an operation, add a variant here, its rule in `check.rs`, and one module in each backend. The compiler points
/// at every `match` that needs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A convolution with everything that is fused into it.
    Convolution(Convolution),
    /// The maximum of each 2 x 2 block of a map.
    MaxPool {
        /// Map that is read; its sides are even.
        source: TensorId,
        /// Map of half the sides that is written.
        target: TensorId,
    },
    /// The average of each channel of a map, divided by the L2 norm of all averages; 0 if that norm is 0.
    GlobalAverage {
        /// Map that is read.
        source: TensorId,
        /// Vector that is written, with as many channels as the map.
        target: TensorId,
    },
    /// Matrix products of one vector, each with a bias: `target = bias + weights * source`.
    ///
    /// The targets of one operation lie one after another in one buffer, so that a backend can compute all of them at
    /// once.
    Linear {
        /// Vector that is read.
        source: TensorId,
        /// The products.
        products: Vec<LinearProduct>,
    },
}

/// A convolution with a fused prologue and epilogue:
/// `target = bias + conv(f(upsample(source + skip + vector))) + residual + shortcut`.
///
/// `f` is the [`Prologue`](crate::Prologue) of the weights. Zero padding applies after it, so that the target has the
/// size of the upsampled source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Convolution {
    /// Weights of the convolution.
    pub weights: ConvId,
    /// Side of the kernel: 1 or 3.
    pub kernel: usize,
    /// Map that is read.
    pub source: TensorId,
    /// Whether each value of the source is repeated 2 x 2 times (nearest upsampling).
    pub upsample: bool,
    /// Map of the source's shape that is added to the source.
    pub skip: Option<TensorId>,
    /// Vector that is added to every pixel of the source.
    pub vector: Option<TensorId>,
    /// Map of the target's shape that is added to the result.
    pub residual: Option<TensorId>,
    /// 1x1 convolution that is added to the result; not together with a residual, and only with a kernel of 3.
    pub shortcut: Option<Shortcut>,
    /// Map that is written.
    pub target: TensorId,
}

/// A 1x1 convolution without ReLU around a residual block, the "projection shortcut" of He et al. 2016, "Deep residual
/// learning for image recognition".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shortcut {
    /// Weights of the 1x1 convolution.
    pub weights: ConvId,
    /// Map that is read: the block's input.
    pub source: TensorId,
    /// Whether each value of the source is repeated 2 x 2 times.
    pub upsample: bool,
}

/// One product of an [`Operation::Linear`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinearProduct {
    /// Weights of the product.
    pub weights: LinearId,
    /// Vector that is written.
    pub target: TensorId,
}

impl Convolution {
    /// A convolution into which nothing but the prologue is fused.
    pub fn new(weights: ConvId, kernel: usize, source: TensorId, target: TensorId) -> Self {
        Self {
            weights,
            kernel,
            source,
            upsample: false,
            skip: None,
            vector: None,
            residual: None,
            shortcut: None,
            target,
        }
    }
}

impl Operation {
    /// Name of the operation's layer: that of its first weights in the model file, or of the operation if it has none.
    ///
    /// # Panics
    /// If `weights` are those of another plan and lack the operation's.
    pub fn layer<'w>(&self, weights: &'w Weights) -> &'w str {
        match self {
            Operation::Convolution(Convolution { weights: conv, .. }) => weights[*conv].name(),
            Operation::MaxPool { .. } => "max pooling",
            Operation::GlobalAverage { .. } => "global average",
            Operation::Linear { products, .. } => {
                products.first().map_or("matrix product", |product| weights[product.weights].name())
            }
        }
    }

    /// The tensors that the operation reads.
    pub fn sources(&self) -> impl Iterator<Item = TensorId> + use<> {
        let sources = match *self {
            Operation::MaxPool { source, .. }
            | Operation::GlobalAverage { source, .. }
            | Operation::Linear { source, .. } => [Some(source), None, None, None, None],
            Operation::Convolution(Convolution { source, skip, vector, residual, shortcut, .. }) => {
                [Some(source), skip, vector, residual, shortcut.map(|shortcut| shortcut.source)]
            }
        };
        sources.into_iter().flatten()
    }

    /// The tensors that the operation writes, in the order in which they lie in their buffer.
    pub fn targets(&self) -> Vec<TensorId> {
        match self {
            Operation::Convolution(Convolution { target, .. })
            | Operation::MaxPool { target, .. }
            | Operation::GlobalAverage { target, .. } => vec![*target],
            Operation::Linear { products, .. } => products.iter().map(|product| product.target).collect(),
        }
    }
}
