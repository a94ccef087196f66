//! A network read from a file.

use std::sync::Arc;

use cytoshade_core::Network;
#[cfg(not(target_arch = "wasm32"))]
use cytoshade_model::Origin;
use cytoshade_model::{LoadOptions, SizeModel};

use crate::Error;
#[cfg(not(target_arch = "wasm32"))]
use crate::{Identity, ModelDirs};

/// A network: read from a file, or of a program's own. Clones share the weights.
#[derive(Clone, Debug)]
pub struct Model {
    network: Arc<Network>,
    // In a browser each worker would hash the bytes once more for it, and nothing asks.
    #[cfg(not(target_arch = "wasm32"))]
    origin: Option<Origin>,
}

impl Model {
    /// Opens a model with the default [`LoadOptions`], from its path or by its name.
    ///
    /// - A path leads to a file: a torch file as Cellpose saves it, safetensors, or an ONNX export, told apart by
    ///   content. Nothing in it is executed.
    /// - A name is looked for in [`ModelDirs::from_env`]: that of a published model (`cyto3`), which must then have its
    ///   hash, or that of a file of one's own (`CP_20230101_120000`). [`ModelDirs::resolve`] tells names from paths.
    ///
    /// # Errors
    /// [`Error::Model`] where the file cannot be read or holds no Cellpose network, [`Error::ModelNotFound`],
    /// [`Error::NotPublished`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(path_or_name: impl AsRef<std::path::Path>) -> Result<Self, Error> {
        Self::open_with(path_or_name, &LoadOptions::default())
    }

    /// As [`Model::open`], demanding a hash or under other limits. A hash that is demanded here is demanded in place of
    /// a published one.
    ///
    /// # Errors
    /// As [`Model::open`], and where the file has not the hash that `options` demand.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_with(path_or_name: impl AsRef<std::path::Path>, options: &LoadOptions) -> Result<Self, Error> {
        Self::open_in(path_or_name, &ModelDirs::from_env(), options)
    }

    /// As [`Model::open_with`], with names looked for in other folders.
    ///
    /// # Errors
    /// As [`Model::open_with`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_in(
        path_or_name: impl AsRef<std::path::Path>,
        folders: &ModelDirs,
        options: &LoadOptions,
    ) -> Result<Self, Error> {
        let reference = folders.resolve(path_or_name.as_ref());
        let (network, mut origin) = reference.open(options, cytoshade_model::load_path_with_origin)?;
        if let Some(published) = reference.published().filter(|published| published.sha256.is_none()) {
            origin.identity = Identity::Unverified(published);
        }
        Ok(Self { network: Arc::new(network), origin: Some(origin) })
    }

    /// A model from the bytes of its file.
    ///
    /// # Errors
    /// As [`Model::open_with`].
    pub fn from_bytes(bytes: &[u8], options: &LoadOptions) -> Result<Self, Error> {
        #[cfg(not(target_arch = "wasm32"))]
        let (network, origin) = cytoshade_model::load_with_origin(bytes, options)?;
        #[cfg(target_arch = "wasm32")]
        let network = cytoshade_model::load(bytes, options)?;
        Ok(Self {
            network: Arc::new(network),
            #[cfg(not(target_arch = "wasm32"))]
            origin: Some(origin),
        })
    }

    /// A model of a network that the program made itself, such as one of its own architecture.
    ///
    /// `cytoshade_model::load_tensors` reads the tensors of a file, and [`Network::new`] makes a network of them.
    pub fn from_network(network: Network) -> Self {
        Self {
            network: Arc::new(network),
            #[cfg(not(target_arch = "wasm32"))]
            origin: None,
        }
    }

    /// The file that it was read from: format, hash, and whether that is a published model's. `None` for a network that
    /// the program made itself.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
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
    Ok(cytoshade_model::load_size_model_path(path.as_ref(), options)?)
}

/// A size model from the bytes of its file.
///
/// # Errors
/// As [`open_size_model`].
pub fn load_size_model(bytes: &[u8], options: &LoadOptions) -> Result<SizeModel, Error> {
    Ok(cytoshade_model::load_size_model(bytes, options)?)
}
