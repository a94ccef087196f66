//! Other files of a set, beside the opened file.

#[cfg(feature = "microscopy")]
use crate::source::Source;
#[cfg(not(target_family = "wasm"))]
use std::path::{Path, PathBuf};

/// The folder of the opened file, if any.
#[derive(Clone, Debug, Default)]
#[cfg_attr(not(feature = "microscopy"), expect(dead_code, reason = "only OME-XML describes sets of files"))]
pub(crate) struct Siblings {
    #[cfg(not(target_family = "wasm"))]
    folder: Option<PathBuf>,
    name: String,
}

impl Siblings {
    /// The siblings of the file at `path`.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn new(path: &Path) -> Self {
        let folder = path.parent().map(|folder| match folder.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => folder.to_path_buf(),
        });
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { folder, name }
    }

    /// The name of the opened file; empty if it has none.
    #[cfg(feature = "microscopy")]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Opens a sibling by name. Refuses names that are paths.
    #[cfg(all(feature = "microscopy", not(target_family = "wasm")))]
    pub(crate) fn open(&self, name: &str) -> Result<Source<'static>, String> {
        let Some(folder) = &self.folder else { return Err("no other file is opened".into()) };
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', ':', '\0']) {
            return Err("its name is not a plain file name".into());
        }
        let path = folder.join(name);
        let file = cytoshade_safe_io::open(&path, cytoshade_safe_io::Links::Follow);
        let file = file.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "it is not beside this file".to_owned(),
            _ => crate::error::one_line(&cytoshade_safe_io::Redacted::io(&error)),
        })?;
        let length =
            file.metadata().map_err(|error| crate::error::one_line(&cytoshade_safe_io::Redacted::io(&error)))?.len();
        Ok(Source::Path { path, length })
    }

    /// Fails: a browser has no folders.
    #[cfg(all(feature = "microscopy", target_family = "wasm"))]
    pub(crate) fn open(&self, _name: &str) -> Result<Source<'static>, String> {
        Err("files in memory have no siblings".into())
    }
}
