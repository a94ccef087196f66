//! Arrays.

use std::borrow::Cow;

use cytoshade_safe_io::Meter;

use super::{Dtype, Kind, bytes};
use crate::{Error, Id, Pickle, Value, unexpected};

/// The elements of an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Data<'a, T> {
    /// The elements' bytes.
    Bytes(Cow<'a, [u8]>),
    /// The objects.
    Objects(Vec<T>),
}

/// An array of any shape, with data of the length that its shape and type require.
///
/// Its objects are values of a pickle ([`Id`]) or [`crate::Plain`].
#[derive(Debug, Clone, PartialEq)]
pub struct Array<'a, T = Id> {
    shape: Vec<usize>,
    dtype: Dtype,
    fortran_order: bool,
    data: Data<'a, T>,
}

impl<'a, T> Array<'a, T> {
    /// An array of `shape` with data in C order, or with the first axis fastest if `fortran_order`.
    ///
    /// # Errors
    /// [`Error::Damaged`] unless the data have the length that shape and type require.
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

    /// Maps the array's objects.
    pub(crate) fn map_objects<U>(
        self,
        map: impl FnOnce(Vec<T>) -> Result<Vec<U>, Error>,
    ) -> Result<Array<'a, U>, Error> {
        let Self { shape, dtype, fortran_order, data } = self;
        let data = match data {
            Data::Bytes(bytes) => Data::Bytes(bytes),
            Data::Objects(items) => Data::Objects(map(items)?),
        };
        Ok(Array { shape, dtype, fortran_order, data })
    }

    /// The numbers in stored order; integers above 2^53 are rounded.
    ///
    /// `None` if the elements are not numbers.
    pub fn numbers(&self) -> Option<impl Iterator<Item = f64>> {
        let Data::Bytes(bytes) = &self.data else { return None };
        let dtype = self.dtype;
        // The type alone decides whether the elements are numbers.
        dtype.number(&[0; 8])?;
        Some(bytes.chunks_exact(dtype.size).filter_map(move |element| dtype.number(element)))
    }

    /// The number, if the array holds exactly one.
    pub fn number(&self) -> Option<f64> {
        let mut numbers = self.numbers()?;
        numbers.next().filter(|_| numbers.next().is_none())
    }
}

impl<'a> Array<'a> {
    /// Reads an array from a call in the pickle.
    ///
    /// The call is `_reconstruct(ndarray, ...)` with the state `(version, shape, dtype, is_fortran, data)`, or, in
    /// protocol 5, `_frombuffer(data, dtype, shape, order)`.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the value is not an array, or its data do not match its shape; [`Error::Limit`].
    pub fn read(pickle: &Pickle<'a>, value: &Value<'a>, meter: &mut Meter) -> Result<Self, Error> {
        let parts = Parts::find(pickle, value)?;
        Self::from_parts(pickle, &parts, Dtype::read(pickle, parts.dtype)?, meter)
    }

    /// [`Array::read`] with an inner error for arrays that are not plain data.
    ///
    /// The inner error describes the array: its type is not a [`Kind`], or its class has its own state.
    pub(crate) fn read_plain(
        pickle: &Pickle<'a>,
        value: &Value<'a>,
        meter: &mut Meter,
    ) -> Result<Result<Self, String>, Error> {
        if let Some(class) = own_class(pickle, value) {
            return Ok(Err(format!("a value of {class}")));
        }
        let parts = Parts::find(pickle, value)?;
        match Dtype::parse(pickle, parts.dtype)? {
            Ok(dtype) => Self::from_parts(pickle, &parts, dtype, meter).map(Ok),
            Err(dtype) => Ok(Err(format!("an array of type {dtype}"))),
        }
    }

    fn from_parts(pickle: &Pickle<'a>, parts: &Parts, dtype: Dtype, meter: &mut Meter) -> Result<Self, Error> {
        let shape = pickle.counts(parts.shape, "an array's shape")?;
        pickle.limits().elements(&shape)?;
        let axis = |&length| usize::try_from(length).ok();
        let shape: Option<Vec<usize>> = shape.iter().map(axis).collect();
        let shape = shape.ok_or_else(|| Error::damaged("an array has an axis longer than this machine can address"))?;
        let data = match (dtype.kind, pickle.get(parts.data)) {
            (Kind::Object, Value::List(items)) => {
                let mut objects = meter.list(items.len())?;
                meter.charge_scan(size_of_val(&items[..]))?;
                objects.extend_from_slice(items);
                Data::Objects(objects)
            }
            (Kind::Object, other) => return Err(unexpected("the data of an array of objects", "a list", other)),
            (_, value) => Data::Bytes(bytes(pickle, value, "an array", meter)?),
        };
        Self::new(shape, dtype, parts.fortran_order, data)
    }

    /// The single object of an object array, as `np.save` writes objects that are not arrays.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it holds more, fewer, or no objects.
    pub fn only_object(&self) -> Result<Id, Error> {
        match &self.data {
            Data::Objects(items) if items.len() == 1 => Ok(items[0]),
            _ => Err(Error::damaged("the numpy file does not hold exactly one object")),
        }
    }
}

/// The parts of an array.
struct Parts {
    shape: Id,
    dtype: Id,
    data: Id,
    fortran_order: bool,
}

impl Parts {
    fn find(pickle: &Pickle<'_>, value: &Value<'_>) -> Result<Self, Error> {
        match value {
            Value::Call { global, state: Some(state), .. } if global.name == "_reconstruct" => {
                let [_, shape, dtype, fortran, data] = *pickle.items(*state, "an array's state")? else {
                    return Err(Error::damaged("an array's state does not have five parts"));
                };
                let fortran_order = match pickle.get(fortran) {
                    Value::Bool(fortran) => *fortran,
                    Value::Int(fortran) => *fortran != 0,
                    other => return Err(unexpected("an array's order", "a bool", other)),
                };
                Ok(Self { shape, dtype, data, fortran_order })
            }
            Value::Call { global, args, .. } if global.name == "_frombuffer" => {
                let [data, dtype, shape, order] = *pickle.items(*args, "an array's parts")? else {
                    return Err(Error::damaged("an array does not have four parts"));
                };
                let fortran_order = pickle.text(order, "an array's order")? == "F";
                Ok(Self { shape, dtype, data, fortran_order })
            }
            other => Err(unexpected("a value", "a numpy array", other)),
        }
    }
}

/// The class of an array whose state differs from numpy's five parts, in quotation marks.
fn own_class(pickle: &Pickle<'_>, value: &Value<'_>) -> Option<String> {
    let Value::Call { args, state: Some(state), .. } = value else { return None };
    let Value::Opaque { module, name } = pickle.get(*pickle.items(*args, "").ok()?.first()?) else { return None };
    let has_parts = pickle.items(*state, "").is_ok_and(|parts| parts.len() == 5);
    (!has_parts).then(|| pickle.opaque_name(*module, *name))
}
