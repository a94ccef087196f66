//! Opens regular files only.

use std::fs::{File, FileType, OpenOptions};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Whether a path may be a link to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Follows a link: the user named the path.
    Follow,
    /// Refuses a link: a file or a program named the path.
    ///
    /// Links among the parent folders are followed in any case.
    Refuse,
}

/// Opens a regular file for reading.
///
/// Fails for a pipe, a device, a socket or a folder, without blocking.
///
/// The type is checked before opening (opening a device can have an effect) and again on the open file, in case the
/// path changed in between. The flags prevent blocking on a pipe's writer and, with [`Links::Refuse`], following a
/// link, even if the path is replaced in between.
///
/// # Errors
/// Those of the system, and [`ErrorKind::InvalidInput`] unless the path is a regular file.
pub fn open(path: &Path, links: Links) -> Result<File> {
    open_with(path, OpenOptions::new().read(true), links)
}

/// [`open`] with other access. The options decide about a missing file.
///
/// # Errors
/// As [`open`].
pub fn open_with(path: &Path, options: &mut OpenOptions, links: Links) -> Result<File> {
    let before = match links {
        Links::Follow => std::fs::metadata(path),
        Links::Refuse => std::fs::symlink_metadata(path),
    };
    match before {
        Ok(metadata) => check(metadata.file_type())?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    set_flags(options, links);
    let file = options.open(path)?;
    check(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads a file of at most `most` bytes.
///
/// # Errors
/// Those of the system, and [`ErrorKind::InvalidData`] if the file is larger.
pub fn read_at_most(file: impl Read, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One more byte distinguishes a larger file from one of exactly this size.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Error::new(
            ErrorKind::InvalidData,
            format!("it has more bytes than expected: at most {most} bytes"),
        ));
    }
    Ok(bytes)
}

#[cfg(unix)]
fn set_flags(options: &mut OpenOptions, links: Links) {
    use std::os::unix::fs::OpenOptionsExt;
    // O_NONBLOCK has no effect on a regular file.
    let no_link = if links == Links::Refuse { libc::O_NOFOLLOW } else { 0 };
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | no_link);
}

#[cfg(windows)]
fn set_flags(options: &mut OpenOptions, links: Links) {
    use std::os::windows::fs::OpenOptionsExt;
    /// `FILE_FLAG_OPEN_REPARSE_POINT` of CreateFileW: opens a link itself, which the check then refuses.
    const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    if links == Links::Refuse {
        options.custom_flags(OPEN_REPARSE_POINT);
    }
}

#[cfg(not(any(unix, windows)))]
fn set_flags(_: &mut OpenOptions, _: Links) {}

fn check(kind: FileType) -> Result<()> {
    if kind.is_file() {
        return Ok(());
    }
    let found = if kind.is_dir() {
        "it is a folder"
    } else if kind.is_symlink() {
        "it is a link"
    } else {
        "it is a pipe or a device"
    };
    Err(Error::new(ErrorKind::InvalidInput, format!("{found}; expected a regular file")))
}
