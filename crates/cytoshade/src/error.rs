//! Whatever can end a segmentation.

use std::path::PathBuf;

use cytoshade_model::{Published, Sha256};
use cytoshade_safe_io::{Redacted, printable, printable_path};

/// Whatever can end a segmentation. Each message says what was found, what was expected and what to do.
///
/// The message may name files and folders, for the person who gave them; [`Error::redacted`] is for everybody else.
/// What `{:?}` shows is for developers and holds paths too.
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
    /// There is no model of a name.
    #[error("found no model {} in {}; {}", printable(name), listed(folders), advice(name))]
    ModelNotFound {
        /// The name.
        name: String,
        /// The folders that were looked in.
        folders: Vec<PathBuf>,
    },
    /// A file has the name of a published model and another hash.
    #[error(
        "{} has the SHA-256 {found}, and the published {} has {expected}; if it is damaged remove it and fetch it \
         again, and if it is a fine-tuned or another model rename it, or give its path in place of the name",
        printable_path(path), published.name
    )]
    NotPublished {
        /// The model whose name it has.
        published: &'static Published,
        /// The file.
        path: PathBuf,
        /// Its hash.
        found: Sha256,
        /// The published model's.
        expected: Sha256,
    },
    /// The GPU.
    #[error(transparent)]
    Gpu(cytoshade_gpu::Error),
    /// A stage on the CPU.
    #[error(transparent)]
    Cpu(cytoshade_cpu::Error),
    /// The network ran elsewhere, and failed there.
    #[cfg(target_arch = "wasm32")]
    #[error("{0}")]
    Remote(String),
}

impl Error {
    /// The message without folders and file names, as a service would log it.
    pub fn redacted(&self) -> Redacted {
        match self {
            Error::Model(error) => error.redacted(),
            Error::ModelNotFound { .. } => Redacted::own("found no file and no model of the given name"),
            Error::NotPublished { published, found, expected, .. } => Redacted::own(format_args!(
                "a file that has the name of the published {} has the SHA-256 {found}, expected {expected}",
                published.name
            )),
            other => Redacted::new(other),
        }
    }
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

fn listed(folders: &[PathBuf]) -> String {
    let folders: Vec<_> = folders.iter().map(printable_path).collect();
    if folders.is_empty() { "any folder (this system names no home)".into() } else { folders.join(" or ") }
}

fn advice(name: &str) -> String {
    match Published::named(name) {
        Some(published) => {
            format!("`cytoshade model fetch {}` fetches it; `./{name}` names a file here", published.name)
        }
        None => "give the path of its file; `cytoshade model list` shows the names that are known".into(),
    }
}
