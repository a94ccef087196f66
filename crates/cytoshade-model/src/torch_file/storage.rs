//! Storages: flat arrays of numbers, of which tensors are views.

use std::borrow::Cow;

use cytoshade_pickle::{Global, Id, Pickle, Value, unexpected};
use cytoshade_safe_io::quoted;

use crate::Error;
use crate::by_name::ByName;
use crate::tensor::Float;

/// Maximum length in bytes of a storage's key.
///
/// Torch writes numbers; thousands of storages can share one key, which is compared often.
const MAX_KEY_BYTES: usize = 256;

const fn named(name: &'static str) -> Global {
    Global { module: "torch", name }
}

/// The storage types.
pub(super) const GLOBALS: &[Global] = &[
    named("FloatStorage"),
    named("HalfStorage"),
    named("BFloat16Storage"),
    named("DoubleStorage"),
    named("LongStorage"),
    named("IntStorage"),
    named("ShortStorage"),
    named("CharStorage"),
    named("ByteStorage"),
    named("BoolStorage"),
];

/// The element size of each of [`GLOBALS`], and its float type, if any.
const ELEMENTS: [(u64, Option<Float>); GLOBALS.len()] = [
    (4, Some(Float::F32)),
    (2, Some(Float::F16)),
    (2, Some(Float::Bf16)),
    (8, Some(Float::F64)),
    (8, None),
    (4, None),
    (2, None),
    (1, None),
    (1, None),
    (1, None),
];

/// A pickle's reference to a storage.
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
    pub(super) fn read(pickle: &Pickle<'a>, key: Id) -> Result<Self, Error> {
        let (kind, key, elements) = match *pickle.items(key, "a storage's description")? {
            [_, kind, key, _, elements] => (kind, key, elements),
            [_, kind, key, _, elements, view] if matches!(pickle.get(view), Value::None) => (kind, key, elements),
            ref items => {
                let found = items.len();
                return Err(Error::damaged(format!("a storage's description has {found} parts, expected 5")));
            }
        };
        let key = pickle.text(key, "a storage's key")?;
        if key.len() > MAX_KEY_BYTES {
            let found = key.len();
            return Err(Error::damaged(format!("a storage's key has {found} bytes, expected at most {MAX_KEY_BYTES}")));
        }
        let at = match pickle.get(kind) {
            Value::Global(global) => GLOBALS.iter().position(|known| known == *global),
            _ => None,
        };
        let at = at.ok_or_else(|| unexpected("a storage's type", "one of torch's storage types", pickle.get(kind)))?;
        let (element_bytes, float) = ELEMENTS[at];
        let elements = pickle.count(elements, "a storage's number of elements")?;
        Ok(Self { key, kind: GLOBALS[at].name, element_bytes, float, elements })
    }

    /// The required number of bytes.
    pub(super) fn bytes(&self) -> Result<u64, Error> {
        let bytes = self.elements.checked_mul(self.element_bytes);
        bytes.ok_or_else(|| self.damaged(&format!("has {} elements, which no file could hold", self.elements)))
    }

    pub(super) fn damaged(&self, what: &str) -> Error {
        Error::damaged(format!("the torch storage {} {what}", quoted(self.key)))
    }
}

/// Storages by key. Equal keys must have equal descriptions.
pub(super) fn by_key<'a>(
    refs: impl Iterator<Item = Result<StorageRef<'a>, Error>>,
) -> Result<ByName<'a, StorageRef<'a>>, Error> {
    let mut storages = ByName::new();
    for storage in refs {
        let storage = storage?;
        let known = storages.insert(storage.key, storage.clone());
        if known.is_some_and(|known| known != storage) {
            return Err(storage.damaged("is described in two ways"));
        }
    }
    Ok(storages)
}

/// The storages' bytes by key.
pub(super) type Storages<'a> = ByName<'a, Cow<'a, [u8]>>;
