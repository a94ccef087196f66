//! The legacy form (before torch 1.6, and still written on demand).
//!
//! It has five consecutive pickles (a magic number, a protocol version, facts about the writer's machine, the object,
//! the keys of the storages), then each storage as its number of elements and its bytes.

use std::borrow::Cow;

use cytoshade_pickle::{Others, Pickle, Value, unexpected};
use cytoshade_safe_io::{Input, Meter};

use super::GLOBALS;
use super::rebuild::Views;
use super::storage::{StorageRef, Storages, by_key};
use crate::format::TORCH_LEGACY;
use crate::tensor::Tensors;
use crate::tensor_filter::Wanted;
use crate::{Error, ReadLimits};

const PROTOCOL: u64 = 1001;

/// The tensors as f32, and the entries that were ignored, in words.
pub(crate) fn read(
    bytes: &[u8],
    wanted: Wanted,
    limits: &ReadLimits,
    meter: &mut Meter,
) -> Result<(Tensors, Vec<String>), Error> {
    let mut input = Input::new(bytes, "the torch file");
    input.take(TORCH_LEGACY.len() as u64)?;
    let mut next = |allowed, meter: &mut Meter| {
        cytoshade_pickle::read(&mut input, (allowed, Others::Refuse), &limits.values, meter)
    };
    check_protocol(&next(&[], meter)?)?;
    check_machine(&next(&[], meter)?)?;
    let object = next(GLOBALS, meter)?;
    let keys = next(&[], meter)?;
    let views = Views::find(&object, wanted, limits, meter)?;
    // The length of a storage depends on its type, which only the object states; and storages that the state dict does
    // not need (an optimizer's) may precede others.
    let refs = by_key(object.persistent().map(|key| {
        meter.charge_steps(1)?;
        StorageRef::read(&object, key)
    }))?;
    let mut storages = Storages::new();
    let Value::List(keys_in_order) = keys.root() else {
        return Err(unexpected("the list of storages", "a list", keys.root()).into());
    };
    for &key in keys_in_order {
        meter.charge_steps(1)?;
        let key = keys.text(key, "a storage's key")?;
        let unknown = || Error::damaged("the torch file lists a storage that nothing refers to");
        let storage = refs.get(key).ok_or_else(unknown)?;
        let found = input.u64()?;
        if found != storage.elements {
            return Err(storage.damaged(&format!("has {found} elements, expected {}", storage.elements)));
        }
        storages.insert(key, Cow::Borrowed(input.take(storage.bytes()?)?));
    }
    views.check(|key| storages.contains(key))?;
    views.read(&storages, meter)
}

fn check_protocol(pickle: &Pickle<'_>) -> Result<(), Error> {
    match pickle.root() {
        Value::Int(found) if *found == i128::from(PROTOCOL) => Ok(()),
        found => Err(unexpected("the torch file's protocol version", "1001", found).into()),
    }
}

fn check_machine(pickle: &Pickle<'_>) -> Result<(), Error> {
    let Value::Dict(facts) = pickle.root() else {
        return Err(unexpected("the torch file's system information", "a dictionary", pickle.root()).into());
    };
    match pickle.find(facts, "little_endian").map(|id| pickle.get(id)) {
        Some(Value::Bool(false)) => {
            Err(Error::damaged("the torch file is big-endian; save it again on a little-endian machine"))
        }
        _ => Ok(()),
    }
}
