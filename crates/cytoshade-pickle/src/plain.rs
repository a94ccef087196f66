//! Plain data: a pickle's value as a tree.

use std::borrow::Cow;

use cytoshade_safe_io::{printable, quoted};

use crate::numpy::{Array, Data, Scalar};

/// A value of a pickle with all its parts. Long values (text, bytes, arrays) borrow from the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Plain<'a> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A floating-point number.
    Float(f64),
    /// A complex number: real and imaginary part.
    Complex(f64, f64),
    /// Text, or a path.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// A tuple.
    Tuple(Vec<Plain<'a>>),
    /// A list.
    List(Vec<Plain<'a>>),
    /// A set; items may repeat.
    Set(Vec<Plain<'a>>),
    /// A frozenset.
    FrozenSet(Vec<Plain<'a>>),
    /// Pairs of key and value; the last of equal keys counts.
    Dict(Vec<(Plain<'a>, Plain<'a>)>),
    /// A numpy array.
    Array(Array<'a, Plain<'a>>),
    /// A numpy scalar.
    Scalar(Scalar<'a>),
    /// A value that is not plain data (an object of a class, an array of records): a printable description.
    Opaque(String),
}

impl<'a> Plain<'a> {
    /// The value of a text key, if this is a dictionary.
    pub fn get(&self, key: &str) -> Option<&Plain<'a>> {
        let Plain::Dict(pairs) = self else { return None };
        pairs.iter().rev().find(|(found, _)| found.is_text(key)).map(|(_, value)| value)
    }

    /// The text, if this is Python or numpy text.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Plain::Text(text) => Some(Cow::Borrowed(text)),
            Plain::Scalar(scalar) => scalar.text().map(Cow::Owned),
            _ => None,
        }
    }

    /// Whether this equals a text, of Python or numpy. Copies nothing.
    pub fn is_text(&self, text: &str) -> bool {
        match self {
            Plain::Text(found) => found == text,
            Plain::Scalar(scalar) => scalar.is_text(text),
            _ => false,
        }
    }

    /// Bytes of text, bytes or a scalar; 0 for other values.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Plain::Text(text) => text.len(),
            Plain::Bytes(bytes) => bytes.len(),
            Plain::Scalar(scalar) => scalar.data().len(),
            _ => 0,
        }
    }

    /// The number, if this is a Python number (bools count), a numpy scalar, or an array of one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Plain::Bool(value) => Some(f64::from(u8::from(*value))),
            Plain::Int(value) => Some(*value as f64),
            Plain::Float(value) => Some(*value),
            Plain::Scalar(scalar) => scalar.number(),
            Plain::Array(array) => array.number(),
            _ => None,
        }
    }

    /// The array, if this is one.
    pub fn as_array(&self) -> Option<&Array<'a, Plain<'a>>> {
        match self {
            Plain::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The items, if this is a list or a tuple.
    pub fn as_items(&self) -> Option<&[Plain<'a>]> {
        match self {
            Plain::List(items) | Plain::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// A short printable label: a number or text itself, else the kind of value.
    pub fn label(&self) -> String {
        match self {
            Plain::None => "None".into(),
            Plain::Bool(value) => value.to_string(),
            Plain::Int(value) => value.to_string(),
            Plain::Float(value) => value.to_string(),
            Plain::Text(text) => printable(text.as_bytes()),
            Plain::Bytes(bytes) => format!("bytes {}", quoted(bytes)),
            Plain::Scalar(scalar) => match (scalar.number(), scalar.start_of_text()) {
                (Some(number), _) => number.to_string(),
                (None, Some(text)) => printable(text),
                (None, None) => "a numpy scalar".into(),
            },
            Plain::Complex(..) => "a complex number".into(),
            Plain::Tuple(_) => "a tuple".into(),
            Plain::List(_) => "a list".into(),
            Plain::Set(_) | Plain::FrozenSet(_) => "a set".into(),
            Plain::Dict(_) => "a dictionary".into(),
            Plain::Array(_) => "an array".into(),
            Plain::Opaque(what) => what.clone(),
        }
    }

    /// The values that are not plain data, at most `most`.
    ///
    /// Each has the printable path of keys and indices to it (`flows[2].note`).
    pub fn opaque(&self, most: usize) -> Vec<(String, &str)> {
        let mut found = Vec::new();
        self.find_opaque(&mut Vec::new(), most, &mut found);
        found
    }

    fn find_opaque<'p>(&'p self, path: &mut Vec<Step<'p>>, most: usize, found: &mut Vec<(String, &'p str)>) {
        let mut visit = |value: &'p Plain<'a>, step| {
            if found.len() < most {
                path.push(step);
                value.find_opaque(path, most, found);
                path.pop();
            }
        };
        match self {
            Plain::Opaque(what) => found.push((place(path), what)),
            Plain::Tuple(items) | Plain::List(items) | Plain::Set(items) | Plain::FrozenSet(items) => {
                items.iter().enumerate().for_each(|(at, item)| visit(item, Step::Item(at)));
            }
            Plain::Dict(pairs) => {
                for (key, value) in pairs {
                    visit(key, Step::OfKey);
                    visit(value, Step::Key(key));
                }
            }
            Plain::Array(array) => {
                if let Data::Objects(items) = array.data() {
                    items.iter().enumerate().for_each(|(at, item)| visit(item, Step::Item(at)));
                }
            }
            _ => {}
        }
    }
}

/// One step from a value to one of its parts.
enum Step<'p> {
    /// To the value of a key.
    Key(&'p Plain<'p>),
    /// To a key itself.
    OfKey,
    Item(usize),
}

fn place(path: &[Step<'_>]) -> String {
    let mut place = String::new();
    for step in path {
        match step {
            Step::Key(key) if place.is_empty() => place += &key.label(),
            Step::Key(key) => place += &format!(".{}", key.label()),
            Step::OfKey => place += "(key)",
            Step::Item(at) => place += &format!("[{at}]"),
        }
    }
    place
}
