//! The values of a pickle.

use cytoshade_safe_io::quoted;

use crate::{Error, Global, ValueLimits};

/// The index of a value in its [`Pickle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(crate) u32);

/// One value. Strings borrow from the file.
#[derive(Debug)]
pub enum Value<'a> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// An integer over 128 bits, as its two's complement bytes, little-endian.
    LargeInt(&'a [u8]),
    /// A floating-point number.
    Float(f64),
    /// Text.
    Str(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A tuple.
    Tuple(Vec<Id>),
    /// A list.
    List(Vec<Id>),
    /// A set; items may repeat.
    Set(Vec<Id>),
    /// A frozenset.
    FrozenSet(Vec<Id>),
    /// Pairs in insertion order; the last of equal keys counts.
    Dict(Vec<(Id, Id)>),
    /// A name, not called.
    Global(&'static Global),
    /// A call, not made.
    Call {
        /// The called name.
        global: &'static Global,
        /// Its arguments, a tuple.
        args: Id,
        /// The object's state.
        state: Option<Id>,
    },
    /// A name that is not allowed, or a value made by calling it.
    Opaque {
        /// The module, a [`Value::Bytes`].
        module: Id,
        /// The name, a [`Value::Bytes`].
        name: Id,
    },
    /// A reference to an object outside the pickle, by its key.
    Persistent(Id),
}

impl Value<'_> {
    /// The kind of value, for error messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Bool(_) => "a bool",
            Value::Int(_) => "an int",
            Value::LargeInt(_) => "an int of more than 128 bits",
            Value::Float(_) => "a float",
            Value::Str(_) => "a string",
            Value::Bytes(_) => "bytes",
            Value::Tuple(_) => "a tuple",
            Value::List(_) => "a list",
            Value::Set(_) | Value::FrozenSet(_) => "a set",
            Value::Dict(_) => "a dictionary",
            Value::Global(_) => "the name of a class or function",
            Value::Call { .. } | Value::Opaque { .. } => "an object",
            Value::Persistent(_) => "a persistent reference",
        }
    }
}

/// The values of a pickle.
#[derive(Debug)]
pub struct Pickle<'a> {
    pub(crate) values: Vec<Value<'a>>,
    pub(crate) root: Id,
    pub(crate) limits: ValueLimits,
}

impl<'a> Pickle<'a> {
    /// The pickled object.
    pub fn root(&self) -> &Value<'a> {
        self.get(self.root)
    }

    /// A value of this pickle.
    ///
    /// # Panics
    /// May panic for an id from another pickle.
    pub fn get(&self, id: Id) -> &Value<'a> {
        // Only the machine makes ids, for values already pushed; values are never removed.
        &self.values[id.0 as usize]
    }

    /// The limits that the pickle was read under.
    pub fn limits(&self) -> &ValueLimits {
        &self.limits
    }

    /// The keys of all persistent references.
    pub fn persistent(&self) -> impl Iterator<Item = Id> {
        self.values.iter().filter_map(|value| match value {
            Value::Persistent(key) => Some(*key),
            _ => None,
        })
    }

    /// The items of a tuple or a list; error messages call the value `what`.
    ///
    /// # Errors
    /// [`Error::Damaged`] for any other value.
    pub fn items(&self, id: Id, what: &str) -> Result<&[Id], Error> {
        match self.get(id) {
            Value::Tuple(items) | Value::List(items) => Ok(items),
            other => Err(unexpected(what, "a tuple", other)),
        }
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// [`Error::Damaged`] for any other value.
    pub fn count(&self, id: Id, what: &str) -> Result<u64, Error> {
        match self.get(id) {
            Value::Int(value) => u64::try_from(*value)
                .map_err(|_| Error::damaged(format!("{what} is {value}, expected a number from 0 to 2^64 - 1"))),
            other => Err(unexpected(what, "an int", other)),
        }
    }

    /// A tuple of unsigned integers, such as a shape or strides.
    ///
    /// # Errors
    /// [`Error::Damaged`] for any other value; [`Error::Limit`] for more than the limit of dimensions.
    pub fn counts(&self, id: Id, what: &str) -> Result<Vec<u64>, Error> {
        let items = self.items(id, what)?;
        // Checked before the copy: thousands of arrays may share one long tuple.
        self.limits.check_dimensions(items.len())?;
        items.iter().map(|&id| self.count(id, what)).collect()
    }

    /// A string.
    ///
    /// # Errors
    /// [`Error::Damaged`] for any other value, including integer keys.
    pub fn text(&self, id: Id, what: &str) -> Result<&'a str, Error> {
        match self.get(id) {
            Value::Str(text) => Ok(text),
            other => Err(unexpected(what, "a string", other)),
        }
    }

    /// The value of a string key in the pairs of a dictionary.
    pub fn find(&self, pairs: &[(Id, Id)], key: &str) -> Option<Id> {
        let is_key = |id: Id| matches!(self.get(id), Value::Str(text) if *text == key);
        pairs.iter().rev().find(|(found, _)| is_key(*found)).map(|(_, value)| *value)
    }

    /// `module.name` of a [`Value::Opaque`], printable, in quotation marks.
    pub(crate) fn opaque_name(&self, module: Id, name: Id) -> String {
        let bytes = |id| match self.get(id) {
            Value::Bytes(bytes) => *bytes,
            _ => &[],
        };
        // A name of a megabyte may recur many times: only the displayed part is copied.
        let start = |bytes: &'a [u8]| &bytes[..bytes.len().min(400)];
        quoted([start(bytes(module)), b".", start(bytes(name))].concat())
    }
}

/// The error for a value of an unexpected kind.
pub fn unexpected(what: &str, expected: &str, found: &Value<'_>) -> Error {
    Error::damaged(format!("{what} is {}, expected {expected}", found.kind()))
}
