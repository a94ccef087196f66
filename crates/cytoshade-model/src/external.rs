//! Finding the parts that a model keeps beside itself: ONNX's external data.

use std::collections::BTreeMap;
use std::sync::Arc;

use cytoshade_safe_io::printable;

use crate::Error;

/// Bytes by the names in the model.
pub type ExternalData = BTreeMap<String, Arc<[u8]>>;

/// Finds no part, for bytes without a folder.
pub(crate) fn not_given(name: &str) -> Result<Vec<u8>, Error> {
    Err(missing(name))
}

/// The error for an external file that the caller did not give.
pub(crate) fn missing(name: &str) -> Error {
    refuse(name, "it was not given; open the model by its path, or give this file by its name")
}

/// Finds external files in the model's own folder.
///
/// The limit on file size covers all of them and the model together.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn beside(
    model: &std::path::Path,
    model_bytes: usize,
    limits: &crate::ReadLimits,
) -> impl FnMut(&str) -> Result<Vec<u8>, Error> {
    let mut limits = limits.clone();
    limits.file_bytes = limits.file_bytes.saturating_sub(model_bytes as u64);
    move |name| {
        let part = read_beside(model, name, &limits)?;
        limits.file_bytes -= part.len() as u64;
        Ok(part)
    }
}

/// Reads an external file in the model's own folder.
#[cfg(not(target_arch = "wasm32"))]
fn read_beside(model: &std::path::Path, name: &str, limits: &crate::ReadLimits) -> Result<Vec<u8>, Error> {
    // Separators and drive letters of every system, on any system.
    let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0']);
    if !plain {
        return Err(refuse(name, "only a plain file name in the model's own folder is read"));
    }
    let path = model.with_file_name(name);
    match crate::limits::read(&path, cytoshade_safe_io::Links::Refuse, limits) {
        // The system refuses a link that appeared in between, but not every system's error states this.
        Err(Error::Io { .. }) if path.is_symlink() => Err(refuse(name, NO_FILE)),
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::InvalidInput => {
            Err(refuse(name, NO_FILE))
        }
        other => other,
    }
}

#[cfg(not(target_arch = "wasm32"))]
const NO_FILE: &str = "it is a link or not a regular file; only a file in the model's own folder is read";

pub(crate) fn refuse(name: &str, reason: &str) -> Error {
    Error::External { name: printable(name), reason: reason.into() }
}
