//! Files that appear whole or not at all, and the sweeping of those that never did.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use cytoshade_safe_io::{Existing, PendingFile, sweep_stale_files};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn write(path: &Path, text: &str, existing: Existing) -> std::io::Result<()> {
    let mut pending = PendingFile::create(path)?;
    pending.file()?.write_all(text.as_bytes())?;
    pending.publish(existing)
}

#[test]
fn a_file_appears_when_it_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cells.tif");
    let mut pending = PendingFile::create(&path).unwrap();
    pending.file().unwrap().write_all(b"one").unwrap();
    assert!(!path.exists());
    assert_eq!(names(folder.path()).len(), 1);
    drop(pending);
    assert_eq!(names(folder.path()), [""; 0]);
    write(&path, "one", Existing::Replace).unwrap();
    write(&path, "two", Existing::Replace).unwrap();
    assert_eq!((names(folder.path()), fs::read(&path).unwrap()), (vec!["cells.tif".to_string()], b"two".to_vec()));
}

#[test]
fn what_appears_meanwhile_can_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cells_seg.npy");
    let mut pending = PendingFile::create(&path).unwrap();
    pending.file().unwrap().write_all(b"ours").unwrap();
    fs::write(&path, "corrected").unwrap();
    assert_eq!(pending.publish(Existing::Keep).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!((names(folder.path()).len(), fs::read(&path).unwrap()), (1, b"corrected".to_vec()));
}

#[cfg(unix)]
#[test]
fn links_are_neither_followed_nor_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let [precious, link] = ["precious", "cells.tif"].map(|name| folder.path().join(name));
    fs::write(&precious, "old").unwrap();
    for target in [precious.as_path(), Path::new("missing")] {
        std::os::unix::fs::symlink(target, &link).unwrap();
        assert_eq!(write(&link, "new", Existing::Replace).unwrap_err().kind(), ErrorKind::AlreadyExists);
        fs::remove_file(&link).unwrap();
    }
    // A link that appears meanwhile is replaced itself.
    let mut pending = PendingFile::create(&link).unwrap();
    pending.file().unwrap().write_all(b"new").unwrap();
    std::os::unix::fs::symlink(&precious, &link).unwrap();
    pending.publish(Existing::Replace).unwrap();
    assert_eq!((fs::read(&precious).unwrap(), fs::read(&link).unwrap()), (b"old".to_vec(), b"new".to_vec()));
    assert!(!fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn stale_files_are_swept_and_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let old = |path: &Path| {
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(120)).unwrap();
    };
    let stale = folder.path().join(".cytoshade-4194304-aB3dE6gH.tmp");
    let young = folder.path().join(".cytoshade-4194304-aB3dE6gI.tmp");
    let foreign = [".cytoshade-notes", ".cytoshade-1-short.tmp", ".cytoshade-x-aB3dE6gH.tmp", "cells.tif"];
    for path in [&stale, &young].into_iter().cloned().chain(foreign.map(|name| folder.path().join(name))) {
        fs::write(&path, "partial").unwrap();
        old(&path);
    }
    File::options().append(true).open(&young).unwrap().set_modified(SystemTime::now()).unwrap();
    let mut pending = PendingFile::create(&folder.path().join("more.tif")).unwrap();
    pending.file().unwrap().set_modified(SystemTime::now() - Duration::from_secs(120)).unwrap();
    let before = names(folder.path());
    assert_eq!(sweep_stale_files(folder.path()), 1);
    let after = names(folder.path());
    assert_eq!(after.len(), before.len() - 1);
    assert!(!stale.exists() && young.exists());
    pending.publish(Existing::Replace).unwrap();
    assert_eq!(sweep_stale_files(&folder.path().join("missing")), 0);
}
