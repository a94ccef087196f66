//! What a convolution adds its result to.

use crate::simd::{Block, Lanes};

/// What a convolution adds its result to.
#[derive(Clone, Copy)]
pub(super) enum Added<D> {
    Nothing,
    Residual(D),
    /// What stands in the target already.
    Target,
}

impl<D> Added<D> {
    pub(super) fn map<E>(self, change: impl FnOnce(D) -> E) -> Added<E> {
        match self {
            Added::Nothing => Added::Nothing,
            Added::Residual(residual) => Added::Residual(change(residual)),
            Added::Target => Added::Target,
        }
    }
}

impl Added<&[Block]> {
    /// The sum of `value` and what belongs to `target`, which lies at `at` in the residual.
    #[inline(always)]
    pub(super) fn plus<L: Lanes>(self, lanes: L, value: L::Vector, at: usize, target: &Block) -> L::Vector {
        match self {
            Added::Nothing => value,
            Added::Residual(residual) => lanes.add(value, lanes.load(&residual[at])),
            Added::Target => lanes.add(value, lanes.load(target)),
        }
    }
}
