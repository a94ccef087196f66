//! The bytes of a file, in memory or read in pieces.

use std::borrow::Cow;
use std::fmt;

use crate::{Error, Format};

/// The bytes of a file.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    /// All in memory.
    Bytes(Cow<'a, [u8]>),
    /// In an open file, read by position.
    #[cfg(not(target_family = "wasm"))]
    File {
        /// The file.
        file: std::fs::File,
        /// Its size when it was opened.
        length: u64,
    },
    /// In a file of a set, reopened for each read: a set may have more files than a process can hold open.
    #[cfg(all(feature = "microscopy", not(target_family = "wasm")))]
    Path {
        /// The file.
        path: std::path::PathBuf,
        /// Its size when it was first opened.
        length: u64,
    },
}

impl Source<'_> {
    /// Number of bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Source::Bytes(bytes) => bytes.len() as u64,
            #[cfg(not(target_family = "wasm"))]
            Source::File { length, .. } => *length,
            #[cfg(all(feature = "microscopy", not(target_family = "wasm")))]
            Source::Path { length, .. } => *length,
        }
    }

    /// The path of a file of a set, other than the opened one.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn path(&self) -> Option<&std::path::Path> {
        match self {
            #[cfg(feature = "microscopy")]
            Source::Path { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Fills `out` with the bytes from `offset` on. [`Source::check`] must have checked the range.
    pub(crate) fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        match self {
            Source::Bytes(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let end = start.saturating_add(out.len());
                let from = bytes.get(start..end).ok_or_else(|| short(bytes.len() as u64))?;
                out.copy_from_slice(from);
                Ok(())
            }
            #[cfg(not(target_family = "wasm"))]
            Source::File { file, .. } => read_at(file, offset, out).map_err(Error::Read),
            #[cfg(all(feature = "microscopy", not(target_family = "wasm")))]
            Source::Path { path, .. } => {
                let file = cytoshade_safe_io::open(path, cytoshade_safe_io::Links::Follow).map_err(Error::Read)?;
                read_at(&file, offset, out).map_err(Error::Read)
            }
        }
    }

    /// `length` bytes from `offset` on, borrowed if in memory. The length must have been charged.
    pub(crate) fn slice(
        &self,
        format: Format,
        offset: u64,
        length: u64,
        what: impl fmt::Display,
    ) -> Result<Cow<'_, [u8]>, Error> {
        self.check(format, offset, length, what)?;
        match self {
            Source::Bytes(bytes) => {
                // Checked above: the range lies within the bytes.
                let start = offset as usize;
                Ok(Cow::Borrowed(bytes.get(start..start + length as usize).unwrap_or_default()))
            }
            #[cfg(not(target_family = "wasm"))]
            _ => {
                let mut bytes = crate::limits::zeros(usize::try_from(length).unwrap_or(usize::MAX))?;
                self.read(offset, &mut bytes)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }

    /// Refuses a range that does not lie within the file.
    pub(crate) fn check(&self, format: Format, offset: u64, length: u64, what: impl fmt::Display) -> Result<(), Error> {
        if offset.checked_add(length).is_some_and(|end| end <= self.len()) {
            return Ok(());
        }
        let found = self.len();
        Err(Error::damaged(
            format,
            format!("{what} takes {length} bytes from byte {offset}, but the file has only {found} bytes"),
        ))
    }

    /// All bytes, for formats that are decoded as a whole.
    pub(crate) fn whole(&self, format: Format) -> Result<Cow<'_, [u8]>, Error> {
        self.slice(format, 0, self.len(), "the file")
    }
}

fn short(found: u64) -> Error {
    Error::Read(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, format!("the file has only {found} bytes")))
}

#[cfg(unix)]
fn read_at(file: &std::fs::File, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_at(file: &std::fs::File, mut offset: u64, mut out: &mut [u8]) -> std::io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, offset)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => {
                out = out.get_mut(read..).unwrap_or_default();
                offset += read as u64;
            }
        }
    }
    Ok(())
}

#[cfg(not(any(unix, windows, target_family = "wasm")))]
compile_error!("reading a file by position is written for Unix and Windows");
