//! What the examples share: the bundled model and photograph, for runs without arguments.
#![forbid(unsafe_code)]

use std::path::PathBuf;

/// A file of the folder `models` of this repository.
fn bundled(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../models")).join(name)
}

/// The bundled model.
pub fn model() -> PathBuf {
    bundled("cytoshade-demo.safetensors")
}

/// The bundled photograph.
pub fn photograph() -> PathBuf {
    bundled("demo.png")
}
