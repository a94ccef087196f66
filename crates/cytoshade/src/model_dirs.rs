//! Models by name: the folders of models, and the files in them.

use std::env;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cytoshade_model::{Error as ModelError, LoadOptions, PUBLISHED, Published};
use etcetera::BaseStrategy;

use crate::Error;

/// The folders that hold models by name: Cytoshade's, then Cellpose's, which is only read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelDirs {
    /// Cytoshade's folder, if any.
    pub own: Option<PathBuf>,
    /// Cellpose's folder, if any.
    pub cellpose: Option<PathBuf>,
}

impl ModelDirs {
    /// The folders of the current user.
    ///
    /// Cytoshade's is `CYTOSHADE_MODELS`, or `cytoshade/models` in the user's cache folder (by XDG `~/.cache`; the local
    /// application data on Windows). Cellpose's is `CELLPOSE_LOCAL_MODELS_PATH`, or `~/.cellpose/models`, as in the
    /// reference.
    pub fn from_env() -> Self {
        let cache = || Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("cytoshade").join("models"));
        let cellpose = || Some(etcetera::home_dir().ok()?.join(".cellpose").join("models"));
        Self {
            own: variable("CYTOSHADE_MODELS").or_else(cache),
            cellpose: variable("CELLPOSE_LOCAL_MODELS_PATH").or_else(cellpose),
        }
    }

    /// Both folders, in the order of search.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        self.own.iter().chain(&self.cellpose).map(PathBuf::as_path)
    }

    /// Resolves a path or a name to a model.
    ///
    /// The name of a published model always means that model, even if the current folder has a file of that name;
    /// `./cyto3` names the file. Any other text is a path if it holds a separator, is not a plain name
    /// ([`is_plain_name`]), or names a file in the current folder; otherwise it is a name.
    pub fn resolve(&self, path_or_name: &Path) -> ModelRef {
        let is_here = || path_or_name.exists() && !path_or_name.is_dir();
        let name = path_or_name.to_str().filter(|name| is_plain_name(name));
        match name.filter(|name| Published::named(name).is_some() || !is_here()) {
            Some(name) => self.named(name),
            None => ModelRef { name: None, published: None, paths: vec![path_or_name.to_path_buf()] },
        }
    }

    /// Resolves a plain name: the file of a published model, or a file of that name.
    fn named(&self, name: &str) -> ModelRef {
        let published = Published::named(name);
        let file = published.map_or(name, |published| published.file);
        let paths = self.iter().map(|folder| folder.join(file)).collect();
        ModelRef { name: Some(name.into()), published, paths }
    }

    /// The size model of a network, given as for [`crate::Model::open`].
    ///
    /// Searches for `size_NAME.npy`, or `NAME_size.npy` as Cellpose's training writes it, beside the network's file or
    /// in these folders. NAME may lack the network's extension.
    pub fn find_size_model(&self, path_or_name: &Path) -> Option<ModelRef> {
        let network = self.resolve(path_or_name);
        network.paths.iter().find_map(|path| {
            let file = path.file_name()?.to_str()?;
            let stem = path.file_stem()?.to_str()?;
            let names = [file, stem].map(|name| [format!("size_{name}.npy"), format!("{name}_size.npy")]);
            let name = names.into_iter().flatten().find(|name| path.with_file_name(name).is_file())?;
            // Outside these folders, a file name alone does not make a published model.
            let published = network.name.as_ref().and_then(|_| Published::named(&name));
            Some(ModelRef { paths: vec![path.with_file_name(&name)], published, name: None })
        })
    }

    /// The files in both folders that may be models, by folder and name.
    ///
    /// An unreadable folder counts as empty.
    pub fn list(&self) -> Vec<ModelFile> {
        let mut list = Vec::new();
        for folder in self.iter() {
            let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let mut found: Vec<_> = files.filter_map(|file| present(&file.path(), folder)).collect();
            found.sort_by(|a, b| a.name.cmp(&b.name));
            list.extend(found);
        }
        list
    }
}

/// The folder for cached data, for [`crate::SegmenterBuilder::cache`].
///
/// It is `CYTOSHADE_CACHE`, or `cytoshade/gpu` in the user's cache folder (by XDG `~/.cache`; the local application
/// data on Windows).
pub fn cache_folder() -> Option<PathBuf> {
    let cache = || Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("cytoshade").join("gpu"));
    variable("CYTOSHADE_CACHE").or_else(cache)
}

/// A file in one of the folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Its name, for [`crate::Model::open`].
    pub name: String,
    /// Its path.
    pub path: PathBuf,
    /// Its folder.
    pub folder: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The published model with this file name. The hash is not checked.
    pub published: Option<&'static Published>,
}

fn present(path: &Path, folder: &Path) -> Option<ModelFile> {
    let name = path.file_name()?.to_str().filter(|name| is_plain_name(name))?;
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    // Unfinished transfers, and the list that Cellpose's GUI keeps.
    if name.ends_with(".part") || name.ends_with(".part.json") || name == "gui_models.txt" {
        return None;
    }
    Some(ModelFile {
        name: name.to_string(),
        path: path.to_path_buf(),
        folder: folder.to_path_buf(),
        bytes: metadata.len(),
        published: PUBLISHED.iter().find(|published| published.file == name),
    })
}

/// A model by path or by name: a file, or the candidates in the model folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRef {
    name: Option<String>,
    published: Option<&'static Published>,
    paths: Vec<PathBuf>,
}

impl ModelRef {
    /// The candidate files, in the order of search; they need not exist.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The published model of this name, if any.
    pub fn published(&self) -> Option<&'static Published> {
        self.published
    }

    /// The name, or the path if there is no name.
    pub fn text(&self) -> String {
        match (&self.name, self.paths.first()) {
            (Some(name), _) => name.clone(),
            (None, path) => path.map(|path| path.display().to_string()).unwrap_or_default(),
        }
    }

    /// Opens the first candidate that exists with `open`.
    ///
    /// `open` receives options with the hash to check: that of `options`, else that of the published model.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`], [`Error::NotPublished`], and those of `open`.
    pub fn open<T>(
        &self,
        options: &LoadOptions,
        mut open: impl FnMut(&Path, &LoadOptions) -> Result<T, ModelError>,
    ) -> Result<T, Error> {
        let published = self.published.filter(|_| options.sha256.is_none());
        let sha256 = options.sha256.or(published.and_then(|published| published.sha256));
        let options = LoadOptions { sha256, ..options.clone() };
        for path in &self.paths {
            match (open(path, &options), published) {
                (Err(error), _) if self.name.is_some() && is_absent(&error, path) => {}
                (Err(ModelError::Hash { found, expected }), Some(published)) => {
                    return Err(Error::NotPublished { published, path: path.clone(), found, expected });
                }
                (outcome, _) => return Ok(outcome?),
            }
        }
        let folders = self.paths.iter().filter_map(|path| path.parent()).map(Path::to_path_buf).collect();
        Err(Error::ModelNotFound { name: self.name.clone().unwrap_or_default(), folders })
    }
}

fn is_absent(error: &ModelError, file: &Path) -> bool {
    matches!(error, ModelError::Io { path, source } if path == file && source.kind() == ErrorKind::NotFound)
}

/// Whether a text can name a file in a folder on every system.
///
/// A plain name has no separators, drive letters, leading dot or control characters, is not a device name of Windows,
/// and has at most 200 bytes.
pub fn is_plain_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || ["COM", "LPT"].iter().any(|port| stem.strip_prefix(port).is_some_and(|n| n.chars().count() == 1));
    let forbidden = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with(['.', '-', ' '])
        && !name.ends_with(['.', ' '])
        && !name.contains(forbidden)
        && !device
}

/// An environment variable that is not empty.
fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| value.as_os_str() != OsStr::new("")).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names() {
        for name in ["cyto3", "CP_20230101_120000", "size_cyto3.npy", "train_2023_01_01_12_00_00.123456", "Zellen ü"] {
            assert!(is_plain_name(name), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            ".hidden",
            "-rf",
            "a/b",
            "/a",
            "a\\b",
            "C:a",
            "a\0b",
            "a\nb",
            "a*",
            "con",
            "NUL.npy",
            "com1",
            "a.",
            "a ",
            " a",
            &"a".repeat(201),
        ] {
            assert!(!is_plain_name(name), "{name:?}");
        }
        assert!(is_plain_name("com"));
    }
}
