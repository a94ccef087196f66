//! The identity of the file behind a path.

use std::fs::File;
use std::io::Result;
use std::path::Path;

/// Identity of an existing file: equal for all paths to it, through links or in different case.
///
/// On Unix, device and inode, so that hard links count as one file; elsewhere the canonical path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileIdentity(Inner);

#[cfg(unix)]
type Inner = (u64, u64);
#[cfg(not(unix))]
type Inner = std::path::PathBuf;

impl FileIdentity {
    /// The identity of the file that a path leads to.
    ///
    /// # Errors
    /// Those of the system, such as for a file that does not exist.
    pub fn new(path: &Path) -> Result<Self> {
        inner(path).map(Self)
    }

    /// True if this is the identity of an open file, and not that of another file that replaced it at its path.
    ///
    /// Always true elsewhere than on Unix, where the name of an open file cannot be given to another file.
    ///
    /// # Errors
    /// Those of the system.
    pub fn is_of(&self, file: &File) -> Result<bool> {
        is_of(&self.0, file)
    }
}

#[cfg(unix)]
fn inner(path: &Path) -> Result<Inner> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(unix)]
fn is_of(inner: &Inner, file: &File) -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let metadata = file.metadata()?;
    Ok(*inner == (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn is_of(_: &Inner, _: &File) -> Result<bool> {
    Ok(true)
}

#[cfg(not(unix))]
fn inner(path: &Path) -> Result<Inner> {
    std::fs::canonicalize(path)
}
