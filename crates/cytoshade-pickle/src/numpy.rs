//! Numpy's arrays, types and scalars as they lie in pickles.
//!
//! Source: `numpy/_core/src/multiarray/methods.c` (`array_reduce`, `array_setstate`), `descriptor.c`
//! (`arraydescr_reduce`) and `numpy/_core/numeric.py` (`_frombuffer`).

use std::borrow::Cow;

use half::f16;

use crate::{Error, Global, Id, Limits, Pickle, Value, printable, unexpected};

/// Everything that a pickle of numpy's may mention; numpy 2 renamed its `core`. The last three are how Python 3 writes
/// bytes in protocol 2, which has none: encoded text, and a call without arguments where there are no bytes.
pub const GLOBALS: &[Global] = &[
    Global { module: "numpy.core.multiarray", name: "_reconstruct" },
    Global { module: "numpy._core.multiarray", name: "_reconstruct" },
    Global { module: "numpy.core.multiarray", name: "scalar" },
    Global { module: "numpy._core.multiarray", name: "scalar" },
    Global { module: "numpy.core.numeric", name: "_frombuffer" },
    Global { module: "numpy._core.numeric", name: "_frombuffer" },
    Global { module: "numpy", name: "ndarray" },
    Global { module: "numpy", name: "dtype" },
    Global { module: "_codecs", name: "encode" },
    Global { module: "__builtin__", name: "bytes" },
    Global { module: "builtins", name: "bytes" },
];

/// What an array's elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One byte, 0 or 1.
    Bool,
    /// Signed whole numbers.
    Int,
    /// Whole numbers from 0.
    Uint,
    /// Floating-point numbers.
    Float,
    /// Pairs of floating-point numbers.
    Complex,
    /// Text of UTF-32, filled up with zeros.
    Unicode,
    /// Byte strings, filled up with zeros.
    Bytes,
    /// Python objects.
    Object,
}

/// The type of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dtype {
    /// What they are.
    pub kind: Kind,
    /// Bytes of one; 0 for objects.
    pub size: usize,
    /// Whether the bytes of a number are stored from the highest.
    pub big_endian: bool,
}

/// What an array is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Data<'p, 'a> {
    /// The elements' bytes.
    Bytes(Cow<'a, [u8]>),
    /// The objects.
    Objects(&'p [Id]),
}

/// An array, whose data have the length that its shape and type need.
#[derive(Debug, Clone, PartialEq)]
pub struct Array<'p, 'a> {
    /// Lengths of its axes.
    pub shape: Vec<usize>,
    /// Type of its elements.
    pub dtype: Dtype,
    /// Whether the first axis changes fastest.
    pub fortran_order: bool,
    /// Its elements.
    pub data: Data<'p, 'a>,
}

impl Dtype {
    /// The type of numpy's name (`f8`, without byte order) and byte order (`<`, `>`, `=`, `|`).
    fn new(name: &str, order: &str) -> Option<Self> {
        let big_endian = match order {
            "<" | "=" | "|" => false,
            ">" => true,
            _ => return None,
        };
        let (kind, size) = name.split_at_checked(1)?;
        let size = size.parse::<u32>().ok()?;
        let (kind, bytes) = match (kind, size) {
            ("O", _) => (Kind::Object, 0),
            ("b", 1) => (Kind::Bool, 1),
            ("i", 1 | 2 | 4 | 8) => (Kind::Int, size),
            ("u", 1 | 2 | 4 | 8) => (Kind::Uint, size),
            ("f", 2 | 4 | 8) => (Kind::Float, size),
            ("c", 8 | 16) => (Kind::Complex, size),
            ("U", _) => (Kind::Unicode, size.checked_mul(4)?),
            ("S", _) => (Kind::Bytes, size),
            _ => return None,
        };
        Some(Self { kind, size: bytes as usize, big_endian })
    }

    /// `dtype(name, ...)` with the state `(version, byte order, ...)`.
    ///
    /// # Errors
    /// [`Error::Damaged`] for what is no type, and for types that are not of [`Kind`].
    pub fn read(pickle: &Pickle<'_>, id: Id) -> Result<Self, Error> {
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
        Self::new(name, order).ok_or_else(|| {
            let found = printable(&format!("{order}{name}"));
            Error::damaged(format!("an array has type {found}; expected bool, numbers, text, byte strings or objects"))
        })
    }
}

impl<'p, 'a> Array<'p, 'a> {
    /// Whether a value is an array, or is said to be one.
    pub fn is(value: &Value<'_>) -> bool {
        matches!(value, Value::Call { global, .. } if matches!(global.name, "_reconstruct" | "_frombuffer"))
    }

    /// `_reconstruct(ndarray, ...)` with the state `(version, shape, dtype, is_fortran, data)`, or
    /// `_frombuffer(data, dtype, shape, order)`, which protocol 5 has.
    ///
    /// # Errors
    /// [`Error::Damaged`] for what is no array, or whose data have not the length that its shape needs;
    /// [`Error::Limit`].
    pub fn read(pickle: &'p Pickle<'a>, value: &'p Value<'a>, limits: &Limits) -> Result<Self, Error> {
        match value {
            Value::Call { global, state: Some(state), .. } if global.name == "_reconstruct" => {
                let [_, shape, dtype, fortran, data] = pickle.items(*state, "an array's state")? else {
                    return Err(Error::damaged("an array's state has not five parts"));
                };
                let fortran = match pickle.get(*fortran) {
                    Value::Bool(fortran) => *fortran,
                    Value::Int(fortran) => *fortran != 0,
                    other => return Err(unexpected("an array's order", "a bool", other)),
                };
                Self::new(pickle, *shape, *dtype, fortran, *data, limits)
            }
            Value::Call { global, args, .. } if global.name == "_frombuffer" => {
                let [data, dtype, shape, order] = pickle.items(*args, "an array's parts")? else {
                    return Err(Error::damaged("an array has not four parts"));
                };
                let fortran = pickle.text(*order, "an array's order")? == "F";
                Self::new(pickle, *shape, *dtype, fortran, *data, limits)
            }
            other => Err(unexpected("a value", "a numpy array", other)),
        }
    }

    fn new(
        pickle: &'p Pickle<'a>,
        shape: Id,
        dtype: Id,
        fortran_order: bool,
        data: Id,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let axes = pickle.items(shape, "an array's shape")?;
        let shape: Vec<u64> = axes.iter().map(|&id| pickle.count(id, "an array's shape")).collect::<Result<_, _>>()?;
        let elements = limits.elements(&shape)?;
        let dtype = Dtype::read(pickle, dtype)?;
        let data = match (dtype.kind, pickle.get(data)) {
            (Kind::Object, Value::List(items)) => Data::Objects(items),
            (Kind::Object, other) => return Err(unexpected("an array of objects", "a list", other)),
            (_, value) => Data::Bytes(bytes(pickle, value, "an array")?),
        };
        let (found, expected) = match &data {
            Data::Objects(items) => (items.len(), Some(elements)),
            Data::Bytes(bytes) => (bytes.len(), elements.checked_mul(dtype.size)),
        };
        if expected != Some(found) {
            let what = if dtype.kind == Kind::Object { "objects" } else { "bytes" };
            return Err(Error::damaged(format!(
                "an array of shape {shape:?} has {found} {what}, expected {}",
                expected.map_or("more than can be addressed".into(), |expected| expected.to_string())
            )));
        }
        // The product is within what can be addressed; an axis beside one of length 0 need not be.
        let shape = shape.into_iter().map(usize::try_from).collect::<Result<_, _>>();
        let shape = shape.map_err(|_| Error::damaged("an array has an axis longer than this machine can address"))?;
        Ok(Self { shape, dtype, fortran_order, data })
    }

    /// The only object of an array of objects: what `np.save` makes of one that is no array.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it holds more, fewer, or no objects.
    pub fn only_object(&self) -> Result<Id, Error> {
        match self.data {
            Data::Objects(&[only]) => Ok(only),
            _ => Err(Error::damaged("the numpy file does not hold one object")),
        }
    }

    /// The numbers, in the order that they are stored; whole numbers past 2^53 are rounded.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the elements are no numbers.
    pub fn numbers(&self, what: &str) -> Result<Vec<f64>, Error> {
        match &self.data {
            Data::Bytes(bytes) => decode(self.dtype, bytes, what),
            Data::Objects(_) => Err(Error::damaged(format!("{what} is of objects, expected numbers"))),
        }
    }
}

/// A scalar of numpy's: `scalar(dtype, bytes)`.
///
/// # Errors
/// [`Error::Damaged`] for what is none, and where the bytes have not the type's length.
pub fn scalar<'a>(pickle: &Pickle<'a>, value: &Value<'a>) -> Result<(Dtype, Cow<'a, [u8]>), Error> {
    let args = match value {
        Value::Call { global, args, .. } if global.name == "scalar" => *args,
        other => return Err(unexpected("a value", "a numpy scalar", other)),
    };
    let [dtype, data] = pickle.items(args, "a scalar's parts")? else {
        return Err(Error::damaged("a scalar has not two parts"));
    };
    let dtype = Dtype::read(pickle, *dtype)?;
    let data = bytes(pickle, pickle.get(*data), "a scalar")?;
    if data.len() != dtype.size || dtype.kind == Kind::Object {
        return Err(Error::damaged(format!("a scalar has {} bytes, expected {}", data.len(), dtype.size)));
    }
    Ok((dtype, data))
}

/// A number, be it Python's, a scalar of numpy's or an array of one element.
///
/// # Errors
/// [`Error::Damaged`] where it is no number, or more than one.
pub fn number(pickle: &Pickle<'_>, id: Id, what: &str, limits: &Limits) -> Result<f64, Error> {
    let numbers = match pickle.get(id) {
        Value::Float(value) => vec![*value],
        Value::Int(value) => vec![*value as f64],
        value @ Value::Call { global, .. } if global.name == "scalar" => {
            let (dtype, data) = scalar(pickle, value)?;
            decode(dtype, &data, what)?
        }
        value => Array::read(pickle, value, limits)?.numbers(what)?,
    };
    match numbers[..] {
        [number] => Ok(number),
        _ => Err(Error::damaged(format!("{what} is {} numbers, expected one", numbers.len()))),
    }
}

/// Bytes, be they Python 3's, a string of Python 2's, or what Python 3 makes of them for Python 2:
/// `_codecs.encode(text, "latin1")` or `bytes()`.
///
/// # Errors
/// [`Error::Damaged`] for anything else.
pub fn bytes<'a>(pickle: &Pickle<'a>, value: &Value<'a>, what: &str) -> Result<Cow<'a, [u8]>, Error> {
    match *value {
        Value::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
        // Python 2 knew no difference.
        Value::Str(text) => Ok(Cow::Borrowed(text.as_bytes())),
        Value::Call { global, args, .. } if global.name == "encode" => {
            let (text, codec) = match pickle.items(args, "encoded bytes")? {
                [text, codec] => (pickle.text(*text, "encoded bytes")?, pickle.text(*codec, "a codec's name")?),
                _ => return Err(Error::damaged("encoded bytes have not two parts")),
            };
            if !matches!(codec, "latin1" | "latin-1") {
                let found = printable(codec);
                return Err(Error::damaged(format!("{what} is encoded as {found}, expected latin1")));
            }
            let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
            bytes.map(Cow::Owned).ok_or_else(|| Error::damaged(format!("{what} holds a character that is no byte")))
        }
        Value::Call { global, args, .. } if global.name == "bytes" && pickle.items(args, "no bytes")?.is_empty() => {
            Ok(Cow::Borrowed(&[]))
        }
        ref other => Err(unexpected(what, "bytes", other)),
    }
}

/// The numbers in `bytes`; what is left over at the end is left out.
fn decode(dtype: Dtype, bytes: &[u8], what: &str) -> Result<Vec<f64>, Error> {
    macro_rules! numbers {
        ($type:ty, $number:expr) => {{
            let from_bytes = if dtype.big_endian { <$type>::from_be_bytes } else { <$type>::from_le_bytes };
            bytes.as_chunks().0.iter().map(|&chunk| $number(from_bytes(chunk))).collect()
        }};
    }
    Ok(match (dtype.kind, dtype.size) {
        (Kind::Bool | Kind::Uint, 1) => numbers!(u8, f64::from),
        (Kind::Uint, 2) => numbers!(u16, f64::from),
        (Kind::Uint, 4) => numbers!(u32, f64::from),
        (Kind::Uint, _) => numbers!(u64, |value| value as f64),
        (Kind::Int, 1) => numbers!(i8, f64::from),
        (Kind::Int, 2) => numbers!(i16, f64::from),
        (Kind::Int, 4) => numbers!(i32, f64::from),
        (Kind::Int, _) => numbers!(i64, |value| value as f64),
        (Kind::Float, 2) => numbers!(f16, f16::to_f64),
        (Kind::Float, 4) => numbers!(f32, f64::from),
        (Kind::Float, _) => numbers!(f64, f64::from),
        _ => return Err(Error::damaged(format!("{what} is no array of numbers"))),
    })
}
