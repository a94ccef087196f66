//! Python pickles as plain data: nothing is ever called.
//!
//! A pickle is a program for a small stack machine whose opcodes may call any Python function. This reader
//! interprets the opcodes that build data and knows the few [`Global`]s that its caller allows; it calls none of them:
//! a call is kept as data ([`Value::Call`]) for the caller to make sense of. Any other global, and every other opcode,
//! is an error that names it.
//!
//! Values live in one list and refer to each other by index. A pickle may share values and even put a list into
//! itself; there is nothing here that would follow such a circle, and nothing recursive that could run out of stack.
//!
//! The opcodes are those of CPython's `Lib/pickletools.py`.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod error;
mod input;
mod limits;
mod machine;
pub mod numpy;
mod opcode;
mod plain;
mod write;

pub use error::{Error, printable};
pub use input::Input;
pub use limits::Limits;
pub use machine::read;
pub use plain::{PATHS, Plain};
pub use write::write_npy;

/// A Python name that a pickle may mention.
#[derive(Debug, PartialEq, Eq)]
pub struct Global {
    /// Its module.
    pub module: &'static str,
    /// Its name in the module.
    pub name: &'static str,
}

/// What a call with no arguments makes a dictionary of.
pub const ORDERED_DICT: Global = Global { module: "collections", name: "OrderedDict" };

/// The index of a value in its [`Pickle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id(u32);

/// Plain data.
#[derive(Debug)]
pub enum Value<'a> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i128),
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
    /// Pairs in the order they were set; of two with the same key the later one counts.
    Dict(Vec<(Id, Id)>),
    /// A name that is not called.
    Global(&'static Global),
    /// A call that is not made: what would be called, its arguments, and the state that the object would be given.
    Call {
        /// What would be called.
        global: &'static Global,
        /// Its arguments, a tuple.
        args: Id,
        /// The state that the object would be given.
        state: Option<Id>,
    },
    /// A reference to something outside of the pickle, by its key.
    Persistent(Id),
}

impl Value<'_> {
    /// What kind of value this is, for error messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Bool(_) => "a bool",
            Value::Int(_) => "an int",
            Value::Float(_) => "a float",
            Value::Str(_) => "a string",
            Value::Bytes(_) => "bytes",
            Value::Tuple(_) => "a tuple",
            Value::List(_) => "a list",
            Value::Dict(_) => "a dictionary",
            Value::Global(_) => "a global",
            Value::Call { .. } => "an object",
            Value::Persistent(_) => "a persistent reference",
        }
    }
}

/// A pickle's values.
#[derive(Debug)]
pub struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

impl<'a> Pickle<'a> {
    /// The object that was pickled.
    pub fn root(&self) -> &Value<'a> {
        self.get(self.root)
    }

    /// A value of this pickle.
    ///
    /// # Panics
    /// May panic for an id of another pickle.
    pub fn get(&self, id: Id) -> &Value<'a> {
        // Ids are made by the machine alone, for values that it has pushed; values are never taken away.
        &self.values[id.0 as usize]
    }

    /// Every persistent reference, whatever it is part of.
    pub fn persistent(&self) -> impl Iterator<Item = &Value<'a>> {
        self.values.iter().filter(|value| matches!(value, Value::Persistent(_)))
    }

    /// The items of a tuple or a list, which is called `what` in the message.
    ///
    /// # Errors
    /// [`Error::Damaged`] for any other value.
    pub fn items(&self, id: Id, what: &str) -> Result<&[Id], Error> {
        match self.get(id) {
            Value::Tuple(items) | Value::List(items) => Ok(items),
            other => Err(unexpected(what, "a tuple", other)),
        }
    }

    /// A whole number from 0.
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

    /// A string; whole numbers serve as keys as well and are no strings.
    ///
    /// # Errors
    /// [`Error::Damaged`] for any other value.
    pub fn text(&self, id: Id, what: &str) -> Result<&'a str, Error> {
        match self.get(id) {
            Value::Str(text) => Ok(text),
            other => Err(unexpected(what, "a string", other)),
        }
    }

    /// The value of a string key in pairs of a dictionary.
    pub fn find(&self, pairs: &[(Id, Id)], key: &str) -> Option<Id> {
        let is_key = |id: Id| matches!(self.get(id), Value::Str(text) if *text == key);
        pairs.iter().rev().find(|(found, _)| is_key(*found)).map(|(_, value)| *value)
    }
}

/// A value of another kind than expected.
pub fn unexpected(what: &str, expected: &str, found: &Value<'_>) -> Error {
    Error::damaged(format!("{what} is {}, expected {expected}", found.kind()))
}
