//! numpy's arrays, types and scalars in pickles.
//!
//! Source: `numpy/_core/src/multiarray/methods.c` (`array_reduce`, `array_setstate`), `descriptor.c`
//! (`arraydescr_reduce`) and `numpy/_core/numeric.py` (`_frombuffer`).

mod array;
mod dtype;
mod scalar;

use std::borrow::Cow;

use cytoshade_safe_io::{Meter, quoted};

use crate::globals::globals;
use crate::{Error, Global, Id, Pickle, Value, unexpected};

pub use array::{Array, Data};
pub use dtype::{Dtype, Kind};
pub use scalar::Scalar;

/// Every name in numpy's pickles; numpy 2 renamed its `core`.
///
/// The last three come from Python 3 writing bytes in protocol 2, which lacks them: as encoded text, or as a call
/// without arguments for empty bytes.
pub const GLOBALS: &[Global] = globals! {
    "numpy.core.multiarray": "_reconstruct" "scalar";
    "numpy._core.multiarray": "_reconstruct" "scalar";
    "numpy.core.numeric": "_frombuffer";
    "numpy._core.numeric": "_frombuffer";
    "numpy": "ndarray" "dtype";
    "_codecs": "encode";
    "__builtin__": "bytes";
    "builtins": "bytes";
};

/// Reads a number: Python's, a numpy scalar, or an array of one element.
///
/// # Errors
/// [`Error::Damaged`] for anything else; [`Error::Limit`].
pub fn number(pickle: &Pickle<'_>, id: Id, what: &str, meter: &mut Meter) -> Result<f64, Error> {
    let number = match pickle.get(id) {
        Value::Float(value) => Some(*value),
        Value::Int(value) => Some(*value as f64),
        value @ Value::Call { global, .. } if global.name == "scalar" => Scalar::read(pickle, value, meter)?.number(),
        value => Array::read(pickle, value, meter)?.number(),
    };
    number.ok_or_else(|| Error::damaged(format!("{what} is not a number, nor an array of one")))
}

/// Reads bytes: Python 3's, a string of Python 2, or a call that makes bytes.
///
/// The calls are `_codecs.encode(text, "latin1")` and `bytes()`, as Python 3 writes bytes for Python 2, and
/// `bytearray(...)`.
///
/// # Errors
/// [`Error::Damaged`] for anything else; [`Error::Limit`].
pub fn bytes<'a>(
    pickle: &Pickle<'a>,
    value: &Value<'a>,
    what: &str,
    meter: &mut Meter,
) -> Result<Cow<'a, [u8]>, Error> {
    let (global, args) = match *value {
        Value::Bytes(bytes) => return Ok(Cow::Borrowed(bytes)),
        // Python 2 did not distinguish bytes from text.
        Value::Str(text) => return Ok(Cow::Borrowed(text.as_bytes())),
        Value::Call { global, args, .. } => (global.name, pickle.items(args, "the parts of bytes")?),
        ref other => return Err(unexpected(what, "bytes", other)),
    };
    match (global, args) {
        ("encode" | "bytearray", &[text, codec]) => {
            latin1(pickle.text(text, "encoded bytes")?, pickle.text(codec, "a codec's name")?, what, meter)
        }
        ("bytes" | "bytearray", []) => Ok(Cow::Borrowed(&[])),
        // Not a nested `bytearray`, which could contain itself.
        ("bytearray", &[data]) => match pickle.get(data) {
            value @ (Value::Bytes(_) | Value::Call { global: Global { name: "encode" | "bytes", .. }, .. }) => {
                bytes(pickle, value, what, meter)
            }
            other => Err(unexpected(what, "bytes", other)),
        },
        _ => Err(unexpected(what, "bytes", value)),
    }
}

/// Text in which each character encodes one byte.
fn latin1<'a>(text: &str, codec: &str, what: &str, meter: &mut Meter) -> Result<Cow<'a, [u8]>, Error> {
    if !matches!(codec, "latin1" | "latin-1") {
        return Err(Error::damaged(format!("{what} is encoded as {}, expected latin1", quoted(codec))));
    }
    // Each character becomes one byte and takes at least one in the file.
    let mut bytes = meter.values(text.len())?;
    meter.charge_scan(text.len())?;
    for c in text.chars() {
        bytes.push(u8::try_from(c).map_err(|_| Error::damaged(format!("{what} holds a character past 255")))?);
    }
    Ok(Cow::Owned(bytes))
}
