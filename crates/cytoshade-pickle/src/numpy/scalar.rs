//! Scalars.

use std::borrow::Cow;

use cytoshade_safe_io::Meter;

use super::{Dtype, Kind, bytes};
use crate::{Error, Pickle, Value, unexpected};

/// One element: a scalar of numpy's.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar<'a> {
    dtype: Dtype,
    data: Cow<'a, [u8]>,
}

impl<'a> Scalar<'a> {
    /// `scalar(dtype, bytes)`. Zeros at the end of text have no meaning and are left out.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the value is no scalar of plain data, or the bytes have not the type's length;
    /// [`Error::Limit`].
    pub fn read(pickle: &Pickle<'a>, value: &Value<'a>, meter: &mut Meter) -> Result<Self, Error> {
        Self::read_plain(pickle, value, meter)?
            .map_err(|found| Error::damaged(format!("a value is {found}, expected a number, text or bytes")))
    }

    /// As [`Scalar::read`]; the inner error describes a scalar of a type that is not of [`Kind`].
    pub(crate) fn read_plain(
        pickle: &Pickle<'a>,
        value: &Value<'a>,
        meter: &mut Meter,
    ) -> Result<Result<Self, String>, Error> {
        let args = match value {
            Value::Call { global, args, .. } if global.name == "scalar" => *args,
            other => return Err(unexpected("a value", "a numpy scalar", other)),
        };
        let [dtype, data] = *pickle.items(args, "a scalar's parts")? else {
            return Err(Error::damaged("a scalar has not two parts"));
        };
        let dtype = match Dtype::parse(pickle, dtype)? {
            Ok(dtype) => dtype,
            Err(dtype) => return Ok(Err(format!("a scalar of type {dtype}"))),
        };
        let data = bytes(pickle, pickle.get(data), "a scalar", meter)?;
        if data.len() != dtype.size || dtype.kind == Kind::Object {
            return Err(Error::damaged(format!("a scalar has {} bytes, expected {}", data.len(), dtype.size)));
        }
        let mut scalar = Self { dtype, data };
        scalar.trim(meter)?;
        Ok(Ok(scalar))
    }

    /// Takes the zeros off the end of text, so that it is compared and copied without them.
    fn trim(&mut self, meter: &mut Meter) -> Result<(), Error> {
        let unit = match self.dtype.kind {
            Kind::Unicode => 4,
            Kind::Bytes => 1,
            _ => return Ok(()),
        };
        meter.charge_scan(self.data.len())?;
        let last = self.data.chunks(unit).rposition(|chunk| chunk.iter().any(|&byte| byte != 0));
        let length = last.map_or(0, |last| (last + 1) * unit).max(unit).min(self.data.len());
        match &mut self.data {
            Cow::Borrowed(data) => *data = &data[..length],
            Cow::Owned(data) => data.truncate(length),
        }
        self.dtype.size = length;
        Ok(())
    }

    /// A copy. Bytes that lie in the file are not copied; others are charged.
    pub(crate) fn copy(&self, meter: &mut Meter) -> Result<Self, Error> {
        let data = match &self.data {
            Cow::Borrowed(data) => Cow::Borrowed(*data),
            Cow::Owned(data) => {
                let mut copy = meter.values(data.len())?;
                meter.charge_scan(data.len())?;
                copy.extend_from_slice(data);
                Cow::Owned(copy)
            }
        };
        Ok(Self { dtype: self.dtype, data })
    }

    /// Its type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Its bytes.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Its value, if it is a number.
    pub fn number(&self) -> Option<f64> {
        self.dtype.number(&self.data)
    }

    /// Its value, if it is text.
    pub fn text(&self) -> Option<String> {
        let text = self.chars()?.collect::<Option<String>>()?;
        Some(text.trim_end_matches('\0').to_string())
    }

    /// Whether it is this text. Nothing is copied.
    pub fn is_text(&self, text: &str) -> bool {
        self.chars().is_some_and(|mut chars| {
            text.chars().all(|c| chars.next() == Some(Some(c))) && chars.all(|c| c == Some('\0'))
        })
    }

    /// The first characters, if it is text: enough to print.
    pub(crate) fn start_of_text(&self) -> Option<String> {
        Some(self.chars()?.take(200).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>())
            .map(|text| text.trim_end_matches('\0').to_string())
    }

    /// The characters; `None` for a number that is no character.
    fn chars(&self) -> Option<impl Iterator<Item = Option<char>>> {
        let from_bytes = if self.dtype.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        let points = self.data.as_chunks().0.iter().map(move |&chunk| char::from_u32(from_bytes(chunk)));
        (self.dtype.kind == Kind::Unicode).then_some(points)
    }
}
