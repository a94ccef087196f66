//! Files that appear whole or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

/// Start and end of the names of temporary files; between them come the process's number and random characters.
const PREFIX: &str = ".cytoshade-";
const SUFFIX: &str = ".tmp";
const RANDOM: usize = 8;

/// What happens to a file that has the name already when a [`PendingFile`] is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced.
    Replace,
    /// It is kept, and publishing fails with [`ErrorKind::AlreadyExists`], even if it appeared in the last moment.
    Keep,
}

/// A file in the making: a temporary one beside its target, which takes the target's name once it is complete.
///
/// If it is dropped before, the temporary file is removed. What a killed process leaves behind is removed by
/// [`sweep_stale_files`]. The file never follows a link at its target's name.
#[derive(Debug)]
pub struct PendingFile {
    /// `None` only while the file is dropped.
    temporary: Option<NamedTempFile>,
    target: PathBuf,
    permissions: Option<Permissions>,
    /// Whether the data must be on the disk before the name is.
    is_durable: bool,
}

impl PendingFile {
    /// Starts a file at `target`, whose folder must exist. A new file has the permissions that the umask leaves; one
    /// that replaces another has the other's.
    ///
    /// # Errors
    /// Those of the system; [`ErrorKind::AlreadyExists`] if a link, a folder or a device has the name, and
    /// [`ErrorKind::PermissionDenied`] if a read-only file has it.
    pub fn create(target: &Path) -> Result<Self> {
        let permissions = permissions_of(target)?;
        let mut pending = Self::with_mode(target, 0o666)?;
        (pending.permissions, pending.is_durable) = (permissions, true);
        Ok(pending)
    }

    /// As [`PendingFile::create`], readable and writable by the user alone, whatever has the name now. A power cut may
    /// leave a file without data.
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
        // Tells `sweep_stale_files` that a process still writes the file; nothing else depends on the lock.
        let _ = temporary.as_file().try_lock();
        pending_paths().insert(temporary.path().to_path_buf());
        Ok(Self { temporary: Some(temporary), target: target.to_path_buf(), permissions: None, is_durable: false })
    }

    /// The file to write to.
    ///
    /// # Errors
    /// None, as long as the file is not dropped.
    pub fn file(&mut self) -> Result<&mut File> {
        self.temporary.as_mut().map(NamedTempFile::as_file_mut).ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Gives the file its name. The data reach the disk first, so that a power cut leaves no empty file.
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

/// Removes the temporary files of this process's [`PendingFile`]s, for a process that is about to end without dropping
/// them.
pub fn remove_pending_files() {
    for path in std::mem::take(&mut *pending_paths()) {
        let _ = fs::remove_file(path);
    }
}

/// Removes temporary files that killed processes left in a folder, and returns their number.
///
/// A file is stale if its name has the form that [`PendingFile`] gives, it is a minute old, and no process holds its
/// lock. Where a file system has no locks, nothing is removed.
pub fn sweep_stale_files(folder: &Path) -> usize {
    const YOUNG: Duration = Duration::from_secs(60);
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

/// Temporary files that exist now.
fn pending_paths() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    static PATHS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    PATHS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The permissions of the file that has a name now, if one has.
fn permissions_of(target: &Path) -> Result<Option<Permissions>> {
    let metadata = match fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let refuse = |kind, what| Err(Error::new(kind, what));
    if metadata.is_symlink() {
        return refuse(ErrorKind::AlreadyExists, "a link has this name; remove it, or write where it leads to");
    }
    if !metadata.is_file() {
        return refuse(ErrorKind::AlreadyExists, "a folder or a device has this name");
    }
    if metadata.permissions().readonly() {
        return refuse(ErrorKind::PermissionDenied, "a read-only file has this name");
    }
    Ok(Some(metadata.permissions()))
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
