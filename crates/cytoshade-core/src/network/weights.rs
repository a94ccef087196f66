//! The weights of a network, addressed by typed identifiers.

use std::ops::Index;

use super::{Conv, Linear};

/// Identifies a convolution among a network's [`Weights`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConvId(usize);

/// Identifies a matrix among a network's [`Weights`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinearId(usize);

impl ConvId {
    /// The convolution at `index` of [`Weights::convs`].
    pub const fn new(index: usize) -> Self {
        Self(index)
    }

    /// Index into [`Weights::convs`].
    pub const fn index(self) -> usize {
        self.0
    }
}

impl LinearId {
    /// The matrix at `index` of [`Weights::linears`].
    pub const fn new(index: usize) -> Self {
        Self(index)
    }

    /// Index into [`Weights::linears`].
    pub const fn index(self) -> usize {
        self.0
    }
}

/// The weights of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    convs: Vec<Conv>,
    linears: Vec<Linear>,
}

impl Weights {
    /// Weights from the convolutions and the matrices; [`ConvId`] and [`LinearId`] are indices into these lists.
    pub fn new(convs: Vec<Conv>, linears: Vec<Linear>) -> Self {
        Self { convs, linears }
    }

    /// The convolutions.
    pub fn convs(&self) -> &[Conv] {
        &self.convs
    }

    /// The matrices.
    pub fn linears(&self) -> &[Linear] {
        &self.linears
    }

    /// Number of values: weights, biases, and the scales and shifts of the prologues.
    pub fn len(&self) -> usize {
        let convs = self.convs.iter().map(|conv| conv.weight().len() + conv.bias().len() + 2 * conv.inputs());
        let linears = self.linears.iter().map(|linear| linear.weight().len() + linear.bias().len());
        convs.chain(linears).sum()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Index<ConvId> for Weights {
    type Output = Conv;

    /// # Panics
    /// If there is no such convolution.
    fn index(&self, id: ConvId) -> &Conv {
        &self.convs[id.0]
    }
}

impl Index<LinearId> for Weights {
    type Output = Linear;

    /// # Panics
    /// If there is no such matrix.
    fn index(&self, id: LinearId) -> &Linear {
        &self.linears[id.0]
    }
}
