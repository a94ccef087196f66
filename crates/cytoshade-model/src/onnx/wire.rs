//! The wire format of Protocol Buffers: a sequence of fields.

use cytoshade_safe_io::Input;

use crate::Error;

/// The encoded value of a field.
#[derive(Clone, Copy)]
pub(super) enum Wire<'m> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'m [u8]),
    Fixed32([u8; 4]),
}

/// The fields of a message.
pub(super) struct Fields<'m>(Input<'m>);

impl<'m> Fields<'m> {
    pub(super) fn new(message: &'m [u8]) -> Self {
        Self(Input::new(message, "the ONNX file"))
    }

    /// The next field's number and value; `None` at the message's end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Wire<'m>)>, Error> {
        let input = &mut self.0;
        if input.is_empty() {
            return Ok(None);
        }
        let key = varint(input)?;
        let value = match key & 7 {
            0 => Wire::Varint(varint(input)?),
            1 => Wire::Fixed64(input.array()?),
            2 => {
                let length = varint(input)?;
                Wire::Bytes(input.take(length)?)
            }
            5 => Wire::Fixed32(input.array()?),
            other => return Err(Error::damaged(format!("the ONNX file has a field of wire type {other}"))),
        };
        Ok(Some((key >> 3, value)))
    }
}

/// The numbers of a packed field.
pub(super) fn packed(bytes: &[u8]) -> impl Iterator<Item = Result<u64, Error>> {
    let mut input = Input::new(bytes, "a list of the ONNX file");
    std::iter::from_fn(move || (!input.is_empty()).then(|| varint(&mut input)))
        // An error leaves the rest unread.
        .scan(false, |failed, number| (!std::mem::replace(failed, number.is_err())).then_some(number))
}

/// A varint: seven bits per byte.
fn varint(input: &mut Input<'_>) -> Result<u64, Error> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = input.u8()?;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Error::damaged("the ONNX file has a number of more than ten bytes"))
}
