//! The records of the current run: appended to a journal line by line, and folded into the manifest at its end.
//!
//! A killed run leaves its journal, with at most its last line incomplete. The next run reads both files.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;

use cytoshade::Sha256;
use cytoshade_safe_io::{Existing, FileIdentity, Links, PendingFile, open_with, printable, printable_path};
use serde::{Deserialize, Serialize};

use super::{FILE, InputRecord, Manifest, RunRecord, is_below, read_if_any, relative};
use crate::failure::Failure;
use crate::report::warn;

const JOURNAL: &str = "cytoshade-run.journal";

/// A line of the journal.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The run of the lines that follow.
    Run(RunRecord),
    /// An output that is about to appear.
    Output { path: String, sha256: String },
    /// A complete input.
    Input { path: String, record: InputRecord },
}

/// The manifest of a folder, and the journal of the current run in it.
pub(crate) struct Journal {
    root: PathBuf,
    run: RunRecord,
    manifest: Manifest,
    state: State,
}

enum State {
    /// Nothing is recorded yet.
    Closed,
    /// The journal, locked, and the index of the run in the manifest.
    Open(File, usize),
    /// This run is not recorded; the reason was printed.
    Off,
}

impl Journal {
    /// Reads the records of earlier runs. Creates nothing before the first record.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub(crate) fn new(root: &Path, run: RunRecord) -> Result<Self, Failure> {
        Ok(Self { root: root.to_path_buf(), run, manifest: read(root)?, state: State::Closed })
    }

    /// The folder of the manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The records of this run and of earlier ones.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The version and the settings of this run.
    pub(crate) fn run(&self) -> &RunRecord {
        &self.run
    }

    /// Records an output before it appears, so that a run after this one can tell it from a file of a person.
    pub(crate) fn output(&mut self, path: &Path, sha256: Sha256) {
        let Some(path) = relative(&self.root, path).filter(|path| is_below(path)) else { return };
        let line = Line::Output { path: path.clone(), sha256: sha256.to_string() };
        if self.append(&line).is_some() {
            self.manifest.add_output(path, sha256.to_string());
        }
    }

    /// Records a complete input, with the paths of its outputs.
    ///
    /// An output outside the folder of the manifest has no record, so its input counts as incomplete.
    pub(crate) fn input(
        &mut self,
        path: &Path,
        sha256: Sha256,
        outputs: Vec<(PathBuf, Sha256)>,
        cells: usize,
        seconds: f64,
    ) {
        let Some(run) = self.open() else { return };
        let Some(path) = relative(&self.root, path) else { return };
        let mut known = BTreeMap::new();
        for (output, sha256) in outputs {
            let Some(key) = relative(&self.root, &output).filter(|key| is_below(key)) else {
                return warn(format_args!(
                    "{path} is not recorded as complete, since {} is outside {}; --skip-done will segment it again",
                    printable_path(output),
                    printable_path(&self.root),
                    path = printable(&path)
                ));
            };
            known.insert(key, sha256.to_string());
        }
        let record = InputRecord { run, sha256: sha256.to_string(), outputs: known, cells, seconds };
        let line = Line::Input { path: path.clone(), record: record.clone() };
        if self.append(&line).is_some() {
            self.manifest.add_input(path, record);
        }
    }

    /// Writes the manifest and removes the journal.
    pub(crate) fn fold(&mut self) {
        let State::Open(..) = &self.state else { return };
        self.manifest.drop_unused_runs();
        let written = write(&self.root, &self.manifest);
        if let Err(error) = written {
            return self.stop(&error);
        }
        // The lock is held until the journal is gone.
        let journal = self.root.join(JOURNAL);
        let removed = std::fs::remove_file(&journal);
        self.state = State::Closed;
        if let Err(error) = removed {
            warn(format_args!("cannot remove {}: {error}; remove it by hand", printable_path(journal)));
        }
    }

    /// Appends a line; `None` if the run is not recorded.
    fn append(&mut self, line: &Line) -> Option<()> {
        self.open()?;
        let State::Open(file, _) = &mut self.state else { return None };
        match append(file, line) {
            Ok(()) => Some(()),
            Err(error) => {
                self.stop(&error);
                None
            }
        }
    }

    /// Opens the journal, and returns the index of the run; `None` if the run is not recorded.
    fn open(&mut self) -> Option<usize> {
        if let State::Closed = self.state
            && let Err(error) = self.start()
        {
            self.stop(&error);
        }
        match self.state {
            State::Open(_, run) => Some(run),
            _ => None,
        }
    }

    fn start(&mut self) -> std::io::Result<()> {
        let mut file = open_locked(&self.root.join(JOURNAL))?;
        // Another run may have ended since this one read the manifest.
        self.manifest = read(&self.root).map_err(|failure| std::io::Error::other(format!("{failure:?}")))?;
        // A killed run may have left a line without its end.
        let newline = if file.metadata()?.len() > 0 { "\n" } else { "" };
        file.write_all(newline.as_bytes())?;
        append(&mut file, &Line::Run(self.run.clone()))?;
        self.state = State::Open(file, self.manifest.run(&self.run));
        Ok(())
    }

    fn stop(&mut self, error: &std::io::Error) {
        warn(format_args!(
            "this run is not recorded in {}, so that --skip-done will not skip its images: {error}",
            printable_path(self.root.join(FILE))
        ));
        self.state = State::Off;
    }
}

/// Opens and locks the journal. Creates it if there is none.
fn open_locked(path: &Path) -> std::io::Result<File> {
    /// Other runs that may end meanwhile.
    const TRIES: usize = 64;
    for _ in 0..TRIES {
        let file = open_with(path, OpenOptions::new().append(true).create(true), Links::Refuse)?;
        if let Some(file) = lock(file, path)? {
            return Ok(file);
        }
    }
    Err(std::io::Error::other("other runs replace its journal all the time"))
}

/// Locks the journal; `None` if another run removed it after it was opened here, since a third may have a new one.
fn lock(file: File, path: &Path) -> std::io::Result<Option<File>> {
    static WARNING: Once = Once::new();
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(std::io::Error::other("another run writes its results there")),
        // A file system without locks.
        Err(TryLockError::Error(error)) => WARNING.call_once(|| {
            warn(format_args!(
                "cannot lock {}: {error}; start no other run in this folder before this one ends",
                printable_path(path)
            ));
        }),
    }
    match FileIdentity::new(path) {
        Ok(identity) => Ok(identity.is_of(&file)?.then_some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The records of a manifest and of the journal beside it.
fn read(root: &Path) -> Result<Manifest, Failure> {
    let mut manifest = Manifest::read(root)?;
    let path = root.join(JOURNAL);
    let bytes = read_if_any(&path)?.unwrap_or_default();
    let mut run = None;
    // An incomplete or foreign line is no record.
    for line in bytes.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()) {
        match line {
            Line::Run(found) => run = Some(manifest.run(&found)),
            Line::Output { path, sha256 } if is_below(&path) => manifest.add_output(path, sha256),
            Line::Input { path, record } if record.outputs.keys().all(|path| is_below(path)) => {
                if let Some(run) = run {
                    manifest.add_input(path, InputRecord { run, ..record });
                }
            }
            Line::Output { .. } | Line::Input { .. } => {}
        }
    }
    Ok(manifest)
}

/// Appends a line in one write, so that a killed run leaves whole lines.
fn append(file: &mut File, line: &Line) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)
}

fn write(root: &Path, manifest: &Manifest) -> std::io::Result<()> {
    let mut file = PendingFile::create(&root.join(FILE))?;
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    file.file()?.write_all(&text)?;
    file.publish(Existing::Replace)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::run;
    use super::*;

    fn journal(root: &Path, settings: Value) -> Journal {
        Journal::new(root, run(settings)).unwrap()
    }

    fn add(journal: &mut Journal, name: &str) {
        let path = journal.root().join(name);
        std::fs::write(&path, "image").unwrap();
        let outputs = vec![(journal.root().join(format!("{name}.masks")), Sha256([1; 32]))];
        journal.input(&path, Sha256([2; 32]), outputs, 7, 0.25);
    }

    #[test]
    fn records_survive_a_kill_and_are_folded_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut killed = journal(folder.path(), json!({"niter": 1}));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is created without a record");
        add(&mut killed, "a.tif");
        killed.output(&folder.path().join("b_seg.npy"), Sha256([3; 32]));
        drop(killed);
        // The last line of the killed run is incomplete.
        let path = folder.path().join(JOURNAL);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(br#"{"input": {"path": "c.tif", "rec"#).unwrap();
        drop(file);

        let mut next = journal(folder.path(), json!({"niter": 2}));
        assert_eq!(next.manifest().inputs.keys().collect::<Vec<_>>(), ["a.tif"]);
        assert_eq!(next.manifest().other_outputs.len(), 1);
        add(&mut next, "d.tif");
        next.fold();
        assert!(!path.exists());
        let manifest = Manifest::read(folder.path()).unwrap();
        assert_eq!(manifest, *next.manifest());
        assert_eq!(manifest.inputs.keys().collect::<Vec<_>>(), ["a.tif", "d.tif"]);
        let settings = |name: &str| manifest.runs[manifest.inputs[name].run].settings["niter"].as_u64();
        assert_eq!((settings("a.tif"), settings("d.tif")), (Some(1), Some(2)));
        assert_eq!(manifest.inputs["a.tif"].outputs.keys().collect::<Vec<_>>(), ["a.tif.masks"]);
    }

    #[test]
    fn a_second_run_in_a_folder_is_not_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let [mut first, mut second] = [1, 2].map(|niter| journal(folder.path(), json!({"niter": niter})));
        add(&mut first, "a.tif");
        add(&mut second, "b.tif");
        first.fold();
        second.fold();
        assert_eq!(Manifest::read(folder.path()).unwrap().inputs.keys().collect::<Vec<_>>(), ["a.tif"]);
        // A run that begins to write after another has ended keeps the other's records.
        let mut third = journal(folder.path(), json!({"niter": 3}));
        let mut fourth = journal(folder.path(), json!({"niter": 4}));
        add(&mut third, "c.tif");
        third.fold();
        add(&mut fourth, "d.tif");
        fourth.fold();
        assert_eq!(Manifest::read(folder.path()).unwrap().inputs.len(), 3);
    }

    #[cfg(unix)]
    #[test]
    fn a_journal_that_another_run_removed_is_not_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(JOURNAL);
        let open = || File::create(&path).unwrap();
        // The other run ends between the opening and the locking, and a third begins.
        let file = open();
        std::fs::remove_file(&path).unwrap();
        assert!(lock(file.try_clone().unwrap(), &path).unwrap().is_none());
        let third = open();
        assert!(lock(file, &path).unwrap().is_none());
        let third = lock(third, &path).unwrap().unwrap();
        assert!(open_locked(&path).unwrap_err().to_string().contains("another run"));
        drop(third);
        assert!(open_locked(&path).is_ok());
    }

    #[test]
    fn an_input_with_an_output_outside_the_folder_is_not_complete() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let mut run = journal(&root, json!({}));
        let outputs = vec![(root.join("a_cp_masks.tif"), Sha256([1; 32])), (folder.path().join("x"), Sha256([1; 32]))];
        run.input(&root.join("a.tif"), Sha256([2; 32]), outputs, 7, 0.25);
        assert!(run.manifest().inputs.is_empty());
        add(&mut run, "b.tif");
        run.fold();
        assert_eq!(Manifest::read(&root).unwrap().inputs.keys().collect::<Vec<_>>(), ["b.tif"]);
    }

    #[test]
    fn lines_that_name_other_folders_are_no_records() {
        let folder = tempfile::tempdir().unwrap();
        let record = json!({"run": 9, "sha256": "", "outputs": {"../x": ""}, "cells": 0, "seconds": 0.0});
        let lines = [
            json!({"input": {"path": "no_run", "record": {"run": 0, "sha256": "", "outputs": {}, "cells": 0, "seconds": 0.0}}}),
            json!({"run": {"version": "1", "device": "", "settings": {}}}),
            json!({"input": {"path": "outside", "record": record}}),
            json!({"output": {"path": "/etc/passwd", "sha256": ""}}),
        ];
        let text: Vec<String> = lines.iter().map(Value::to_string).collect();
        std::fs::write(folder.path().join(JOURNAL), text.join("\n")).unwrap();
        let manifest = read(folder.path()).unwrap();
        assert!(manifest.inputs.is_empty() && manifest.other_outputs.is_empty());
    }
}
