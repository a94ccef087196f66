//! Turns a pickle's values, which refer to each other, into a tree.

use std::borrow::Cow;
use std::collections::HashMap;

use cytoshade_safe_io::Meter;

use crate::globals::{NAMESPACES, PATHS};
use crate::numpy::{self, Array, Scalar};
use crate::{Error, Global, Id, Pickle, Plain, Value, unexpected};

impl<'a> Plain<'a> {
    /// The tree of a value. A shared value is copied, and charged, for each reference.
    ///
    /// # Errors
    /// [`Error::Limit`] for values nested too deeply (or in themselves) and for too much memory; [`Error::Damaged`] for
    /// arrays and other objects with inconsistent parts.
    pub fn read(pickle: &Pickle<'a>, id: Id, meter: &mut Meter) -> Result<Self, Error> {
        Tree { pickle, meter, scalars: HashMap::new() }.value(id, 0)
    }
}

struct Tree<'p, 'a> {
    pickle: &'p Pickle<'a>,
    meter: &'p mut Meter,
    /// Long scalars already read: each is scanned once for all its references.
    scalars: HashMap<Id, Scalar<'a>>,
}

/// Scalars above this size in bytes are long: numpy's numbers are smaller.
const LONG: usize = 32;

impl<'a> Tree<'_, 'a> {
    fn value(&mut self, id: Id, depth: u64) -> Result<Plain<'a>, Error> {
        self.pickle.limits().check_nesting(depth)?;
        self.meter.charge_steps(1)?;
        let pickle = self.pickle;
        let value = pickle.get(id);
        Ok(match value {
            Value::None => Plain::None,
            Value::Bool(value) => Plain::Bool(*value),
            Value::Int(value) => Plain::Int(*value),
            Value::Float(value) => Plain::Float(*value),
            Value::Str(text) => Plain::Text(Cow::Borrowed(text)),
            Value::Bytes(bytes) => Plain::Bytes(Cow::Borrowed(bytes)),
            Value::Tuple(items) => Plain::Tuple(self.values(items, depth)?),
            Value::List(items) => Plain::List(self.values(items, depth)?),
            Value::Set(items) => Plain::Set(self.values(items, depth)?),
            Value::FrozenSet(items) => Plain::FrozenSet(self.values(items, depth)?),
            Value::Dict(pairs) => {
                let mut dict = self.meter.list(pairs.len())?;
                for &(key, value) in pairs {
                    let key = self.value(key, depth + 1)?;
                    pickle.limits().check_key(key.bytes())?;
                    dict.push((key, self.value(value, depth + 1)?));
                }
                Plain::Dict(dict)
            }
            Value::Call { global, args, state } => match global.name {
                "_reconstruct" | "_frombuffer" => match Array::read_plain(pickle, value, self.meter)? {
                    Ok(array) => Plain::Array(array.map_objects(|items| self.values(&items, depth))?),
                    Err(what) => self.opaque(what)?,
                },
                "scalar" => self.scalar(id, value)?,
                "encode" | "bytes" | "bytearray" => {
                    let bytes = numpy::bytes(pickle, value, "a value", self.meter).map(Plain::Bytes);
                    self.or_opaque(bytes, global)?
                }
                "complex" => self.or_opaque(self.complex(*args), global)?,
                _ if PATHS.contains(global) => {
                    let path = self.path(*args).map(|path| Plain::Text(Cow::Owned(path)));
                    self.or_opaque(path, global)?
                }
                _ if NAMESPACES.contains(global) => match state {
                    Some(attributes) => self.value(*attributes, depth + 1)?,
                    None => Plain::Dict(Vec::new()),
                },
                _ => self.opaque(format!("a value of {}", quoted_name(global)))?,
            },
            Value::Global(global) => self.opaque(format!("the name {}", quoted_name(global)))?,
            &Value::Opaque { module, name } => {
                self.opaque(format!("a value of {}", pickle.opaque_name(module, name)))?
            }
            Value::LargeInt(bytes) => self.opaque(format!("an int of {} bytes", bytes.len()))?,
            Value::Persistent(_) => self.opaque("a reference to an object outside the file".into())?,
        })
    }

    fn scalar(&mut self, id: Id, value: &Value<'a>) -> Result<Plain<'a>, Error> {
        if let Some(scalar) = self.scalars.get(&id) {
            return Ok(Plain::Scalar(scalar.copy(self.meter)?));
        }
        match Scalar::read_plain(self.pickle, value, self.meter)? {
            Ok(scalar) => {
                if scalar.data().len() > LONG {
                    // An entry of a growing map.
                    self.meter.charge::<(Id, Scalar<'a>)>(2)?;
                    self.scalars.insert(id, scalar.copy(self.meter)?);
                }
                Ok(Plain::Scalar(scalar))
            }
            Err(what) => self.opaque(what),
        }
    }

    fn values(&mut self, items: &[Id], depth: u64) -> Result<Vec<Plain<'a>>, Error> {
        let mut values = self.meter.list(items.len())?;
        for &item in items {
            values.push(self.value(item, depth + 1)?);
        }
        Ok(values)
    }

    /// Makes a value with an unsupported construction opaque, so that the others remain readable.
    fn or_opaque(&mut self, made: Result<Plain<'a>, Error>, global: &Global) -> Result<Plain<'a>, Error> {
        match made {
            Err(Error::Damaged { .. }) => self.opaque(format!("a value of {}", quoted_name(global))),
            other => other,
        }
    }

    fn opaque(&mut self, what: String) -> Result<Plain<'a>, Error> {
        self.meter.charge::<u8>(what.len())?;
        Ok(Plain::Opaque(what))
    }

    /// `complex(real, imaginary)`.
    fn complex(&self, args: Id) -> Result<Plain<'a>, Error> {
        let number = |id| match self.pickle.get(id) {
            Value::Float(value) => Ok(*value),
            other => Err(unexpected("a part of a complex number", "a float", other)),
        };
        match *self.pickle.items(args, "a complex number's parts")? {
            [real, imaginary] => Ok(Plain::Complex(number(real)?, number(imaginary)?)),
            _ => Err(Error::damaged("a complex number does not have two parts")),
        }
    }

    /// `PosixPath("/", "home", "image.tif")`.
    fn path(&mut self, args: Id) -> Result<String, Error> {
        let mut path = String::new();
        for &part in self.pickle.items(args, "a path's parts")? {
            let part = self.pickle.text(part, "a part of a path")?;
            // A growing string reserves up to twice its length.
            self.meter.charge::<u8>(2 * (part.len() + 1))?;
            self.meter.charge_steps(1)?;
            if !path.is_empty() && !path.ends_with(['/', '\\']) {
                path.push('/');
            }
            path.push_str(part);
        }
        Ok(path)
    }
}

fn quoted_name(global: &Global) -> String {
    format!("“{}.{}”", global.module, global.name)
}
