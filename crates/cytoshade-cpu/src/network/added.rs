//! What a convolution adds its result to.

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
