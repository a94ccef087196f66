//! Files that appear whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use cytoshade_safe_io::{Existing, PendingFile};

use crate::Error;

/// The writer that [`save`] passes to its closure: implements `Write` and `Seek`.
pub type SaveFile<'a> = BufWriter<&'a mut File>;

/// Writes a file in one step: `write` fills a temporary file in the same folder, which is then renamed to `path`.
///
/// On an error nothing new is left, and a file that was there before is untouched. The folder must exist. An existing
/// file is replaced, and its permissions are kept. A link, a folder, a device and a read-only file are refused.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("cells_cp_masks.tif");
/// let labels = cytoshade_formats::Labels::zeros(8, 8);
/// cytoshade_formats::save(&path, |out| cytoshade_formats::write_labels_tiff(out, &labels))?;
/// assert!(path.is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Write`], and those of `write`.
pub fn save(path: impl AsRef<Path>, write: impl FnOnce(&mut SaveFile<'_>) -> Result<(), Error>) -> Result<(), Error> {
    save_as(path.as_ref(), Existing::Replace, write)
}

/// As [`save`], but keeps an existing file: [`Error::Write`] of the kind `AlreadyExists` even if the file appears while
/// this one is written.
///
/// # Errors
/// [`Error::Write`], and those of `write`.
pub fn save_new(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut SaveFile<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    save_as(path.as_ref(), Existing::Keep, write)
}

fn save_as(
    path: &Path,
    existing: Existing,
    write: impl FnOnce(&mut SaveFile<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut pending = PendingFile::create(path).map_err(Error::Write)?;
    let mut out = BufWriter::new(pending.file().map_err(Error::Write)?);
    write(&mut out)?;
    out.flush().map_err(Error::Write)?;
    drop(out);
    pending.publish(existing).map_err(Error::Write)
}
