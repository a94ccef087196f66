//! The zip form: `FOLDER/data.pkl` and a record `FOLDER/data/KEY` for each storage.

use cytoshade_pickle::Input;

use super::rebuild;
use super::storage::{Storages, by_key};
use crate::budget::Budget;
use crate::tensor::Tensors;
use crate::zip_archive::Archive;
use crate::{Error, ReadLimits};

/// The network's tensors as f32, and what was left alone.
pub(crate) fn read(bytes: &[u8], limits: &ReadLimits, budget: &mut Budget) -> Result<(Tensors, Vec<String>), Error> {
    let archive = Archive::open(bytes, limits)?;
    let folder = archive.names().find_map(|name| name.strip_suffix("/data.pkl").filter(|folder| !folder.contains('/')));
    let folder = folder.ok_or(Error::UnknownFormat { looks_like: "a zip archive that torch did not write" })?;
    let mut record = |name: &str| archive.read(&format!("{folder}/{name}"), budget);
    if record("byteorder")?.is_some_and(|order| *order != *b"little") {
        return Err(Error::damaged("the torch file is big-endian; save it again on a little-endian machine"));
    }
    let program = record("data.pkl")?.unwrap_or_default();
    let pickle =
        cytoshade_pickle::read(&mut Input::new(&program, "the pickle"), &[rebuild::GLOBALS], &limits.pickle())?;
    let (views, ignored) = rebuild::views(&pickle, limits)?;
    let mut storages = Storages::new();
    for (key, storage) in by_key(views.iter().map(|view| Ok(view.storage.clone())))? {
        let found = record(&format!("data/{key}"))?.ok_or_else(|| storage.damaged("is not in the file"))?;
        let expected = storage.bytes()?;
        if found.len() as u64 != expected {
            return Err(storage.damaged(&format!("has {} bytes, expected {expected}", found.len())));
        }
        storages.insert(key, found);
    }
    Ok((rebuild::tensors(&views, &storages, limits, budget)?, ignored))
}
