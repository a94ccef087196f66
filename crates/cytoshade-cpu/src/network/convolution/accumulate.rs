//! The initial value of a convolution's result.

/// The values to which a convolution adds its result.
#[derive(Clone, Copy)]
pub(super) enum Accumulate<D> {
    /// None: the result is written as it is.
    Nothing,
    /// A residual, laid out as the target.
    Residual(D),
    /// The values that the target already holds.
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
