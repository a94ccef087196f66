//! Files that a program keeps for itself from run to run.

use std::fs::{DirBuilder, Metadata};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::Path;

use crate::pending_file::folder_of;
use crate::{Existing, Links, PendingFile, open};

/// Reads a file that [`write_private_file`] wrote: a regular file, no link, of at most `most` bytes. On Unix it and its folder must
/// belong to the user and be writable by nobody else; elsewhere the user's folders are what keeps others out.
///
/// # Errors
/// What the system says, and [`ErrorKind::InvalidData`] for a file that is larger or could be another's.
pub fn read_private_file(path: &Path, most: u64) -> Result<Vec<u8>> {
    check(&std::fs::metadata(folder_of(path))?, "its folder")?;
    let file = open(path, Links::Refuse)?;
    check(&file.metadata()?, "it")?;
    let mut bytes = Vec::new();
    // A byte more tells a file that grows from one that ends here.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Error::new(ErrorKind::InvalidData, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// Writes a file in one step, for the user alone: beside it first, then renamed. Folders are made where they are not
/// there, for the user alone too.
///
/// # Errors
/// What the system says, and [`ErrorKind::InvalidData`] where others could write to the folder.
pub fn write_private_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = folder_of(path);
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    check(&std::fs::metadata(folder)?, "its folder")?;
    let mut file = PendingFile::create_private(path)?;
    file.file()?.write_all(bytes)?;
    file.publish(Existing::Replace)
}

/// Refuses what others own or may write to.
#[cfg(unix)]
fn check(metadata: &Metadata, what: &str) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let wrong = if metadata.uid() != rustix::process::geteuid().as_raw() {
        "belongs to somebody else"
    } else if metadata.mode() & 0o022 != 0 {
        "may be written to by others"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidData, format!("{what} {wrong}")))
}

#[cfg(not(unix))]
fn check(_: &Metadata, _: &str) -> Result<()> {
    Ok(())
}
