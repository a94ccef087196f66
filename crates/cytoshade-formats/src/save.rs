//! Files that appear complete or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use cytoshade_safe_io::{Existing, PendingFile};

use crate::Error;

/// The writer that [`save`] passes to its closure: implements `Write` and `Seek`.
pub type SaveFile<'a> = BufWriter<&'a mut File>;

/// Writes a file atomically: fills a temporary file in the same folder, then renames it to `path`.
///
/// On an error no new file is left, and an existing file is unchanged. The folder must exist. An existing file is
/// replaced and keeps its permissions. Links, folders, devices and read-only files are refused.
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

/// [`save`] that never replaces an existing file.
///
/// Returns [`Error::Write`] of the kind `AlreadyExists`, even if the file appears during the write.
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
