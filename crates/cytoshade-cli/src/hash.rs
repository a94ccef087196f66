//! SHA-256 of files.

use std::fs::File;
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom};
use std::path::Path;

use cytoshade::Sha256;
use cytoshade_safe_io::{Links, open};
use sha2::Digest;

/// The hash of files, one after the other.
pub(crate) fn of_files<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<Sha256> {
    let mut hash = sha2::Sha256::new();
    for path in paths {
        update(&mut hash, &mut open(path, Links::Follow)?)?;
    }
    Ok(Sha256(hash.finalize().into()))
}

/// The hash of a result, which is a file and not a link.
pub(crate) fn of_result(path: &Path) -> Result<Sha256> {
    let mut hash = sha2::Sha256::new();
    update(&mut hash, &mut open(path, Links::Refuse)?)?;
    Ok(Sha256(hash.finalize().into()))
}

/// The hash of an open file, from its start.
pub(crate) fn of_open_file(file: &mut File) -> Result<Sha256> {
    let mut hash = sha2::Sha256::new();
    file.seek(SeekFrom::Start(0))?;
    update(&mut hash, file)?;
    Ok(Sha256(hash.finalize().into()))
}

fn update(hash: &mut sha2::Sha256, file: &mut File) -> Result<()> {
    let mut buffer = vec![0; 1 << 17];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => hash.update(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
