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
pub enum Data<'a, T> {
    /// The elements' bytes.
    Bytes(Cow<'a, [u8]>),
    /// The objects.
    Objects(Vec<T>),
}

/// An array of any shape, whose data have the length that its shape and type need. Its objects are a pickle's values
/// ([`Id`]) or [`crate::Plain`].
#[derive(Debug, Clone, PartialEq)]
pub struct Array<'a, T = Id> {
    shape: Vec<usize>,
    dtype: Dtype,
    fortran_order: bool,
    data: Data<'a, T>,
}

/// One element: a scalar of numpy's.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar<'a> {
    dtype: Dtype,
    data: Cow<'a, [u8]>,
}

impl Dtype {
    /// A type whose numbers are stored from the lowest byte; `size` is in bytes and is not checked against `kind`.
    pub const fn little_endian(kind: Kind, size: usize) -> Self {
        Self { kind, size, big_endian: false }
    }

    /// Numpy's name of it, without byte order: `f4`.
    pub fn name(self) -> String {
        let (letter, size) = match self.kind {
            Kind::Bool => ('b', self.size),
            Kind::Int => ('i', self.size),
            Kind::Uint => ('u', self.size),
            Kind::Float => ('f', self.size),
            Kind::Complex => ('c', self.size),
            Kind::Unicode => ('U', self.size / 4),
            Kind::Bytes => ('S', self.size),
            Kind::Object => ('O', 8),
        };
        format!("{letter}{size}")
    }

    /// Numpy's letter for the order of its bytes: `<`, `>`, or `|` where there is none.
    pub fn order(self) -> &'static str {
        match self {
            Dtype { kind: Kind::Object | Kind::Bytes, .. } | Dtype { size: 1, .. } => "|",
            Dtype { big_endian: true, .. } => ">",
            Dtype { big_endian: false, .. } => "<",
        }
    }

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

impl<'a, T> Array<'a, T> {
    /// An array of `shape`, whose data lie in C order or, with `fortran_order`, with the first axis changing fastest.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the data have not the length that shape and type need.
    pub fn new(shape: Vec<usize>, dtype: Dtype, fortran_order: bool, data: Data<'a, T>) -> Result<Self, Error> {
        let elements = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        let (found, expected, what) = match &data {
            Data::Objects(items) => (items.len(), elements, "objects"),
            Data::Bytes(bytes) => {
                (bytes.len(), elements.and_then(|elements| elements.checked_mul(dtype.size)), "bytes")
            }
        };
        if expected == Some(found) && (dtype.kind == Kind::Object) == matches!(data, Data::Objects(_)) {
            return Ok(Self { shape, dtype, fortran_order, data });
        }
        let expected = expected.map_or("more than can be addressed".into(), |expected| expected.to_string());
        Err(Error::damaged(format!("an array of shape {shape:?} has {found} {what}, expected {expected}")))
    }

    /// Lengths of its axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Type of its elements.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Whether the first axis changes fastest.
    pub fn fortran_order(&self) -> bool {
        self.fortran_order
    }

    /// Its elements.
    pub fn data(&self) -> &Data<'a, T> {
        &self.data
    }

    /// Its elements, without the rest.
    pub fn into_data(self) -> Data<'a, T> {
        self.data
    }

    /// The numbers, in the order that they are stored; whole numbers past 2^53 are rounded.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the elements are no numbers; the message calls the array `what`.
    pub fn numbers(&self, what: &str) -> Result<Vec<f64>, Error> {
        match &self.data {
            Data::Bytes(bytes) => decode(self.dtype, bytes, what),
            Data::Objects(_) => Err(Error::damaged(format!("{what} is of objects, expected numbers"))),
        }
    }
}

impl<'a> Array<'a> {
    /// `_reconstruct(ndarray, ...)` with the state `(version, shape, dtype, is_fortran, data)`, or
    /// `_frombuffer(data, dtype, shape, order)`, which protocol 5 has.
    ///
    /// # Errors
    /// [`Error::Damaged`] for what is no array, or whose data have not the length that its shape needs;
    /// [`Error::Limit`].
    pub fn read(pickle: &Pickle<'a>, value: &Value<'a>, limits: &Limits) -> Result<Self, Error> {
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
                Self::from_parts(pickle, [*shape, *dtype, *data], fortran, limits)
            }
            Value::Call { global, args, .. } if global.name == "_frombuffer" => {
                let [data, dtype, shape, order] = pickle.items(*args, "an array's parts")? else {
                    return Err(Error::damaged("an array has not four parts"));
                };
                let fortran = pickle.text(*order, "an array's order")? == "F";
                Self::from_parts(pickle, [*shape, *dtype, *data], fortran, limits)
            }
            other => Err(unexpected("a value", "a numpy array", other)),
        }
    }

    fn from_parts(pickle: &Pickle<'a>, parts: [Id; 3], fortran: bool, limits: &Limits) -> Result<Self, Error> {
        let [shape, dtype, data] = parts;
        let axes = pickle.items(shape, "an array's shape")?;
        let shape = axes.iter().map(|&id| pickle.count(id, "an array's shape")).collect::<Result<Vec<_>, _>>()?;
        limits.elements(&shape)?;
        let axis = |&length| usize::try_from(length).ok();
        let shape: Option<Vec<usize>> = shape.iter().map(axis).collect();
        let shape = shape.ok_or_else(|| Error::damaged("an array has an axis longer than this machine can address"))?;
        let dtype = Dtype::read(pickle, dtype)?;
        let data = match (dtype.kind, pickle.get(data)) {
            (Kind::Object, Value::List(items)) => Data::Objects(items.clone()),
            (Kind::Object, other) => return Err(unexpected("the data of an array of objects", "a list", other)),
            (_, value) => Data::Bytes(bytes(pickle, value, "an array")?),
        };
        Self::new(shape, dtype, fortran, data)
    }

    /// The only object of an array of objects: what `np.save` makes of one that is no array.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it holds more, fewer, or no objects.
    pub fn only_object(&self) -> Result<Id, Error> {
        match &self.data {
            Data::Objects(items) if items.len() == 1 => Ok(items[0]),
            _ => Err(Error::damaged("the numpy file does not hold one object")),
        }
    }
}

impl<'a> Scalar<'a> {
    /// `scalar(dtype, bytes)`.
    ///
    /// # Errors
    /// [`Error::Damaged`] for what is none, and where the bytes have not the type's length.
    pub fn read(pickle: &Pickle<'a>, value: &Value<'a>) -> Result<Self, Error> {
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
        Ok(Self { dtype, data })
    }

    /// Its type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Its bytes.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Its value, where it is a number.
    pub fn number(&self) -> Option<f64> {
        decode(self.dtype, &self.data, "").ok()?.first().copied()
    }

    /// Its value, where it is text.
    pub fn text(&self) -> Option<String> {
        let from_bytes = if self.dtype.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        let points = self.data.as_chunks().0.iter().map(|&chunk| char::from_u32(from_bytes(chunk)));
        let text = (self.dtype.kind == Kind::Unicode).then(|| points.collect::<Option<String>>())??;
        Some(text.trim_end_matches('\0').to_string())
    }
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
            let scalar = Scalar::read(pickle, value)?;
            decode(scalar.dtype, &scalar.data, what)?
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
