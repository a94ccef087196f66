//! A pickle's values as a tree.

use std::borrow::Cow;

use crate::numpy::{Array, Data, Scalar};
use crate::{Error, Global, Id, Limits, Pickle, Value, unexpected};

/// Paths, which scripts put where a name is expected; they become text.
pub const PATHS: &[Global] = &[
    Global { module: "pathlib", name: "PosixPath" },
    Global { module: "pathlib", name: "PurePosixPath" },
    Global { module: "pathlib", name: "WindowsPath" },
    Global { module: "pathlib", name: "PureWindowsPath" },
    Global { module: "pathlib._local", name: "PosixPath" },
    Global { module: "pathlib._local", name: "PurePosixPath" },
    Global { module: "pathlib._local", name: "WindowsPath" },
    Global { module: "pathlib._local", name: "PureWindowsPath" },
];

/// A value of a pickle, with all that it is made of. What is long (text, bytes, arrays) stays in the file's bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Plain<'a> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A floating-point number.
    Float(f64),
    /// Text, or a path.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// A tuple.
    Tuple(Vec<Plain<'a>>),
    /// A list.
    List(Vec<Plain<'a>>),
    /// Pairs of key and value; of two with the same key the later one counts.
    Dict(Vec<(Plain<'a>, Plain<'a>)>),
    /// An array of numpy's.
    Array(Array<'a, Plain<'a>>),
    /// A scalar of numpy's.
    Scalar(Scalar<'a>),
}

impl<'a> Plain<'a> {
    /// The tree below a value. A value that is shared is there as often as it is mentioned, up to the limits.
    ///
    /// # Errors
    /// [`Error::Limit`] for values that lie too deep (or in themselves) and for too much memory; [`Error::Damaged`] for
    /// calls that stand for no plain data.
    pub fn read(pickle: &Pickle<'a>, id: Id, limits: &Limits) -> Result<Self, Error> {
        Tree { pickle, limits, spent: 0 }.value(id, 0)
    }

    /// The value of a key that is text, where this is a dictionary.
    pub fn get(&self, key: &str) -> Option<&Plain<'a>> {
        let Plain::Dict(pairs) = self else { return None };
        pairs.iter().rev().find(|(found, _)| found.as_text().is_some_and(|found| found == key)).map(|(_, value)| value)
    }

    /// The text, where this is text of Python's or of numpy's.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Plain::Text(text) => Some(Cow::Borrowed(text)),
            Plain::Scalar(scalar) => scalar.text().map(Cow::Owned),
            _ => None,
        }
    }

    /// The number, where this is one of Python's (as its bools are), of numpy's, or an array of one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Plain::Bool(value) => Some(f64::from(u8::from(*value))),
            Plain::Int(value) => Some(*value as f64),
            Plain::Float(value) => Some(*value),
            Plain::Scalar(scalar) => scalar.number(),
            Plain::Array(array) => match array.data() {
                Data::Bytes(bytes) if bytes.len() == array.dtype().size => array.numbers("").ok()?.first().copied(),
                _ => None,
            },
            _ => None,
        }
    }

    /// The array, where this is one.
    pub fn as_array(&self) -> Option<&Array<'a, Plain<'a>>> {
        match self {
            Plain::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The items, where this is a list or a tuple.
    pub fn as_items(&self) -> Option<&[Plain<'a>]> {
        match self {
            Plain::List(items) | Plain::Tuple(items) => Some(items),
            _ => None,
        }
    }
}

struct Tree<'p, 'a> {
    pickle: &'p Pickle<'a>,
    limits: &'p Limits,
    /// Bytes of memory so far.
    spent: u64,
}

impl<'a> Tree<'_, 'a> {
    fn value(&mut self, id: Id, depth: u64) -> Result<Plain<'a>, Error> {
        self.limits.check_nesting(depth)?;
        self.spend(size_of::<Plain<'_>>())?;
        let value = self.pickle.get(id);
        Ok(match value {
            Value::None => Plain::None,
            Value::Bool(value) => Plain::Bool(*value),
            Value::Int(value) => Plain::Int(*value),
            Value::Float(value) => Plain::Float(*value),
            Value::Str(text) => Plain::Text(Cow::Borrowed(text)),
            Value::Bytes(bytes) => Plain::Bytes(Cow::Borrowed(bytes)),
            Value::Tuple(items) => Plain::Tuple(self.values(items, depth)?),
            Value::List(items) => Plain::List(self.values(items, depth)?),
            Value::Dict(pairs) => {
                let pair = |&(key, value): &(Id, Id)| Ok((self.value(key, depth + 1)?, self.value(value, depth + 1)?));
                Plain::Dict(pairs.iter().map(pair).collect::<Result<_, Error>>()?)
            }
            Value::Call { global, args, .. } => match global.name {
                "_reconstruct" | "_frombuffer" => Plain::Array(self.array(value, depth)?),
                "scalar" => Plain::Scalar(Scalar::read(self.pickle, value)?),
                "encode" | "bytes" => Plain::Bytes(self.bytes(crate::numpy::bytes(self.pickle, value, "a value")?)?),
                _ if PATHS.contains(global) => Plain::Text(Cow::Owned(self.path(*args)?)),
                _ => return Err(unexpected("a value", "plain data", value)),
            },
            Value::Global(_) | Value::Persistent(_) => return Err(unexpected("a value", "plain data", value)),
        })
    }

    fn values(&mut self, items: &[Id], depth: u64) -> Result<Vec<Plain<'a>>, Error> {
        items.iter().map(|&item| self.value(item, depth + 1)).collect()
    }

    fn array(&mut self, value: &Value<'a>, depth: u64) -> Result<Array<'a, Plain<'a>>, Error> {
        let array = Array::read(self.pickle, value, self.limits)?;
        let (shape, dtype, fortran_order) = (array.shape().to_vec(), array.dtype(), array.fortran_order());
        let data = match array.into_data() {
            Data::Bytes(bytes) => Data::Bytes(self.bytes(bytes)?),
            Data::Objects(items) => Data::Objects(self.values(&items, depth)?),
        };
        Array::new(shape, dtype, fortran_order, data)
    }

    /// Bytes that lie in the file cost nothing.
    fn bytes(&mut self, bytes: Cow<'a, [u8]>) -> Result<Cow<'a, [u8]>, Error> {
        if let Cow::Owned(copy) = &bytes {
            self.spend(copy.len())?;
        }
        Ok(bytes)
    }

    /// `PosixPath("/", "home", "image.tif")`.
    fn path(&mut self, args: Id) -> Result<String, Error> {
        let mut path = String::new();
        for &part in self.pickle.items(args, "a path's parts")? {
            let part = self.pickle.text(part, "a part of a path")?;
            self.spend(part.len() + 1)?;
            if !path.is_empty() && !path.ends_with(['/', '\\']) {
                path.push('/');
            }
            path.push_str(part);
        }
        Ok(path)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Error> {
        self.spent = self.spent.saturating_add(bytes as u64);
        self.limits.check_memory(self.spent)
    }
}
