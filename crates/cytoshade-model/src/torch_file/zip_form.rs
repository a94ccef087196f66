//! The zip form: `FOLDER/data.pkl` and a record `FOLDER/data/KEY` for each storage.

use cytoshade_pickle::Others;
use cytoshade_safe_io::{Input, Meter};

use super::GLOBALS;
use super::rebuild::Views;
use super::storage::{StorageRef, Storages, by_key};
use crate::tensor::Tensors;
use crate::tensor_filter::Wanted;
use crate::zip_archive::Archive;
use crate::{Error, ReadLimits};

/// The tensors as f32, and descriptions of the ignored entries.
pub(crate) fn read(
    bytes: &[u8],
    wanted: Wanted,
    limits: &ReadLimits,
    meter: &mut Meter,
) -> Result<(Tensors, Vec<String>), Error> {
    let archive = Archive::open(bytes, limits, meter)?;
    let folder = archive.names().find_map(|name| name.strip_suffix("/data.pkl").filter(|folder| !folder.contains('/')));
    let folder = folder.ok_or(Error::UnknownFormat { looks_like: "a zip archive that torch did not write" })?;
    let order = archive.read(&format!("{folder}/byteorder"), meter)?;
    if order.is_some_and(|order| *order != *b"little") {
        return Err(Error::damaged("the torch file is big-endian; save it again on a little-endian machine"));
    }
    let program = archive.read(&format!("{folder}/data.pkl"), meter)?.unwrap_or_default();
    let mut input = Input::new(&program, "the pickle");
    let pickle = cytoshade_pickle::read(&mut input, (GLOBALS, Others::Refuse), &limits.values, meter)?;
    let views = Views::find(&pickle, wanted, limits, meter)?;
    let refs = by_key(views.views.values().iter().map(|view| Ok(view.storage.clone())))?;
    for storage in refs.values() {
        let found = archive.size(&format!("{folder}/data/{}", storage.key));
        let found = found.ok_or_else(|| storage.damaged("is not in the file"))?;
        let expected = storage.bytes()?;
        if found != expected {
            return Err(storage.damaged(&format!("has {found} bytes, expected {expected}")));
        }
    }
    // Names and shapes are checked before any value is read: another network's file may be large.
    views.check(|key| refs.contains(key))?;
    let mut storages = Storages::new();
    for StorageRef { key, .. } in refs.into_values() {
        storages.insert(key, archive.read(&format!("{folder}/data/{key}"), meter)?.unwrap_or_default());
    }
    views.read(&storages, meter)
}
