//! The type of an array's elements.

use cytoshade_safe_io::{printable, quoted};
use half::f16;

use crate::{Error, Id, Pickle, Value};

/// The kind of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One byte, 0 or 1.
    Bool,
    /// Signed integers.
    Int,
    /// Unsigned integers.
    Uint,
    /// Floating-point numbers.
    Float,
    /// Complex numbers: pairs of floating-point numbers.
    Complex,
    /// UTF-32 text, padded with zeros.
    Unicode,
    /// Byte strings, padded with zeros.
    Bytes,
    /// Python objects.
    Object,
}

/// The type of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dtype {
    /// Kind of the elements.
    pub kind: Kind,
    /// Bytes of one element; 0 for objects.
    pub size: usize,
    /// Whether numbers are big-endian.
    pub big_endian: bool,
}

impl Dtype {
    /// A little-endian type. `size` is in bytes and not checked against `kind`.
    pub const fn little_endian(kind: Kind, size: usize) -> Self {
        Self { kind, size, big_endian: false }
    }

    /// Numpy's name of the type, without byte order: `f4`.
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

    /// Numpy's letter for the byte order: `<`, `>`, or `|` for types without one.
    pub fn order(self) -> &'static str {
        match self {
            Dtype { kind: Kind::Object | Kind::Bytes, .. } | Dtype { size: 1, .. } => "|",
            Dtype { big_endian: true, .. } => ">",
            Dtype { big_endian: false, .. } => "<",
        }
    }

    /// The type with numpy's name (`f8`, without byte order) and byte order (`<`, `>`, `=`, `|`).
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

    /// Parses `dtype(name, ...)` with the state `(version, byte order, ...)`.
    ///
    /// The inner error is the printable name of a type that is not a [`Kind`] (records, dates, long doubles).
    ///
    /// # Errors
    /// [`Error::Damaged`] if the value is not a dtype.
    pub(crate) fn parse(pickle: &Pickle<'_>, id: Id) -> Result<Result<Self, String>, Error> {
        let (args, state) = match pickle.get(id) {
            Value::Call { global, args, state } if global.name == "dtype" => (*args, *state),
            Value::Opaque { module, name } => return Ok(Err(pickle.opaque_name(*module, *name))),
            other => return Err(crate::unexpected("an array's type", "a dtype", other)),
        };
        let name = match pickle.items(args, "a dtype")?.first().map(|&name| pickle.get(name)) {
            Some(Value::Str(name)) => *name,
            // A class of the writer's own, as for records.
            Some(Value::Opaque { module, name }) => return Ok(Err(pickle.opaque_name(*module, *name))),
            Some(other) => return Err(crate::unexpected("a dtype's name", "a string", other)),
            None => "",
        };
        let order = match state {
            Some(state) => pickle.items(state, "a dtype's state")?.get(1).copied(),
            None => None,
        };
        let order = order.map_or(Ok("="), |order| pickle.text(order, "a dtype's byte order"))?;
        Ok(Self::new(name, order).ok_or_else(|| quoted(printable(order) + &printable(name))))
    }

    /// The type of an array that must be of a [`Kind`].
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn read(pickle: &Pickle<'_>, id: Id) -> Result<Self, Error> {
        Self::parse(pickle, id)?.map_err(|found| {
            Error::damaged(format!("an array has type {found}; expected bool, numbers, text, byte strings or objects"))
        })
    }

    /// The number in the bytes of one element. `None` for text, objects and complex numbers.
    pub(crate) fn number(self, bytes: &[u8]) -> Option<f64> {
        macro_rules! number {
            ($type:ty, $number:expr) => {{
                let bytes = bytes.first_chunk()?;
                $number(if self.big_endian { <$type>::from_be_bytes(*bytes) } else { <$type>::from_le_bytes(*bytes) })
            }};
        }
        Some(match (self.kind, self.size) {
            (Kind::Bool | Kind::Uint, 1) => number!(u8, f64::from),
            (Kind::Uint, 2) => number!(u16, f64::from),
            (Kind::Uint, 4) => number!(u32, f64::from),
            (Kind::Uint, 8) => number!(u64, |value| value as f64),
            (Kind::Int, 1) => number!(i8, f64::from),
            (Kind::Int, 2) => number!(i16, f64::from),
            (Kind::Int, 4) => number!(i32, f64::from),
            (Kind::Int, 8) => number!(i64, |value| value as f64),
            (Kind::Float, 2) => number!(f16, f16::to_f64),
            (Kind::Float, 4) => number!(f32, f64::from),
            (Kind::Float, 8) => number!(f64, f64::from),
            _ => return None,
        })
    }
}
