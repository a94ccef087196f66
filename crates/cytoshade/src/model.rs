//! A network read from a file.

use std::sync::Arc;

use cytoshade_core::Network;
use cytoshade_model::{LoadOptions, SizeModel};

use crate::Error;

/// A Cellpose network read from a file. Clones share the weights.
#[derive(Clone, Debug)]
pub struct Model {
    network: Arc<Network>,
}

impl Model {
    /// Reads a model file with the default [`LoadOptions`]: a torch file as Cellpose saves it, safetensors, or an ONNX
    /// export, told apart by content. Nothing in it is executed.
    ///
    /// # Errors
    /// [`Error::Model`] where the file cannot be read or holds no Cellpose network.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<Self, Error> {
        Self::open_with(path, &LoadOptions::default())
    }

    /// Reads a model file, demanding a hash or under other limits.
    ///
    /// # Errors
    /// As [`Model::open`], and where the file has not the hash that `options` demand.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_with(path: impl AsRef<std::path::Path>, options: &LoadOptions) -> Result<Self, Error> {
        Ok(Self { network: Arc::new(cytoshade_model::load_path(path.as_ref(), options)?) })
    }

    /// A model from the bytes of its file.
    ///
    /// # Errors
    /// As [`Model::open_with`].
    pub fn from_bytes(bytes: &[u8], options: &LoadOptions) -> Result<Self, Error> {
        Ok(Self { network: Arc::new(cytoshade_model::load(bytes, options)?) })
    }

    /// The checked weights.
    pub fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) fn share(&self) -> Arc<Network> {
        self.network.clone()
    }
}

/// Reads a size model file (`size_cyto3.npy`, or what Cellpose's training writes beside a network).
///
/// # Errors
/// [`Error::Model`] where the file cannot be read or holds no size model.
#[cfg(not(target_arch = "wasm32"))]
pub fn open_size_model(path: impl AsRef<std::path::Path>, options: &LoadOptions) -> Result<SizeModel, Error> {
    load_size_model(&cytoshade_model::read_file(path.as_ref(), &options.limits)?, options)
}

/// A size model from the bytes of its file.
///
/// # Errors
/// As [`open_size_model`].
pub fn load_size_model(bytes: &[u8], options: &LoadOptions) -> Result<SizeModel, Error> {
    Ok(cytoshade_model::load_size_model(bytes, options)?)
}
