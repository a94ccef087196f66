//! Files that appear whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::Error;

/// What [`save`] hands to the writing function: implements `Write` and `Seek`.
pub type SaveFile<'a> = BufWriter<&'a mut File>;

/// Writes a file in one step: `write` fills a temporary file in the same folder, which is then renamed to `path`. Where
/// anything fails, nothing new is left and a file that was there before is untouched. The folder must exist.
///
/// An existing file is replaced and keeps its permissions; one that is read-only is refused. A link stays a link, and
/// the file that it leads to is replaced.
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
/// [`Error::Write`], and whatever `write` returns.
pub fn save(path: impl AsRef<Path>, write: impl FnOnce(&mut SaveFile<'_>) -> Result<(), Error>) -> Result<(), Error> {
    let (path, existing) = target(path.as_ref()).map_err(Error::Write)?;
    let mut temporary = create_beside(&path).map_err(Error::Write)?;
    let mut out = BufWriter::new(temporary.as_file_mut());
    write(&mut out)?;
    out.flush().map_err(Error::Write)?;
    drop(out);
    if let Some(permissions) = existing {
        temporary.as_file().set_permissions(permissions).map_err(Error::Write)?;
    }
    // A rename can reach the disk before the data do: without this, a power cut could leave an empty file.
    temporary.as_file().sync_data().map_err(Error::Write)?;
    temporary.persist(&path).map_err(|error| Error::Write(error.error))?;
    Ok(())
}

/// Where to write in the end, and the permissions of the file that is there.
fn target(path: &Path) -> io::Result<(PathBuf, Option<fs::Permissions>)> {
    let path = match fs::canonicalize(path) {
        Ok(path) => path,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((path.to_owned(), None)),
        Err(error) => return Err(error),
    };
    let metadata = fs::metadata(&path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a folder or a device of this name"));
    }
    if metadata.permissions().readonly() {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "there is a read-only file of this name"));
    }
    Ok((path, Some(metadata.permissions())))
}

fn create_beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".cytoshade-");
    // Temporary files are for their owner only; this one will be a file like any other, as the umask says.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}
