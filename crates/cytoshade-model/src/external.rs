//! External files of a model: ONNX's external data.

use std::collections::BTreeMap;
use std::sync::Arc;

use cytoshade_safe_io::printable;

use crate::{Error, LoadOptions, Sha256, integrity};

/// Bytes by the names in the model.
pub type ExternalData = BTreeMap<String, Arc<[u8]>>;

/// Gathers the external files of a model, from the options or else from `find`, and checks hashes.
/// hashes.
pub(crate) fn gather<'n>(
    names: impl Iterator<Item = &'n str>,
    options: &LoadOptions,
    mut find: impl FnMut(&str) -> Result<Vec<u8>, Error>,
) -> Result<ExternalData, Error> {
    let mut parts = ExternalData::new();
    let mut total = 0u64;
    for name in names {
        if parts.contains_key(name) {
            continue;
        }
        let expected = expected_hash(name, options)?;
        let part = match options.external.get(name) {
            Some(part) => part.clone(),
            None => find(name)?.into(),
        };
        if let Some(expected) = expected {
            integrity::check(&part, expected)?;
        }
        total = total.saturating_add(part.len() as u64);
        options.limits.check_file(total)?;
        parts.insert(name.to_string(), part);
    }
    Ok(parts)
}

fn expected_hash(name: &str, options: &LoadOptions) -> Result<Option<Sha256>, Error> {
    let expected = options.external_sha256.get(name).copied();
    if options.sha256.is_some() && expected.is_none() {
        let reason = "a hash is given for the model, but not for this file; set LoadOptions::external_sha256";
        return Err(refuse(name, reason));
    }
    Ok(expected)
}

/// Finds no external file: bytes have no folder.
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

fn refuse(name: &str, reason: &str) -> Error {
    Error::External { name: printable(name), reason: reason.into() }
}
