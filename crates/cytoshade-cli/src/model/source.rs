//! A model argument: a path, a name, or `demo`.

use std::path::{Path, PathBuf};

use cytoshade::{LoadOptions, Model, ModelDirs, ModelRef};
use cytoshade_model::{AnyModel, Converted, SaveOptions};
use cytoshade_safe_io::folder_of;

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

    /// The files of external weights of a model that was opened from this source. They are in its folder.
    pub(crate) fn parts(&self, model: &Model) -> Vec<PathBuf> {
        let Source::ModelRef(reference) = self else { return Vec::new() };
        let folder = reference.paths().iter().find(|path| path.exists()).map(|path| folder_of(path));
        let (Some(folder), Some(origin)) = (folder, model.origin()) else { return Vec::new() };
        origin.parts.iter().map(|name| folder.join(name)).collect()
    }

    /// The hash of the file of a model, and that of its external weights if there are any.
    ///
    /// # Errors
    /// Fails if the external weights cannot be read again.
    pub(crate) fn hashes(&self, model: &Model) -> Result<Vec<String>, Failure> {
        let parts = self.parts(model);
        let mut hashes: Vec<String> = model.origin().iter().map(|origin| origin.sha256.to_string()).collect();
        for part in &parts {
            let hash = crate::hash::of_files([part.as_path()]).map_err(|error| Failure::at(part, error))?;
            hashes.push(hash.to_string());
        }
        Ok(hashes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_of_a_model_are_those_of_its_external_weights_too() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cytoshade-model/tests/fixtures");
        let folder = tempfile::tempdir().unwrap();
        let [model, weights] = ["dynamo_18.onnx", "dynamo_18.onnx.data"].map(|name| {
            let path = folder.path().join(name);
            std::fs::copy(fixtures.join(name), &path).unwrap();
            path
        });
        let hashes = || {
            let opened = Source::network(&model, &LoadOptions::default()).unwrap();
            Source::new(&model).hashes(&opened).unwrap()
        };
        let before = hashes();
        assert_eq!(before.len(), 2);
        let mut bytes = std::fs::read(&weights).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&weights, bytes).unwrap();
        let after = hashes();
        assert_eq!(before[0], after[0]);
        assert_ne!(before[1], after[1]);
    }
}
