//! Storages: flat runs of numbers that tensors are views of.

use std::borrow::Cow;
use std::collections::BTreeMap;

use cytoshade_pickle::{Global, Pickle, Value, printable, unexpected};

use crate::Error;
use crate::tensor::Float;

/// The storage types: their name in module `torch`, the bytes of an element, and how it is read where it is a float.
pub(super) const TYPES: [(&str, u64, Option<Float>); 10] = [
    ("FloatStorage", 4, Some(Float::F32)),
    ("HalfStorage", 2, Some(Float::F16)),
    ("BFloat16Storage", 2, Some(Float::Bf16)),
    ("DoubleStorage", 8, Some(Float::F64)),
    ("LongStorage", 8, None),
    ("IntStorage", 4, None),
    ("ShortStorage", 2, None),
    ("CharStorage", 1, None),
    ("ByteStorage", 1, None),
    ("BoolStorage", 1, None),
];

/// A storage as a pickle refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StorageRef<'a> {
    pub(super) key: &'a str,
    /// Name of its type.
    pub(super) kind: &'static str,
    pub(super) element_bytes: u64,
    pub(super) float: Option<Float>,
    pub(super) elements: u64,
}

impl<'a> StorageRef<'a> {
    /// Reads `("storage", type, key, location, elements[, view])`, the key of a persistent reference.
    pub(super) fn read(pickle: &Pickle<'a>, value: &Value<'a>) -> Result<Self, Error> {
        let Value::Persistent(key) = value else {
            return Err(unexpected("a tensor's storage", "a persistent reference", value).into());
        };
        let items = pickle.items(*key, "a storage's description")?;
        let (kind, key, elements) = match items {
            [_, kind, key, _, elements] => (*kind, *key, *elements),
            [_, kind, key, _, elements, view] if matches!(pickle.get(*view), Value::None) => (*kind, *key, *elements),
            items => {
                let found = items.len();
                return Err(Error::damaged(format!("a storage's description has {found} parts, expected 5")));
            }
        };
        let key = pickle.text(key, "a storage's key")?;
        let found = match pickle.get(kind) {
            Value::Global(Global { module: "torch", name }) => TYPES.iter().find(|(kind, ..)| kind == name),
            _ => None,
        };
        let &(kind, element_bytes, float) =
            found.ok_or_else(|| unexpected("a storage's type", "one of torch's storage types", pickle.get(kind)))?;
        let elements = pickle.count(elements, "a storage's number of elements")?;
        Ok(Self { key, kind, element_bytes, float, elements })
    }

    /// Bytes that the storage must have.
    pub(super) fn bytes(&self) -> Result<u64, Error> {
        let bytes = self.elements.checked_mul(self.element_bytes);
        bytes.ok_or_else(|| self.damaged(&format!("has {} elements, which no file could hold", self.elements)))
    }

    pub(super) fn damaged(&self, what: &str) -> Error {
        Error::damaged(format!("the torch storage {} {what}", printable(self.key)))
    }
}

/// Storages by key, each described in one way.
pub(super) fn by_key<'a>(
    refs: impl Iterator<Item = Result<StorageRef<'a>, Error>>,
) -> Result<BTreeMap<&'a str, StorageRef<'a>>, Error> {
    let mut storages = BTreeMap::new();
    for storage in refs {
        let storage = storage?;
        let known = storages.entry(storage.key).or_insert_with(|| storage.clone());
        if *known != storage {
            return Err(storage.damaged("is described in two ways"));
        }
    }
    Ok(storages)
}

/// The storages' bytes by key.
pub(super) type Storages<'a> = BTreeMap<&'a str, Cow<'a, [u8]>>;
