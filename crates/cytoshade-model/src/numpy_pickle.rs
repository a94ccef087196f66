//! Numpy's arrays and scalars as they lie in pickles.

use crate::Error;
use crate::limits::ReadLimits;
use crate::pickle::{Global, Id, Pickle, Value, unexpected};

/// Everything that a pickle of numpy's may mention; numpy 2 renamed its `core`.
pub(crate) const GLOBALS: &[Global] = &[
    Global { module: "numpy.core.multiarray", name: "_reconstruct" },
    Global { module: "numpy._core.multiarray", name: "_reconstruct" },
    Global { module: "numpy.core.multiarray", name: "scalar" },
    Global { module: "numpy._core.multiarray", name: "scalar" },
    Global { module: "numpy", name: "ndarray" },
    Global { module: "numpy", name: "dtype" },
];

/// The type of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Object,
    F32,
    F64,
    I32,
    I64,
}

/// An array of objects of one element: that element.
pub(crate) fn only_object<'p, 'a>(pickle: &'p Pickle<'a>, limits: &ReadLimits) -> Result<&'p Value<'a>, Error> {
    let array = Array::read(pickle, pickle.root(), limits)?;
    let only = match (array.element, array.data) {
        (Element::Object, Value::List(items)) => items.as_slice(),
        _ => &[],
    };
    match *only {
        [only] if array.elements == 1 => Ok(pickle.get(only)),
        _ => Err(Error::damaged("the numpy file does not hold one object")),
    }
}

/// The numbers of an array of any shape, in the order that they are stored.
pub(crate) fn numbers(pickle: &Pickle<'_>, id: Id, what: &str, limits: &ReadLimits) -> Result<Vec<f64>, Error> {
    let array = Array::read(pickle, pickle.get(id), limits)?;
    let numbers = decode(array.element, bytes(array.data, what)?, what)?;
    if numbers.len() != array.elements {
        return Err(Error::damaged(format!("{what} has {} values for {} elements", numbers.len(), array.elements)));
    }
    finite(numbers, what)
}

/// A number, be it Python's, a scalar of numpy's or an array of one element.
pub(crate) fn number(pickle: &Pickle<'_>, id: Id, what: &str, limits: &ReadLimits) -> Result<f64, Error> {
    let numbers = match pickle.get(id) {
        Value::Float(value) => finite(vec![*value], what)?,
        Value::Int(value) => vec![*value as f64],
        Value::Call { global, args, .. } if global.name == "scalar" => {
            let [dtype, data] = pickle.items(*args, what)? else {
                return Err(Error::damaged(format!("{what} is a scalar of too few parts")));
            };
            finite(decode(element(pickle, *dtype)?, bytes(pickle.get(*data), what)?, what)?, what)?
        }
        _ => numbers(pickle, id, what, limits)?,
    };
    match numbers[..] {
        [number] => Ok(number),
        _ => Err(Error::damaged(format!("{what} is {} numbers, expected one", numbers.len()))),
    }
}

/// `_reconstruct(ndarray, ...)` with the state `(version, shape, dtype, is_fortran, data)`.
struct Array<'p, 'a> {
    elements: usize,
    element: Element,
    data: &'p Value<'a>,
}

impl<'p, 'a> Array<'p, 'a> {
    fn read(pickle: &'p Pickle<'a>, value: &Value<'a>, limits: &ReadLimits) -> Result<Self, Error> {
        let state = match value {
            Value::Call { global, state: Some(state), .. } if global.name == "_reconstruct" => *state,
            other => return Err(unexpected("a value", "a numpy array", other)),
        };
        let [_, shape, dtype, _, data] = pickle.items(state, "an array's state")? else {
            return Err(Error::damaged("an array's state has not five parts"));
        };
        let shape: Vec<u64> = pickle
            .items(*shape, "an array's shape")?
            .iter()
            .map(|&id| pickle.count(id, "an array's shape"))
            .collect::<Result<_, _>>()?;
        Ok(Self { elements: limits.elements(&shape)?, element: element(pickle, *dtype)?, data: pickle.get(*data) })
    }
}

/// `dtype(name, ...)` with the state `(version, byte order, ...)`.
fn element(pickle: &Pickle<'_>, id: Id) -> Result<Element, Error> {
    let (args, state) = match pickle.get(id) {
        Value::Call { global, args, state } if global.name == "dtype" => (*args, *state),
        other => return Err(unexpected("an array's type", "a dtype", other)),
    };
    let name = pickle.items(args, "a dtype")?.first().copied();
    let name = name.map_or(Ok(""), |name| pickle.text(name, "a dtype's name"))?;
    let order = match state {
        Some(state) => pickle.items(state, "a dtype's state")?.get(1).copied(),
        None => None,
    };
    let order = order.map_or(Ok("="), |order| pickle.text(order, "a dtype's byte order"))?;
    match (name, order) {
        ("O8" | "O4" | "O", _) => Ok(Element::Object),
        ("f4", "<" | "=") => Ok(Element::F32),
        ("f8", "<" | "=") => Ok(Element::F64),
        ("i4", "<" | "=") => Ok(Element::I32),
        ("i8", "<" | "=") => Ok(Element::I64),
        _ => Err(Error::damaged(format!(
            "an array has type {}; expected f4, f8, i4 or i8, little-endian",
            crate::error::printable(&format!("{order}{name}"))
        ))),
    }
}

fn bytes<'a>(value: &Value<'a>, what: &str) -> Result<&'a [u8], Error> {
    match *value {
        Value::Bytes(bytes) => Ok(bytes),
        // Python 2 knew no difference.
        Value::Str(text) => Ok(text.as_bytes()),
        ref other => Err(unexpected(what, "bytes", other)),
    }
}

fn decode(element: Element, bytes: &[u8], what: &str) -> Result<Vec<f64>, Error> {
    Ok(match element {
        Element::F32 => bytes.as_chunks().0.iter().map(|&b| f64::from(f32::from_le_bytes(b))).collect(),
        Element::F64 => bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect(),
        Element::I32 => bytes.as_chunks().0.iter().map(|&b| f64::from(i32::from_le_bytes(b))).collect(),
        Element::I64 => bytes.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b) as f64).collect(),
        Element::Object => return Err(Error::damaged(format!("{what} is of objects, expected numbers"))),
    })
}

fn finite(values: Vec<f64>, what: &str) -> Result<Vec<f64>, Error> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(Error::NotFinite { name: what.into(), value: values[index] as f32, index }),
        None => Ok(values),
    }
}
