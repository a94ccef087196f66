//! The partial file beside the target, and the notes to continue it.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use cytoshade_safe_io::{create_private_folder, open_private_file, read_private_file, write_private_file};
use sha2::{Digest, Sha256};

use crate::Error;
use crate::notes::{MAX_NOTES_BYTES, Notes};

/// A partial file. A lock keeps other transfers out of its folder.
///
/// The folder and the files in it belong to the user, and nobody else can write to them; none is a link.
#[derive(Debug)]
pub(crate) struct Part {
    target: PathBuf,
    path: PathBuf,
    file: File,
    length: u64,
    /// Held for its lock.
    _lock: File,
}

impl Part {
    /// Opens the partial file of `target`, with the bytes of an earlier transfer. Creates a missing folder.
    pub(crate) fn open(target: &Path) -> Result<Self, Error> {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        create_private_folder(folder).map_err(Error::io(folder))?;
        let lock = lock(folder)?;
        let path = beside(target, ".part");
        let mut file = open_private_file(&path).map_err(Error::io(&path))?;
        let length = file.seek(SeekFrom::End(0)).map_err(Error::io(&path))?;
        Ok(Self { target: target.to_path_buf(), path, file, length, _lock: lock })
    }

    /// Bytes received so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The version of the bytes, if they can be continued.
    pub(crate) fn notes(&self) -> Option<Notes> {
        Notes::parse(&read_private_file(&self.notes_path(), MAX_NOTES_BYTES).ok()?)
    }

    /// Discards the bytes and starts over with the version in `notes`.
    pub(crate) fn restart(&mut self, notes: Option<&Notes>) -> Result<(), Error> {
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(Error::io(&self.path))?;
        self.length = 0;
        let path = self.notes_path();
        match notes.and_then(Notes::to_json) {
            Some(text) => write_private_file(&path, text.as_bytes()).map_err(Error::io(&path)),
            None => remove(&path).map_err(Error::io(&path)),
        }
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::io(&self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// The hash of all bytes, including those of earlier transfers.
    pub(crate) fn sha256(&mut self) -> Result<[u8; 32], Error> {
        self.hash().map_err(Error::io(&self.path))
    }

    fn hash(&mut self) -> io::Result<[u8; 32]> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        self.file.rewind()?;
        loop {
            let read = self.file.read(&mut buffer)?;
            match buffer.get(..read) {
                Some(bytes) if !bytes.is_empty() => hash.update(bytes),
                _ => return Ok(hash.finalize().into()),
            }
        }
    }

    /// Removes the received bytes, which cannot be continued.
    pub(crate) fn discard(&self) {
        // The next transfer overwrites a file that cannot be removed.
        let _ = remove(&self.path);
        let _ = remove(&self.notes_path());
    }

    fn notes_path(&self) -> PathBuf {
        beside(&self.target, ".part.json")
    }
}

/// A complete file with the required size and hash. Removed unless kept.
#[derive(Debug)]
pub struct Downloaded {
    part: Part,
    sha256: [u8; 32],
    kept: bool,
}

impl Downloaded {
    pub(crate) fn new(part: Part, sha256: [u8; 32]) -> Self {
        Self { part, sha256, kept: false }
    }

    /// Its temporary path, for inspection. Verify [`Downloaded::sha256`] of the bytes read there.
    pub fn path(&self) -> &Path {
        &self.part.path
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.part.length
    }

    /// Its SHA-256.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Renames the file to its target atomically and returns the path.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep(mut self) -> Result<PathBuf, Error> {
        let Part { target, path, file, .. } = &self.part;
        // A rename can reach the disk before the data.
        file.sync_all().and_then(|()| fs::rename(path, target)).map_err(Error::io(target))?;
        let _ = remove(&self.part.notes_path());
        self.kept = true;
        Ok(self.part.target.clone())
    }
}

impl Drop for Downloaded {
    fn drop(&mut self) {
        if !self.kept {
            self.part.discard();
        }
    }
}

/// Allows one transfer per folder at a time: two that write the same `.part` would mix their bytes.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(".fetch.lock");
    let file = open_private_file(&path).map_err(Error::io(&path))?;
    match file.try_lock() {
        // Some network drives have no locks; there only the hash detects mixed bytes.
        Ok(()) => Ok(file),
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Busy { folder: folder.to_path_buf() }),
        Err(TryLockError::Error(source)) => Err(Error::Io { path, source }),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn beside(target: &Path, ending: &str) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(ending);
    target.with_file_name(name)
}
