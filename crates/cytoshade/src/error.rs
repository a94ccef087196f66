//! The library's errors.

use std::path::PathBuf;

use cytoshade_core::Error as CoreError;
use cytoshade_model::{Error as ModelError, Published, Sha256};
use cytoshade_safe_io::{Redacted, printable, printable_path};

use crate::{Device, gpu};

/// An error of a call of this library. Each message gives the cause, the expected value and the remedy.
///
/// [`Error::kind`] classifies errors for programs; the variants hold the details. A message can contain file and folder
/// names; [`Error::redacted`] omits them, for logs. `{:?}` is for developers and contains paths too.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// An image, a parameter, or a network of the wrong kind.
    #[error(transparent)]
    Input(CoreError),
    /// The source of an image of a batch failed.
    #[error("the source of the image failed: {0}")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync + 'static>),
    /// The model file.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// No model has this name.
    #[error("found no model {} in {}; {}", printable(name), listed(folders), advice(name))]
    ModelNotFound {
        /// The name.
        name: String,
        /// The folders that were searched.
        folders: Vec<PathBuf>,
    },
    /// A file has the name of a published model but another hash.
    #[error(
        "{} has the SHA-256 {found}, and the published {} has {expected}; if it is damaged remove it and fetch it \
         again, and if it is a fine-tuned or another model rename it, or give its path in place of the name",
        printable_path(path), published.name
    )]
    NotPublished {
        /// The published model of that name.
        published: &'static Published,
        /// The file.
        path: PathBuf,
        /// The file's hash.
        found: Sha256,
        /// The published model's hash.
        expected: Sha256,
    },
    /// This build has no backend for the device.
    #[error(
        "this build of cytoshade cannot run on {device}; build it with the feature `{feature}`, or choose another device"
    )]
    NotBuilt {
        /// The device that was chosen.
        device: Device,
        /// The feature that the build lacks.
        feature: &'static str,
    },
    /// The host lacks the memory that the stages of a call take.
    #[error(
        "cannot allocate about {} MB for the stages of this image; free memory or raise the process's limit, or set a larger \
         diameter if the image is enlarged for the network",
        bytes / 1_000_000
    )]
    Memory {
        /// The estimate in bytes.
        bytes: u64,
    },
    /// The GPU.
    #[cfg(feature = "gpu")]
    #[error(transparent)]
    Gpu(cytoshade_gpu::Error),
    /// The check of a GPU found other results than expected.
    #[cfg(feature = "gpu")]
    #[error(
        "{adapter} computes wrong results: {what} have an error of {error:.6}, expected at most {allowed:.6}; \
         update its driver, choose another device, or use the CPU"
    )]
    WrongResults {
        /// The adapter's name.
        adapter: String,
        /// The results.
        what: &'static str,
        /// The relative L2 error of the outputs of a network, or the share of pixels that differ.
        error: f64,
        /// The largest error that counts as agreement.
        allowed: f64,
    },
    /// A stage on the CPU.
    #[error(transparent)]
    Cpu(cytoshade_cpu::Error),
    /// The network failed in another worker of the browser.
    #[cfg(target_arch = "wasm32")]
    #[error("{0}")]
    Remote(String),
}

/// The kinds of [`Error`], for programs to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller cancelled.
    Cancelled,
    /// The image or stack is out of range: its size, its samples. Another image can succeed.
    Image,
    /// A parameter or an option is out of range.
    Parameter,
    /// The source of a batch's images failed.
    Source,
    /// The model file is unreadable or holds no network of the required kind.
    Model,
    /// The model file's hash differs from the required one.
    Hash,
    /// No model has this name.
    ModelNotFound,
    /// The device is missing, fails to open, computes wrong results, or lacks a requested feature.
    Unsupported,
    /// The device was lost or hangs. Later calls fail too; make another segmenter.
    DeviceLost,
    /// The device or the host has too little memory, or the device's limits are too small.
    OutOfMemory,
    /// A defect of this library or of a driver.
    Internal,
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Cancelled => ErrorKind::Cancelled,
            Error::Input(error) => input_kind(error),
            Error::Source(_) => ErrorKind::Source,
            Error::Model(ModelError::Hash { .. }) | Error::NotPublished { .. } => ErrorKind::Hash,
            Error::Model(ModelError::HashText { .. }) => ErrorKind::Parameter,
            Error::Model(_) => ErrorKind::Model,
            Error::ModelNotFound { .. } => ErrorKind::ModelNotFound,
            Error::NotBuilt { .. } => ErrorKind::Unsupported,
            Error::Memory { .. } => ErrorKind::OutOfMemory,
            #[cfg(feature = "gpu")]
            Error::Gpu(error) => gpu_kind(error),
            #[cfg(feature = "gpu")]
            Error::WrongResults { .. } => ErrorKind::Unsupported,
            Error::Cpu(cytoshade_cpu::Error::Core(error)) => input_kind(error),
            Error::Cpu(cytoshade_cpu::Error::UnknownIsa { .. } | cytoshade_cpu::Error::MissingIsa { .. }) => {
                ErrorKind::Unsupported
            }
            Error::Cpu(_) => ErrorKind::Internal,
            #[cfg(target_arch = "wasm32")]
            Error::Remote(_) => ErrorKind::Internal,
        }
    }

    /// The message without folder and file names.
    pub fn redacted(&self) -> Redacted {
        match self {
            Error::Model(error) => error.redacted(),
            Error::Source(_) => Redacted::own("the source of the image failed"),
            Error::ModelNotFound { .. } => Redacted::own("found no file and no model of the given name"),
            Error::NotPublished { published, found, expected, .. } => Redacted::own(format_args!(
                "a file that has the name of the published {} has the SHA-256 {found}, expected {expected}",
                published.name
            )),
            other => Redacted::new(other),
        }
    }

    /// Whether a device lacks the memory or the binding limit for work that the host can do.
    pub(crate) fn is_over_capacity(&self) -> bool {
        #[cfg(feature = "gpu")]
        if let Error::Gpu(error) = self {
            return matches!(error, gpu::Error::Limit { .. } | gpu::Error::OutOfMemory { .. });
        }
        false
    }
}

fn input_kind(error: &CoreError) -> ErrorKind {
    match error {
        CoreError::Cancelled => ErrorKind::Cancelled,
        CoreError::Param { .. }
        | CoreError::NoSuchParam { .. }
        | CoreError::NoSuchChannel { .. }
        | CoreError::TileSide { .. } => ErrorKind::Parameter,
        CoreError::NotSegmentation { .. }
        | CoreError::NetworkShape { .. }
        | CoreError::Layer { .. }
        | CoreError::LayerValue { .. }
        | CoreError::LayerShape { .. }
        | CoreError::NoSuchWeights { .. }
        | CoreError::ShortcutRelu { .. }
        | CoreError::Plan { .. } => ErrorKind::Model,
        _ => ErrorKind::Image,
    }
}

#[cfg(feature = "gpu")]
fn gpu_kind(error: &gpu::Error) -> ErrorKind {
    use gpu::Error as E;
    match error {
        E::Lost { .. } | E::Hung { .. } => ErrorKind::DeviceLost,
        E::OutOfMemory { .. } | E::Limit { .. } => ErrorKind::OutOfMemory,
        E::Refused { .. } | E::Length { .. } | E::TileSize { .. } => ErrorKind::Internal,
        _ => ErrorKind::Unsupported,
    }
}

impl From<CoreError> for Error {
    fn from(error: CoreError) -> Self {
        match error {
            CoreError::Cancelled => Error::Cancelled,
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

impl From<gpu::Error> for Error {
    fn from(error: gpu::Error) -> Self {
        #[cfg(feature = "gpu")]
        return Error::Gpu(error);
        #[cfg(not(feature = "gpu"))]
        match error {}
    }
}

fn listed(folders: &[PathBuf]) -> String {
    let folders: Vec<_> = folders.iter().map(printable_path).collect();
    if folders.is_empty() { "any folder (no home folder is set)".into() } else { folders.join(" or ") }
}

fn advice(name: &str) -> String {
    match Published::named(name) {
        Some(published) => {
            format!("`cytoshade model fetch {}` fetches it; `./{name}` names a file here", published.name)
        }
        None => "give the path of its file; `cytoshade model list` lists the known names".into(),
    }
}
