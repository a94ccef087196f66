//! Files that appear complete or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

/// Prefix and suffix of temporary file names, around the process's id and random characters.
const PREFIX: &str = ".cytoshade-";
const SUFFIX: &str = ".tmp";
const RANDOM: usize = 8;

/// The treatment of an existing file when a [`PendingFile`] is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Replaces the file.
    Replace,
    /// Keeps the file.
    ///
    /// Publishing fails with [`ErrorKind::AlreadyExists`], even if it appeared at the last moment.
    Keep,
}

/// An unfinished file: a temporary file beside its target, renamed to the target when complete.
///
/// Dropping it first removes the temporary file; [`sweep_stale_files`] removes those of killed processes. The file
/// never follows a link at its target's name.
#[derive(Debug)]
pub struct PendingFile {
    /// `None` only during the drop.
    temporary: Option<NamedTempFile>,
    target: PathBuf,
    permissions: Option<Permissions>,
    /// Whether the data must reach the disk before the name.
    is_durable: bool,
}

impl PendingFile {
    /// Starts a file at `target`, whose folder must exist.
    ///
    /// A new file has the permissions of the umask; one that replaces another takes over its permissions.
    ///
    /// # Errors
    /// Those of the system; [`ErrorKind::AlreadyExists`] if the target is a link, a folder or a device, and
    /// [`ErrorKind::PermissionDenied`] if it is a read-only file.
    pub fn create(target: &Path) -> Result<Self> {
        let permissions = permissions_of(target)?;
        let mut pending = Self::with_mode(target, 0o666)?;
        (pending.permissions, pending.is_durable) = (permissions, true);
        Ok(pending)
    }

    /// [`PendingFile::create`] with access for the user alone, whatever the existing file's permissions.
    ///
    /// A power cut may leave a file without data.
    pub(crate) fn create_private(target: &Path) -> Result<Self> {
        Self::with_mode(target, 0o600)
    }

    fn with_mode(target: &Path, mode: u32) -> Result<Self> {
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX).rand_bytes(RANDOM);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
        #[cfg(not(unix))]
        let _ = mode;
        let temporary = builder.tempfile_in(folder_of(target))?;
        // Shows `sweep_stale_files` that a process still writes the file. The lock has no other use.
        let _ = temporary.as_file().try_lock();
        pending_paths().insert(temporary.path().to_path_buf());
        Ok(Self { temporary: Some(temporary), target: target.to_path_buf(), permissions: None, is_durable: false })
    }

    /// The file to write to.
    ///
    /// # Errors
    /// None, unless the file is being dropped.
    pub fn file(&mut self) -> Result<&mut File> {
        self.temporary.as_mut().map(NamedTempFile::as_file_mut).ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Renames the file to its target.
    ///
    /// The data reach the disk first, so that a power cut leaves no empty file.
    ///
    /// # Errors
    /// Those of the system, and [`ErrorKind::AlreadyExists`] with [`Existing::Keep`]. The temporary file is removed.
    pub fn publish(mut self, existing: Existing) -> Result<()> {
        if self.is_durable {
            self.file()?.sync_data()?;
        }
        if let Some(permissions) = self.permissions.take() {
            self.file()?.set_permissions(permissions)?;
        }
        let Some(temporary) = self.temporary.take() else { return Ok(()) };
        pending_paths().remove(temporary.path());
        let published = match existing {
            Existing::Replace => temporary.persist(&self.target),
            Existing::Keep => temporary.persist_noclobber(&self.target),
        };
        published.map(drop).map_err(|error| error.error)
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            pending_paths().remove(temporary.path());
        }
    }
}

/// Removes the temporary files of this process's [`PendingFile`]s.
///
/// For a process that exits without dropping them.
pub fn remove_pending_files() {
    for path in std::mem::take(&mut *pending_paths()) {
        let _ = fs::remove_file(path);
    }
}

/// Removes temporary files of killed processes from a folder, and returns their number.
///
/// A file is stale if its name has the form of a [`PendingFile`]'s, it has not changed for five seconds, and no process
/// holds its lock. On file systems without locks, nothing is removed.
pub fn sweep_stale_files(folder: &Path) -> usize {
    const YOUNG: Duration = Duration::from_secs(5);
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let is_stale = |path: &Path| -> Result<bool> {
        let file = crate::open(path, crate::Links::Refuse)?;
        let age = SystemTime::now().duration_since(file.metadata()?.modified()?);
        Ok(age.is_ok_and(|age| age > YOUNG) && file.try_lock().is_ok())
    };
    let temporary = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_temporary_name));
    let stale = temporary.map(|entry| entry.path()).filter(|path| is_stale(path).unwrap_or(false));
    stale.filter(|path| fs::remove_file(path).is_ok()).count()
}

fn is_temporary_name(name: &str) -> bool {
    let inner = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
    inner.and_then(|inner| inner.split_once('-')).is_some_and(|(process, random)| {
        !process.is_empty()
            && process.bytes().all(|byte| byte.is_ascii_digit())
            && random.len() == RANDOM
            && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The existing temporary files.
fn pending_paths() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    static PATHS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    PATHS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The permissions of the existing target, if any.
fn permissions_of(target: &Path) -> Result<Option<Permissions>> {
    let metadata = match fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let refuse = |kind, what| Err(Error::new(kind, what));
    if metadata.is_symlink() {
        return refuse(ErrorKind::AlreadyExists, "a link has this name; remove it, or write to its target");
    }
    if !metadata.is_file() {
        return refuse(ErrorKind::AlreadyExists, "a folder or a device has this name");
    }
    if metadata.permissions().readonly() {
        return refuse(ErrorKind::PermissionDenied, "a read-only file has this name");
    }
    Ok(Some(metadata.permissions()))
}

/// The folder of a path; `.` for a plain name.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
