//! SHA-256 of files.

use std::fs::File;
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom};
use std::path::Path;

use cytoshade::Sha256;
use cytoshade_safe_io::{Links, open};
use sha2::Digest;

/// The hash of files, one after the other.
pub(crate) fn of_files<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<Sha256> {
    hash(paths.into_iter().map(|path| open(path, Links::Follow)))
}

/// The hash of a result, which is a file and not a link.
pub(crate) fn of_result(path: &Path) -> Result<Sha256> {
    hash([open(path, Links::Refuse)])
}

/// The hash of an open file, from its start.
pub(crate) fn of_open_file(file: &mut File) -> Result<Sha256> {
    file.seek(SeekFrom::Start(0))?;
    hash([Ok(file)])
}

fn hash<F: Read>(files: impl IntoIterator<Item = Result<F>>) -> Result<Sha256> {
    let mut hash = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 17];
    for file in files {
        let mut file = file?;
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => hash.update(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(Sha256(hash.finalize().into()))
}
