//! The output files of a run, which never replace its inputs, its models or each other.

use std::collections::{HashMap, HashSet};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use cytoshade::Sha256;
use cytoshade_formats::{Error, SaveFile, save, save_new};
use cytoshade_safe_io::{Existing, FileIdentity, printable_path};

use crate::failure::Failure;
use crate::model::Source;

/// The files that a run must not overwrite.
///
/// They are compared by their identity in the file system, so that links and other spellings of a name count as the
/// same file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outputs {
    kept: HashMap<FileIdentity, &'static str>,
    written: HashSet<PathBuf>,
    /// The outputs since the last call of [`Outputs::take_hashes`], if they are hashed.
    hashes: Option<Vec<(PathBuf, Sha256)>>,
}

impl Outputs {
    /// Protects the inputs of a run.
    pub(crate) fn new<'a>(inputs: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        let mut outputs = Self::default();
        inputs.into_iter().for_each(|input| outputs.keep(input, "an input"));
        outputs
    }

    /// Hashes every output from now on.
    pub(crate) fn hash_outputs(&mut self) {
        self.hashes = Some(Vec::new());
    }

    /// The outputs since the last call, with their hashes.
    pub(crate) fn take_hashes(&mut self) -> Vec<(PathBuf, Sha256)> {
        self.hashes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Protects a file, if it exists. `role` completes the error "PATH is ...".
    pub(crate) fn keep(&mut self, path: &Path, role: &'static str) {
        if let Ok(identity) = FileIdentity::new(path) {
            self.kept.entry(identity).or_insert(role);
        }
    }

    /// Protects the files of a model, given as a path or a name.
    pub(crate) fn keep_model(&mut self, typed: &Path) {
        if let Source::ModelRef(reference) = Source::new(typed) {
            reference.paths().iter().for_each(|path| self.keep(path, "a model of this run"));
        }
    }

    /// Fails for a path that this run must not overwrite.
    pub(crate) fn check(&self, path: &Path) -> Result<(), Failure> {
        let refuse = |why| Err(Failure::run(format!("{} is {why}; use another folder", printable_path(path))));
        if self.written.contains(path) {
            return refuse("another result of this run");
        }
        match std::fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => return refuse("a link, and links are not followed"),
            Ok(_) => {}
            Err(_) => return Ok(()),
        }
        match FileIdentity::new(path).ok().and_then(|identity| self.kept.get(&identity)) {
            Some(role) => refuse(role),
            None => Ok(()),
        }
    }

    /// Writes a file atomically.
    pub(crate) fn save(
        &mut self,
        path: &Path,
        existing: Existing,
        content: impl FnOnce(&mut SaveFile<'_>) -> Result<(), Error>,
    ) -> Result<(), Failure> {
        self.save_announced(path, existing, content, |_| ())
    }

    /// [`Outputs::save`] that calls `announce` with the hash of the file, if outputs are hashed, before it appears.
    pub(crate) fn save_announced(
        &mut self,
        path: &Path,
        existing: Existing,
        content: impl FnOnce(&mut SaveFile<'_>) -> Result<(), Error>,
        announce: impl FnOnce(Sha256),
    ) -> Result<(), Failure> {
        self.check(path)?;
        let hashes = &mut self.hashes;
        let content = |out: &mut SaveFile<'_>| {
            content(out)?;
            if let Some(hashes) = hashes {
                out.flush().map_err(Error::Write)?;
                let hash = crate::hash::of_open_file(out.get_mut()).map_err(Error::Write)?;
                announce(hash);
                hashes.push((path.to_path_buf(), hash));
            }
            Ok(())
        };
        let saved = match existing {
            Existing::Replace => save(path, content),
            Existing::Keep => save_new(path, content),
        };
        saved.map_err(|error| match &error {
            Error::Write(source) if existing == Existing::Keep && source.kind() == ErrorKind::AlreadyExists => {
                Failure::run(format!("{} exists and is kept; use another folder", printable_path(path)))
            }
            _ => Failure::run(format!("cannot write {}: {error}", printable_path(path))),
        })?;
        self.written.insert(path.to_path_buf());
        self.keep(path, "another result of this run");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(outputs: &mut Outputs, path: &Path, existing: Existing) -> Result<(), String> {
        let content = |out: &mut SaveFile<'_>| out.write_all(b"new").map_err(Error::Write);
        outputs.save(path, existing, content).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn inputs_models_and_results_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let [input, model, hard, result] =
            ["input.tif", "model", "hard.tif", "result.tif"].map(|name| folder.path().join(name));
        fs::write(&input, "old").unwrap();
        fs::write(&model, "old").unwrap();
        fs::hard_link(&input, &hard).unwrap();
        let mut outputs = Outputs::new([&input]);
        outputs.keep(&model, "the model");
        let mut refused = |path: &Path, why: &str| {
            let error = write(&mut outputs, path, Existing::Replace).unwrap_err();
            assert!(error.contains(why), "{error}");
        };
        refused(&input, "an input");
        refused(&hard, "an input");
        refused(&folder.path().join("./input.tif"), "an input");
        refused(&model, "the model");
        write(&mut outputs, &result, Existing::Replace).unwrap();
        assert!(write(&mut outputs, &result, Existing::Replace).unwrap_err().contains("another result"));
        // Stands for a name in another case, which is the same file on some systems.
        let other_name = folder.path().join("RESULT.tif");
        fs::hard_link(&result, &other_name).unwrap();
        assert!(write(&mut outputs, &other_name, Existing::Replace).unwrap_err().contains("another result"));
        assert_eq!((fs::read(&input).unwrap(), fs::read(&model).unwrap()), (b"old".to_vec(), b"old".to_vec()));
    }

    #[test]
    fn an_existing_file_is_replaced_or_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells_seg.npy");
        fs::write(&path, "corrected").unwrap();
        let error = write(&mut Outputs::default(), &path, Existing::Keep).unwrap_err();
        assert!(error.contains("exists and is kept"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"corrected");
        write(&mut Outputs::default(), &path, Existing::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn the_hash_of_an_output_is_announced_before_it_appears() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.csv");
        let mut outputs = Outputs::default();
        outputs.hash_outputs();
        let content = |out: &mut SaveFile<'_>| out.write_all(b"abc").map_err(Error::Write);
        let mut announced = None;
        let announce = |hash: Sha256| announced = Some((hash, path.exists()));
        outputs.save_announced(&path, Existing::Replace, content, announce).unwrap();
        let expected = Sha256::digest(b"abc");
        assert_eq!(announced, Some((expected, false)));
        assert_eq!(outputs.take_hashes(), [(path, expected)]);
        assert!(outputs.take_hashes().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [precious, link] = ["precious", "cells.tif"].map(|name| folder.path().join(name));
        fs::write(&precious, "old").unwrap();
        std::os::unix::fs::symlink(&precious, &link).unwrap();
        assert!(write(&mut Outputs::default(), &link, Existing::Replace).unwrap_err().contains("a link"));
        assert_eq!(fs::read(&precious).unwrap(), b"old");
    }
}
