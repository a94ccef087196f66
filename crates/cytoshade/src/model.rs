//! A network read from a file.

use std::sync::Arc;

use cytoshade_core::Network;
use cytoshade_model::LoadOptions;
#[cfg(not(target_arch = "wasm32"))]
use cytoshade_model::Origin;

use crate::Error;
#[cfg(not(target_arch = "wasm32"))]
use crate::{Identity, ModelDirs, ModelRef};

/// A network, from a file or made by the program. Clones share the weights.
#[derive(Clone, Debug)]
pub struct Model {
    network: Arc<Network>,
    // A page does not use the hash, and each of its workers would compute it.
    #[cfg(not(target_arch = "wasm32"))]
    origin: Option<Origin>,
}

impl Model {
    /// Opens a model with the default [`LoadOptions`], from its path or by its name.
    ///
    /// - A path names a file: a torch file as Cellpose saves it, safetensors, or an ONNX export, distinguished by
    ///   content. Opening it executes nothing.
    /// - A name is searched in [`ModelDirs::from_env`]: the name of a published model (`cyto3`), whose hash is then
    ///   checked, or of any other file there (`CP_20230101_120000`). [`ModelDirs::resolve`] distinguishes names from
    ///   paths.
    ///
    /// # Errors
    /// [`Error::Model`] if the file cannot be read or holds no Cellpose network, [`Error::ModelNotFound`],
    /// [`Error::NotPublished`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(path_or_name: impl AsRef<std::path::Path>) -> Result<Self, Error> {
        Self::open_with(path_or_name, &LoadOptions::default())
    }

    /// [`Model::open`] with a required hash in place of the published one, or with other limits.
    ///
    /// # Errors
    /// As [`Model::open`], and [`Error::Model`] if the file has another hash than `options`.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_with(path_or_name: impl AsRef<std::path::Path>, options: &LoadOptions) -> Result<Self, Error> {
        Self::open_in(path_or_name, &ModelDirs::from_env(), options)
    }

    /// [`Model::open_with`] that searches other folders for names.
    ///
    /// # Errors
    /// As [`Model::open_with`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_in(
        path_or_name: impl AsRef<std::path::Path>,
        folders: &ModelDirs,
        options: &LoadOptions,
    ) -> Result<Self, Error> {
        Self::open_ref(&folders.resolve(path_or_name.as_ref()), options)
    }

    /// Opens a model that [`ModelDirs::resolve`] has found.
    ///
    /// # Errors
    /// As [`Model::open_with`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_ref(reference: &ModelRef, options: &LoadOptions) -> Result<Self, Error> {
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

    /// Makes a model of the program's own network, for example of another architecture.
    ///
    /// `cytoshade_model::load_tensors` reads the tensors of a file, and [`Network::new`] makes a network of them.
    pub fn from_network(network: Network) -> Self {
        Self {
            network: Arc::new(network),
            #[cfg(not(target_arch = "wasm32"))]
            origin: None,
        }
    }

    /// The model's file: its format, its hash, and the published model with this hash.
    ///
    /// `None` if the program made the network.
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
