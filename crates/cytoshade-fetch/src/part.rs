//! The file beside the target, into which bytes arrive, and what is remembered to go on with it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Error;

/// Bytes of the notes that are read.
const MAX_NOTES: u64 = 64 << 10;

/// What the bytes in a `.part` are of: kept beside it, in `.part.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    /// The address that was asked for.
    pub(crate) address: String,
    /// The server's `ETag`, or else its `Last-Modified`.
    pub(crate) validator: String,
}

/// A file on its way. No second transfer writes into its folder meanwhile.
#[derive(Debug)]
pub(crate) struct Part {
    target: PathBuf,
    path: PathBuf,
    file: File,
    length: u64,
    /// Held, not read.
    _lock: File,
}

impl Part {
    /// Opens the file beside `target`, with what is in it from before.
    pub(crate) fn open(target: &Path) -> Result<Self, Error> {
        let lock = lock(target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        let path = beside(target, ".part");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(Error::io(&path))?;
        let length = file.seek(SeekFrom::End(0)).map_err(Error::io(&path))?;
        Ok(Self { target: target.to_path_buf(), path, file, length, _lock: lock })
    }

    /// Bytes that are there.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// What the bytes are of, if they can be gone on with.
    pub(crate) fn version(&self) -> Option<Version> {
        let mut text = String::new();
        // An address and a header: what is longer was not written here, and is no JSON once it is cut.
        File::open(self.notes()).ok()?.take(MAX_NOTES).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Throws the bytes away and begins anew, with those of `version`.
    pub(crate) fn restart(&mut self, version: Option<&Version>) -> Result<(), Error> {
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(Error::io(&self.path))?;
        self.length = 0;
        let notes = self.notes();
        match version.and_then(|version| serde_json::to_string(version).ok()) {
            Some(text) => fs::write(&notes, text).map_err(Error::io(&notes)),
            None => remove(&notes).map_err(Error::io(&notes)),
        }
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::io(&self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// The hash of every byte, those of earlier transfers too.
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

    /// Removes what arrived: it is of no use.
    pub(crate) fn discard(&self) {
        // Whatever cannot be removed is overwritten by the next transfer.
        let _ = remove(&self.path);
        let _ = remove(&self.notes());
    }

    fn notes(&self) -> PathBuf {
        beside(&self.target, ".part.json")
    }
}

/// A file that came whole, and has the size and hash that were demanded. It is removed where it is not kept.
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

    /// Where it is for now, to look into it. Demand [`Downloaded::sha256`] of what is read there.
    pub fn path(&self) -> &Path {
        &self.part.path
    }

    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.part.length
    }

    /// Its hash.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Gives it its name, which it has whole or not at all, and returns that.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep(mut self) -> Result<PathBuf, Error> {
        let Part { target, path, file, .. } = &self.part;
        // A rename can reach the disk before the data do.
        file.sync_all().and_then(|()| fs::rename(path, target)).map_err(Error::io(target))?;
        let _ = remove(&self.part.notes());
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

/// One transfer into a folder at a time: two that write the same `.part` would mix their bytes.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(".fetch.lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(Error::io(&path))?;
    match file.try_lock() {
        // Some network drives have no locks; there the hash alone tells of mixed bytes.
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
