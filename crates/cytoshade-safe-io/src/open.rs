//! Opening what is a file, and nothing else.

use std::fs::{File, FileType, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// Whether a path may be a link to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// It may: the caller named the path.
    Follow,
    /// It may not: a file named the path. Links among the folders before the name are followed in any case.
    Refuse,
}

/// Opens a regular file for reading. A pipe, a device, a socket or a folder is an error, and is not waited for.
///
/// What the path is, is looked at before (opening a device can already do something) and again on what was opened, in
/// case the path was changed in between. The system is told neither to wait for a pipe's writer nor, where
/// [`Links::Refuse`] is asked for, to go through a link, so that this holds for whatever is put there in between.
///
/// # Errors
/// What the system says, and [`ErrorKind::InvalidInput`] for what is no regular file.
pub fn open(path: &Path, links: Links) -> Result<File> {
    let before = match links {
        Links::Follow => std::fs::metadata(path)?,
        Links::Refuse => std::fs::symlink_metadata(path)?,
    };
    check(before.file_type())?;
    let mut options = OpenOptions::new();
    options.read(true);
    careful(&mut options, links);
    let file = options.open(path)?;
    check(file.metadata()?.file_type())?;
    Ok(file)
}

#[cfg(unix)]
fn careful(options: &mut OpenOptions, links: Links) {
    use std::os::unix::fs::OpenOptionsExt;
    // O_NONBLOCK means nothing to a regular file.
    let no_link = if links == Links::Refuse { libc::O_NOFOLLOW } else { 0 };
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | no_link);
}

#[cfg(windows)]
fn careful(options: &mut OpenOptions, links: Links) {
    use std::os::windows::fs::OpenOptionsExt;
    /// `FILE_FLAG_OPEN_REPARSE_POINT` of CreateFileW: opens a link itself, which is then seen to be no regular file.
    const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    if links == Links::Refuse {
        options.custom_flags(OPEN_REPARSE_POINT);
    }
}

#[cfg(not(any(unix, windows)))]
fn careful(_: &mut OpenOptions, _: Links) {}

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
    Err(Error::new(ErrorKind::InvalidInput, format!("{found}, and only regular files are read")))
}
