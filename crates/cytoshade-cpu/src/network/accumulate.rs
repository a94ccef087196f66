//! What a convolution adds its result to.

/// What a convolution adds its result to.
#[derive(Clone, Copy)]
pub(super) enum Accumulate<D> {
    Nothing,
    Residual(D),
    /// What stands in the target already.
    Target,
}

impl<D> Accumulate<D> {
    pub(super) fn map<E>(self, change: impl FnOnce(D) -> E) -> Accumulate<E> {
        match self {
            Accumulate::Nothing => Accumulate::Nothing,
            Accumulate::Residual(residual) => Accumulate::Residual(change(residual)),
            Accumulate::Target => Accumulate::Target,
        }
    }
}
