//! Files that a program keeps between runs.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::Path;

use crate::open::{Links, open, open_with, read_at_most};
use crate::pending_file::folder_of;
use crate::{Existing, PendingFile};

/// Creates a folder for the user alone (mode 0700), with missing parent folders.
///
/// # Errors
/// Those of the system, and [`ErrorKind::InvalidData`] if the folder exists and others can write to it.
pub fn create_private_folder(folder: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    check_folder(folder)
}

/// Opens a file for reading and writing. Creates a missing one for the user alone (mode 0600).
///
/// The file must be a regular file, not a link. On Unix it and its folder must belong to the user, and nobody else may
/// have write access; elsewhere the access rights of the user's folders apply.
///
/// # Errors
/// Those of the system; [`ErrorKind::InvalidInput`] unless the path is a regular file; [`ErrorKind::InvalidData`] if
/// others can write to the file or its folder.
pub fn open_private_file(path: &Path) -> Result<File> {
    check_folder(folder_of(path))?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = open_with(path, &mut options, Links::Refuse)?;
    check(&file.metadata()?, "it")?;
    Ok(file)
}

/// Reads a private file of at most `most` bytes, under the conditions of [`open_private_file`].
///
/// # Errors
/// Those of the system, and [`ErrorKind::InvalidData`] if the file is larger or others can write to it or its folder.
pub fn read_private_file(path: &Path, most: u64) -> Result<Vec<u8>> {
    check_folder(folder_of(path))?;
    let file = open(path, Links::Refuse)?;
    check(&file.metadata()?, "it")?;
    read_at_most(file, most)
}

/// Writes a file atomically, for the user alone: renames a temporary file in the same folder.
///
/// Creates missing folders as [`create_private_folder`] does.
///
/// # Errors
/// Those of the system, and [`ErrorKind::InvalidData`] if others can write to the folder.
pub fn write_private_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = folder_of(path);
    create_private_folder(folder)?;
    let mut file = PendingFile::create_private(path)?;
    file.file()?.write_all(bytes)?;
    file.publish(Existing::Replace)
}

fn check_folder(folder: &Path) -> Result<()> {
    check(&std::fs::metadata(folder)?, "its folder")
}

/// Refuses files and folders that others own or can write to.
#[cfg(unix)]
fn check(metadata: &Metadata, what: &str) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let wrong = if metadata.uid() != rustix::process::geteuid().as_raw() {
        "belongs to another user"
    } else if metadata.mode() & 0o022 != 0 {
        "can be written to by others (`chmod go-w` takes that from them)"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidData, format!("{what} {wrong}")))
}

#[cfg(not(unix))]
fn check(_: &Metadata, _: &str) -> Result<()> {
    Ok(())
}
