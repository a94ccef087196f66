//! A model argument: a path, a name, or `demo`.

use std::path::{Path, PathBuf};

use cytoshade::{LoadOptions, Model, ModelDirs, ModelRef};
use cytoshade_model::{AnyModel, Converted, SaveOptions};

use super::hint::hint;
use crate::bundled;
use crate::failure::Failure;
use crate::report::warn;

/// The name of the bundled network.
pub(crate) const DEMO: &str = "demo";

/// The source of a model.
pub(crate) enum Source {
    /// The network compiled into the program.
    Bundled,
    /// A file, given by its path or found in the models' folders.
    ModelRef(ModelRef),
}

impl Source {
    pub(crate) fn new(typed: &Path) -> Self {
        // `./demo` is a file of this name, as for the names of published models.
        if typed == Path::new(DEMO) {
            return Source::Bundled;
        }
        Source::ModelRef(ModelDirs::from_env().resolve(typed))
    }

    /// Opens a network. Prints the names of further files that it read.
    pub(crate) fn network(typed: &Path, options: &LoadOptions) -> Result<Model, Failure> {
        let model = match Source::new(typed) {
            Source::Bundled => Model::from_bytes(bundled::MODEL, options),
            Source::ModelRef(reference) => Model::open_ref(&reference, options),
        };
        let model = model.map_err(|error| match hint(typed, &error) {
            Some(hint) => Failure::run(format!("{error}; {hint}")),
            None => Failure::run(error),
        })?;
        for part in model.origin().iter().flat_map(|origin| &origin.parts) {
            warn(format_args!("the model's weights are in {part}, beside the model"));
        }
        Ok(model)
    }

    /// Opens the model, and returns its path.
    pub(crate) fn load(&self, options: &LoadOptions) -> Result<(AnyModel, PathBuf), Failure> {
        match self {
            Source::Bundled => {
                let (network, origin) =
                    cytoshade_model::load_with_origin(bundled::MODEL, options).map_err(Failure::run)?;
                Ok((AnyModel::Network(network, origin), DEMO.into()))
            }
            Source::ModelRef(reference) => reference
                .open(options, |path, options| Ok((cytoshade_model::load_any_path(path, options)?, path.to_path_buf())))
                .map_err(Failure::run),
        }
    }

    /// Converts the network to safetensors, and returns its path.
    pub(crate) fn convert(&self, save: &SaveOptions) -> Result<(Converted, PathBuf), Failure> {
        let options = LoadOptions::default();
        match self {
            Source::Bundled => {
                let converted = cytoshade_model::convert(bundled::MODEL, &options, save).map_err(Failure::run)?;
                Ok((converted, DEMO.into()))
            }
            Source::ModelRef(reference) => reference
                .open(&options, |path, options| {
                    Ok((cytoshade_model::convert_path(path, options, save)?, path.to_path_buf()))
                })
                .map_err(Failure::run),
        }
    }
}
