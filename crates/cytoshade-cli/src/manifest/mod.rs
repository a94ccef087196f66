//! `cytoshade-run.json`: the settings of the runs in a folder, and the hashes of their inputs and outputs.

mod journal;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use cytoshade::Sha256;
use cytoshade_safe_io::{Links, folder_of, open, printable, printable_path, read_at_most};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
pub(crate) use journal::Journal;

/// The name of the manifest.
pub(crate) const FILE: &str = "cytoshade-run.json";

/// The version of the format.
const FORMAT: u32 = 1;

/// Bytes of a manifest: about 500,000 inputs.
const MAX_MANIFEST_BYTES: u64 = 1 << 28;

/// The records of a folder. All paths are relative to it, with slashes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The version of this format.
    format: u32,
    /// The runs that made the outputs.
    pub(crate) runs: Vec<RunRecord>,
    /// By the path of the input.
    pub(crate) inputs: BTreeMap<String, InputRecord>,
    /// The hashes of outputs that no record of an input has: those of incomplete inputs, and those of earlier settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    other_outputs: BTreeMap<String, String>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRecord {
    /// The version of Cytoshade.
    pub(crate) version: String,
    /// The device that ran the network.
    pub(crate) device: String,
    /// The hashes of the models, the parameters and the options that decide about the outputs.
    pub(crate) settings: Value,
}

impl RunRecord {
    /// True if both runs give the same outputs, up to the rounding of their devices.
    fn has_settings_of(&self, other: &Self) -> bool {
        self.version == other.version && self.settings == other.settings
    }
}

/// A complete input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InputRecord {
    /// The index of the run in [`Manifest::runs`].
    pub(crate) run: usize,
    /// SHA-256 of the file; of a set of files, of all its files one after the other.
    pub(crate) sha256: String,
    /// SHA-256 of each output, by its path.
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) cells: usize,
    /// The time of all stages.
    pub(crate) seconds: f64,
}

impl Default for Manifest {
    fn default() -> Self {
        Self { format: FORMAT, runs: Vec::new(), inputs: BTreeMap::new(), other_outputs: BTreeMap::new() }
    }
}

impl Manifest {
    /// Reads the manifest of a folder; empty if there is none.
    ///
    /// # Errors
    /// Fails if the file is not a manifest of this version, or names a file outside of the folder.
    pub(crate) fn read(root: &Path) -> Result<Self, Failure> {
        let path = root.join(FILE);
        let Some(bytes) = read_if_any(&path)? else { return Ok(Self::default()) };
        let manifest = serde_json::from_slice::<Self>(&bytes).map_err(|error| damaged(&path, &error))?;
        if manifest.format != FORMAT {
            return Err(damaged(&path, &format_args!("it has the format {}, expected {FORMAT}", manifest.format)));
        }
        manifest.check().map_err(|what| damaged(&path, &what))?;
        Ok(manifest)
    }

    /// Checks what the types do not: indices and paths.
    fn check(&self) -> Result<(), String> {
        let outputs = self.inputs.values().flat_map(|record| record.outputs.keys()).chain(self.other_outputs.keys());
        if let Some(path) = outputs.into_iter().find(|path| !is_below(path)) {
            return Err(format!("{} is not a path below its folder", printable(path)));
        }
        match self.inputs.values().find(|record| record.run >= self.runs.len()) {
            Some(record) => {
                Err(format!("an input names run {}, expected a number below {}", record.run, self.runs.len()))
            }
            None => Ok(()),
        }
    }

    /// The record of an input whose file and settings are unchanged and whose outputs exist; and true if an output was
    /// changed since, such as labels that were corrected by hand.
    pub(crate) fn done(&self, root: &Path, key: &str, sha256: Sha256, run: &RunRecord) -> Option<(&InputRecord, bool)> {
        let record = self.inputs.get(key)?;
        let has_settings = self.runs.get(record.run).is_some_and(|known| known.has_settings_of(run));
        if !has_settings || record.sha256 != sha256.to_string() {
            return None;
        }
        let mut is_changed = false;
        for (path, expected) in &record.outputs {
            match crate::hash::of_result(&root.join(path)) {
                Ok(hash) => is_changed |= hash.to_string() != *expected,
                Err(error) if error.kind() == ErrorKind::NotFound => return None,
                // Another kind of file, or one that this user cannot read, is not this program's to replace.
                Err(_) => is_changed = true,
            }
        }
        Some((record, is_changed))
    }

    /// True if a run wrote this file, a result of `input`, and nobody changed it since.
    pub(crate) fn is_untouched(&self, root: &Path, path: &Path, input: &Path) -> bool {
        let Some(key) = relative(root, path) else { return false };
        // Most often the record is that of the input; another input can have had the same result.
        let own = relative(root, input).and_then(|input| self.inputs.get(&input));
        let records = own.into_iter().chain(self.inputs.values()).filter_map(|record| record.outputs.get(&key));
        let mut known = self.other_outputs.get(&key).into_iter().chain(records).peekable();
        if known.peek().is_none() {
            return false;
        }
        crate::hash::of_result(path).is_ok_and(|hash| known.any(|known| *known == hash.to_string()))
    }

    /// The names of the settings that differ from those of the last run, if inputs were made with it.
    pub(crate) fn changed_settings(&self, run: &RunRecord) -> Vec<String> {
        let is_known = self.runs.iter().any(|known| known.has_settings_of(run));
        let mut names = Vec::new();
        if let Some(last) = self.runs.last().filter(|_| !is_known) {
            differences("", &last.settings, &run.settings, &mut names);
            names.extend((last.version != run.version).then(|| "version".to_owned()));
        }
        names
    }

    /// The index of a run with these settings; adds it if there is none.
    fn run(&mut self, run: &RunRecord) -> usize {
        let known = self.runs.iter().position(|known| known == run);
        known.unwrap_or_else(|| {
            self.runs.push(run.clone());
            self.runs.len() - 1
        })
    }

    /// Adds an output of an input that is not complete.
    fn add_output(&mut self, path: String, sha256: String) {
        self.other_outputs.insert(path, sha256);
    }

    /// Adds a complete input. The outputs of its earlier record stay known, if this one does not replace them.
    fn add_input(&mut self, path: String, record: InputRecord) {
        for output in record.outputs.keys() {
            self.other_outputs.remove(output);
        }
        let earlier = self.inputs.insert(path.clone(), record);
        let Some((earlier, record)) = earlier.zip(self.inputs.get(&path)) else { return };
        let others = earlier.outputs.into_iter().filter(|(output, _)| !record.outputs.contains_key(output));
        self.other_outputs.extend(others);
    }

    /// Removes the runs of which no input is left.
    fn drop_unused_runs(&mut self) {
        let used: BTreeSet<usize> = self.inputs.values().map(|record| record.run).collect();
        let number: BTreeMap<usize, usize> = used.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        let mut old = 0..;
        self.runs.retain(|_| old.next().is_some_and(|old| used.contains(&old)));
        for record in self.inputs.values_mut() {
            record.run = number.get(&record.run).copied().unwrap_or_default();
        }
    }
}

/// A file of at most [`MAX_MANIFEST_BYTES`]; `None` if there is none.
fn read_if_any(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let file = match open(path, Links::Refuse) {
        Ok(file) => file,
        // A folder that cannot exist is reported when it is created.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(damaged(path, &error)),
    };
    read_at_most(file, MAX_MANIFEST_BYTES).map(Some).map_err(|error| damaged(path, &error))
}

fn damaged(path: &Path, what: &dyn std::fmt::Display) -> Failure {
    Failure::run(format!(
        "cannot use {} as a record of earlier runs: {what}; remove it, or pass another --output",
        printable_path(path)
    ))
}

/// A path relative to a folder, with slashes; may begin with `..`.
pub(crate) fn relative(root: &Path, path: &Path) -> Option<String> {
    let folder = std::fs::canonicalize(folder_of(path)).ok()?;
    let below = pathdiff::diff_paths(folder.join(path.file_name()?), std::fs::canonicalize(root).ok()?)?;
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Some(parts.join("/"))
}

/// True for a relative path without `..`.
fn is_below(path: &str) -> bool {
    let path = PathBuf::from(path);
    path.file_name().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Collects the names of the values that differ.
fn differences(name: &str, a: &Value, b: &Value, names: &mut Vec<String>) {
    let (Value::Object(a), Value::Object(b)) = (a, b) else {
        if a != b {
            names.push(name.to_owned());
        }
        return;
    };
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for key in keys {
        differences(key, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null), names);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    pub(super) fn run(settings: Value) -> RunRecord {
        RunRecord { version: "1".into(), device: "CPU".into(), settings }
    }

    pub(super) fn record(run: usize, sha256: &str, outputs: &[(&str, &str)]) -> InputRecord {
        let outputs = outputs.iter().map(|(path, hash)| (path.to_string(), hash.to_string())).collect();
        InputRecord { run, sha256: sha256.into(), outputs, cells: 3, seconds: 0.5 }
    }

    #[test]
    fn an_input_is_done_if_nothing_of_it_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (input, output) = (folder.path().join("a.tif"), folder.path().join("a_cp_masks.tif"));
        std::fs::write(&input, "image").unwrap();
        std::fs::write(&output, "masks").unwrap();
        let hash = crate::hash::of_files([input.as_path()]).unwrap();
        let masks = crate::hash::of_result(&output).unwrap().to_string();
        let [settings, other] = [30, 31].map(|diameter| run(json!({"diameter": diameter})));
        let newer = RunRecord { version: "2".into(), ..settings.clone() };
        let mut manifest = Manifest { runs: vec![settings.clone()], ..Manifest::default() };
        manifest.add_input("a.tif".into(), record(0, &hash.to_string(), &[("a_cp_masks.tif", &masks)]));
        let done = |hash: Sha256, run: &RunRecord| {
            manifest.done(folder.path(), "a.tif", hash, run).map(|(_, is_changed)| is_changed)
        };
        let is_untouched = || manifest.is_untouched(folder.path(), &output, &input);
        assert_eq!(done(hash, &settings), Some(false));
        assert_eq!([done(Sha256([0; 32]), &settings), done(hash, &other), done(hash, &newer)], [None; 3]);
        assert!(is_untouched());
        assert_eq!(manifest.changed_settings(&other), ["diameter"]);
        assert_eq!(manifest.changed_settings(&newer), ["version"]);
        assert!(manifest.changed_settings(&settings).is_empty());
        std::fs::write(&output, "corrected").unwrap();
        assert_eq!((done(hash, &settings), is_untouched()), (Some(true), false));
        std::fs::remove_file(&output).unwrap();
        assert_eq!(done(hash, &settings), None);
    }

    #[test]
    fn outputs_of_earlier_settings_stay_known() {
        let folder = tempfile::tempdir().unwrap();
        let [input, png] = ["a.tif", "a_cp_masks.png"].map(|name| folder.path().join(name));
        std::fs::write(&png, "masks").unwrap();
        let hash = crate::hash::of_result(&png).unwrap().to_string();
        let mut manifest = Manifest { runs: vec![run(json!({}))], ..Manifest::default() };
        manifest.add_input("a.tif".into(), record(0, "", &[("a_cp_masks.png", &hash)]));
        manifest.add_input("a.tif".into(), record(0, "", &[("a_cells.csv", "")]));
        assert!(manifest.is_untouched(folder.path(), &png, &input));
        std::fs::write(&png, "corrected").unwrap();
        assert!(!manifest.is_untouched(folder.path(), &png, &input));
        manifest.add_input("a.tif".into(), record(0, "", &[("a_cp_masks.png", &hash)]));
        assert_eq!(manifest.other_outputs.keys().collect::<Vec<_>>(), ["a_cells.csv"]);
    }

    #[test]
    fn manifests_that_name_other_folders_or_are_damaged_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let read = |value: &str| {
            std::fs::write(folder.path().join(FILE), value).unwrap();
            Manifest::read(folder.path()).map_err(|failure| format!("{failure:?}"))
        };
        let with = |path: &str, run: usize| {
            let outputs = json!({path: "00"});
            let record = json!({"run": run, "sha256": "00", "outputs": outputs, "cells": 1, "seconds": 0.1});
            let run = json!({"version": "1", "device": "CPU", "settings": {}});
            json!({"format": 1, "runs": [run], "inputs": {"../a.tif": record}}).to_string()
        };
        assert!(read(&with("a/b_cp_masks.tif", 0)).is_ok());
        for path in ["../b.tif", "/etc/passwd", "a/../../b", "", ".", "a/.."] {
            assert!(read(&with(path, 0)).unwrap_err().contains("not a path below"), "{path}");
        }
        assert!(read(&with("a.tif", 1)).unwrap_err().contains("run 1"));
        assert!(read("{").unwrap_err().contains("remove it"));
        assert!(read(r#"{"format": 2, "runs": [], "inputs": {}}"#).unwrap_err().contains("format 2"));
        assert!(read(r#"{"format": 1, "runs": [], "inputs": {}, "more": 1}"#).unwrap_err().contains("more"));
    }

    #[test]
    fn runs_without_inputs_are_dropped() {
        let mut manifest = Manifest::default();
        let [first, second] = [1, 2].map(|value| manifest.run(&run(json!({"niter": value}))));
        manifest.add_input("a".into(), record(first, "", &[]));
        manifest.add_input("b".into(), record(second, "", &[]));
        manifest.add_input("a".into(), record(second, "", &[]));
        manifest.drop_unused_runs();
        assert_eq!(manifest.runs, [run(json!({"niter": 2}))]);
        assert!(manifest.inputs.values().all(|record| record.run == 0));
    }
}
