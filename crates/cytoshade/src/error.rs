//! Whatever can end a segmentation.

/// Whatever can end a segmentation. Each message says what was found, what was expected and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The image or a parameter.
    #[error(transparent)]
    Input(cytoshade_core::Error),
    /// The model file.
    #[error(transparent)]
    Model(#[from] cytoshade_model::Error),
    /// The GPU.
    #[error(transparent)]
    Gpu(cytoshade_gpu::Error),
    /// A stage on the CPU.
    #[error(transparent)]
    Cpu(cytoshade_cpu::Error),
    /// The network ran elsewhere, and failed there.
    #[cfg(target_arch = "wasm32")]
    #[error("{0}")]
    Elsewhere(String),
}

impl From<cytoshade_core::Error> for Error {
    fn from(error: cytoshade_core::Error) -> Self {
        match error {
            cytoshade_core::Error::Cancelled => Error::Cancelled,
            other => Error::Input(other),
        }
    }
}

impl From<cytoshade_cpu::Error> for Error {
    fn from(error: cytoshade_cpu::Error) -> Self {
        match error {
            cytoshade_cpu::Error::Core(error) => error.into(),
            other => Error::Cpu(other),
        }
    }
}
