//! Opens a model file of either kind.

use cytoshade_core::Network;

use crate::{Error, LoadOptions, Origin, Sha256, SizeModel, size_model};

/// The contents of a model file.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyModel {
    /// A network and its origin.
    Network(Network, Origin),
    /// A size model, and the hash of its file.
    SizeModel(SizeModel, Sha256),
}

/// Opens the network or the size model in a file, distinguished by content.
///
/// Reads the file once, like [`crate::load_path`].
///
/// # Errors
/// Those of [`crate::load_path`] and [`crate::load_size_model`].
pub fn load_any_path(path: &std::path::Path, options: &LoadOptions) -> Result<AnyModel, Error> {
    let bytes = crate::read_file(path, &options.limits)?;
    if size_model::recognizes(&bytes) {
        let size_model = crate::load_size_model(&bytes, options)?;
        // A hash in the options was checked.
        return Ok(AnyModel::SizeModel(size_model, options.sha256.unwrap_or_else(|| Sha256::digest(&bytes))));
    }
    let find = crate::external::beside(path, bytes.len(), &options.limits);
    let (network, origin) = crate::read(&bytes, options, find)?.network(&bytes, options)?;
    Ok(AnyModel::Network(network, origin))
}
