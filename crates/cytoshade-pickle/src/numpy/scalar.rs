//! Scalars.

use std::borrow::Cow;

use cytoshade_safe_io::Meter;

use super::{Dtype, Kind, bytes};
use crate::{Error, Pickle, Value, unexpected};

/// A numpy scalar.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar<'a> {
    dtype: Dtype,
    data: Cow<'a, [u8]>,
}

impl<'a> Scalar<'a> {
    /// Reads `scalar(dtype, bytes)`. Trailing zeros of text are padding and dropped.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the value is not a scalar of plain data, or its bytes do not have the type's length;
    /// [`Error::Limit`].
    pub fn read(pickle: &Pickle<'a>, value: &Value<'a>, meter: &mut Meter) -> Result<Self, Error> {
        Self::read_plain(pickle, value, meter)?
            .map_err(|found| Error::damaged(format!("a value is {found}, expected a number, text or bytes")))
    }

    /// [`Scalar::read`] with an inner error that describes a scalar whose type is not a [`Kind`].
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
            return Err(Error::damaged("a scalar does not have two parts"));
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

    /// Removes trailing zeros of text, so that they are neither compared nor copied.
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

    /// Copies the scalar. Borrowed bytes are not copied; owned ones are charged.
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

    /// Whether the scalar equals this text. Copies nothing.
    pub fn is_text(&self, text: &str) -> bool {
        self.chars().is_some_and(|mut chars| {
            text.chars().all(|c| chars.next() == Some(Some(c))) && chars.all(|c| c == Some('\0'))
        })
    }

    /// The first characters of text, enough for a message.
    pub(crate) fn start_of_text(&self) -> Option<String> {
        Some(self.chars()?.take(200).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>())
            .map(|text| text.trim_end_matches('\0').to_string())
    }

    /// The characters; `None` in place of invalid code points.
    fn chars(&self) -> Option<impl Iterator<Item = Option<char>>> {
        let from_bytes = if self.dtype.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        let points = self.data.as_chunks().0.iter().map(move |&chunk| char::from_u32(from_bytes(chunk)));
        (self.dtype.kind == Kind::Unicode).then_some(points)
    }
}
