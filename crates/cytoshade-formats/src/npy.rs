//! NPY: reading arrays as images, writing arrays.
//!
//! The reader is our own: the header is a Python literal with three known keys, and existing crates reserve memory by
//! the length stated in the file and parse nested literals recursively.
//!
//! Source: NEP 1 and `numpy.lib.format` (versions 1.0 to 3.0).

use std::io::Write;

use cytoshade_safe_io::printable;

use crate::series::Frames;
use crate::{Axis, AxisKind, Error, FlowView, Format, LabelView, Origin, PixelSize, SampleKind, SampleType, Series};

/// The series of an array from its header.
///
/// The elements begin at byte `offset` of the file and take `bytes` bytes.
pub(crate) fn series(header: &Header, offset: u64, bytes: u64) -> Result<Series, Error> {
    let (kind, big_endian) = match header.descr.split_at_checked(1) {
        Some(("<", kind)) => (kind, false),
        Some((">", kind)) => (kind, true),
        Some(("|", kind @ ("b1" | "u1" | "i1"))) => (kind, false),
        _ => ("", false),
    };
    let (sample_kind, size) = match kind {
        "b1" | "u1" => (SampleKind::Unsigned, 1),
        "u2" => (SampleKind::Unsigned, 2),
        "u4" => (SampleKind::Unsigned, 4),
        "u8" => (SampleKind::Unsigned, 8),
        "i1" => (SampleKind::Signed, 1),
        "i2" => (SampleKind::Signed, 2),
        "i4" => (SampleKind::Signed, 4),
        "i8" => (SampleKind::Signed, 8),
        "f2" => (SampleKind::Float, 2),
        "f4" => (SampleKind::Float, 4),
        "f8" => (SampleKind::Float, 8),
        _ => return Err(unsupported_type(&header.descr)),
    };
    if header.shape.contains(&0) {
        return Err(damaged(format!("its shape {:?} holds no image", header.shape)));
    }
    let needed = header.shape.iter().try_fold(size, |bytes: u64, length| bytes.checked_mul(*length as u64));
    if needed.is_none_or(|needed| needed > bytes) {
        let needed = needed.map_or("more than can be addressed".into(), |needed| needed.to_string());
        return Err(damaged(format!("its array has {bytes} bytes, its shape needs {needed}")));
    }
    let axes: Vec<Axis> = header.shape.iter().map(|&length| Axis::new(AxisKind::Unknown, length)).collect();
    Ok(Series {
        name: String::new(),
        frame_rank: axes.len(),
        axes,
        sample_type: SampleType { kind: sample_kind, bits: size as usize * 8 },
        pixel_size: PixelSize::default(),
        channel_names: Vec::new(),
        origin: Origin::Array,
        left_out: None,
        frames: Frames::Array { strides: header.strides(), big_endian, offset },
    })
}

fn unsupported_type(descr: &str) -> Error {
    let expected = "booleans, integers or floats of 8 to 64 bits";
    let found = if descr.starts_with('[') {
        "structured records".into()
    } else if descr.ends_with('O') {
        "pickled Python objects (a `_seg.npy` of Cellpose is such a file), which are not images".into()
    } else {
        format!("values of the type '{}'", printable(descr))
    };
    Error::unsupported(Format::Npy, found, expected)
}

/// The header's text and the array's bytes.
pub(crate) fn split(bytes: &[u8]) -> Result<(&str, &[u8]), Error> {
    let short = || damaged(format!("it ends within its header, after {} bytes", bytes.len()));
    let [major, _minor, rest @ ..] = bytes.get(6..).ok_or_else(short)? else { return Err(short()) };
    let length_bytes = match major {
        1 => 2,
        2 | 3 => 4,
        other => {
            return Err(Error::unsupported(Format::Npy, format!("version {other}"), "version 1, 2 or 3"));
        }
    };
    let (length, rest) = rest.split_at_checked(length_bytes).ok_or_else(short)?;
    let length = length.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte));
    let (text, data) = rest.split_at_checked(length).ok_or_else(short)?;
    let text = std::str::from_utf8(text).map_err(|_| damaged("its header is not UTF-8 text"))?;
    Ok((text, data))
}

/// The maximum number of axes in numpy.
const MAX_AXES: usize = 64;

/// The contents of an NPY header.
#[derive(Debug, PartialEq)]
pub(crate) struct Header {
    /// The type, such as `<f4`, or `[` for a list of fields.
    pub(crate) descr: String,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<usize>,
}

impl Header {
    /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, the keys in any order.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || {
            let start: String = text.chars().take(100).collect();
            damaged(format!("its header is {start:?}, expected a dictionary of descr, fortran_order and shape"))
        };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        let mut rest = text.trim().strip_prefix('{').ok_or_else(wrong)?;
        loop {
            rest = rest.trim_start_matches([' ', ',']);
            if rest.starts_with('}') {
                break;
            }
            let (key, after) = quoted(rest).ok_or_else(wrong)?;
            let value = after.trim_start().strip_prefix(':').ok_or_else(wrong)?.trim_start();
            rest = match key {
                "descr" if value.starts_with('[') => {
                    // Structured types are refused, so their fields are not parsed.
                    descr = Some("[".to_owned());
                    break;
                }
                "descr" => {
                    let (text, after) = quoted(value).ok_or_else(wrong)?;
                    descr = Some(text.to_owned());
                    after
                }
                "fortran_order" => {
                    let (flag, after) = match (value.strip_prefix("True"), value.strip_prefix("False")) {
                        (Some(after), _) => (true, after),
                        (_, Some(after)) => (false, after),
                        _ => return Err(wrong()),
                    };
                    fortran_order = Some(flag);
                    after
                }
                "shape" => {
                    let (inner, after) =
                        value.strip_prefix('(').and_then(|value| value.split_once(')')).ok_or_else(wrong)?;
                    // Python 2 writes long integers as 3L.
                    let lengths = inner.split(',').map(|length| length.trim().trim_end_matches('L'));
                    let lengths = lengths.filter(|length| !length.is_empty()).map(str::parse);
                    let lengths = lengths.collect::<Result<Vec<usize>, _>>().map_err(|_| wrong())?;
                    if lengths.len() > MAX_AXES {
                        return Err(damaged(format!(
                            "its array has {} axes, expected at most {MAX_AXES}",
                            lengths.len()
                        )));
                    }
                    shape = Some(lengths);
                    after
                }
                _ => return Err(wrong()),
            };
        }
        match (descr, fortran_order, shape) {
            (Some(descr), _, _) if descr == "[" => Err(unsupported_type(&descr)),
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Self { descr, fortran_order, shape }),
            _ => Err(wrong()),
        }
    }
}

/// A Python string without escapes, and the rest of the text.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    text.get(1..)?.split_once(quote)
}

impl Header {
    /// The strides of the axes, in elements.
    fn strides(&self) -> Vec<usize> {
        let mut stride = 1usize;
        let mut step = |length: &usize| {
            let this = stride;
            // If this saturates, the array exceeds any file and has been refused.
            stride = stride.saturating_mul(*length);
            this
        };
        if self.fortran_order {
            return self.shape.iter().map(step).collect();
        }
        let mut strides: Vec<usize> = self.shape.iter().rev().map(&mut step).collect();
        strides.reverse();
        strides
    }
}

fn damaged(what: impl Into<String>) -> Error {
    Error::damaged(Format::Npy, what)
}

/// Writes an f32 array in C order as NPY version 1.0, little-endian.
///
/// ```
/// let mut file = Vec::new();
/// cytoshade_formats::write_npy_f32(&mut file, &[3, 2, 2], &[0.0; 12])?;
/// assert!(file.starts_with(b"\x93NUMPY\x01\x00"));
/// # Ok::<(), cytoshade_formats::Error>(())
/// ```
///
/// # Errors
/// [`Error::Write`]; [`Error::Output`] unless `data` holds the product of `shape`.
pub fn write_npy_f32<W: Write>(out: W, shape: &[usize], data: &[f32]) -> Result<(), Error> {
    write(out, "<f4", shape, data, f32::to_le_bytes)
}

/// Writes flows and cell probability as one f32 array, with the cell probability last.
///
/// The shape is [3, Y, X] for an image (dY, dX, cell probability), [4, Z, Y, X] for a stack with dZ first, or [3, Z, Y,
/// X] for a stack without dZ.
///
/// # Errors
/// [`Error::Write`].
pub fn write_flows_npy<W: Write>(mut out: W, flows: &FlowView<'_>) -> Result<(), Error> {
    out.write_all(&header("<f4", &flows.shape())?).map_err(Error::Write)?;
    write_values(&mut out, flows.flows(), f32::to_le_bytes)?;
    write_values(&mut out, flows.cellprob(), f32::to_le_bytes)?;
    out.flush().map_err(Error::Write)
}

/// Writes labels as a little-endian array in C order, such as [Y, X] or [Z, Y, X].
///
/// The type is 16-bit unsigned, or 32-bit if a label is above 65,535.
///
/// # Errors
/// [`Error::Write`].
pub fn write_labels_npy<'a, W: Write>(out: W, labels: impl Into<LabelView<'a>>) -> Result<(), Error> {
    let labels = labels.into();
    if labels.max() > u32::from(u16::MAX) {
        write(out, "<u4", &labels.shape(), labels.as_slice(), u32::to_le_bytes)
    } else {
        write(out, "<u2", &labels.shape(), labels.as_slice(), |label| (label as u16).to_le_bytes())
    }
}

fn write<W: Write, T: Copy, const N: usize>(
    mut out: W,
    descr: &str,
    shape: &[usize],
    data: &[T],
    to_bytes: impl Fn(T) -> [u8; N],
) -> Result<(), Error> {
    if shape.iter().try_fold(1usize, |count, length| count.checked_mul(*length)) != Some(data.len()) {
        return Err(Error::Output {
            found: format!("{} values of shape {shape:?}", data.len()),
            expected: "as many values as the shape has",
        });
    }
    out.write_all(&header(descr, shape)?).map_err(Error::Write)?;
    write_values(&mut out, data, to_bytes)?;
    out.flush().map_err(Error::Write)
}

fn write_values<W: Write, T: Copy, const N: usize>(
    out: &mut W,
    values: &[T],
    to_bytes: impl Fn(T) -> [u8; N],
) -> Result<(), Error> {
    let mut bytes = Vec::new();
    for values in values.chunks(1 << 14) {
        bytes.clear();
        bytes.extend(values.iter().flat_map(|&value| to_bytes(value)));
        out.write_all(&bytes).map_err(Error::Write)?;
    }
    Ok(())
}

/// Everything before the data, padded to a multiple of 64 bytes as in numpy.
fn header(descr: &str, shape: &[usize]) -> Result<Vec<u8>, Error> {
    let lengths: Vec<String> = shape.iter().map(ToString::to_string).collect();
    // Python needs a comma in a tuple of one.
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut text =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}", lengths.join(", "));
    const BEFORE: usize = 10;
    let padded = (BEFORE + text.len() + 1).next_multiple_of(64) - BEFORE;
    text = format!("{text:<width$}\n", width = padded - 1);
    let length = u16::try_from(padded).map_err(|_| Error::Output {
        found: format!("an array of {} axes", shape.len()),
        expected: "few enough axes for a header of 64 KiB",
    })?;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(text.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(text: &str) -> Result<Header, Error> {
        Header::parse(text)
    }

    #[test]
    fn headers() {
        let expected = Header { descr: "<f4".into(), fortran_order: true, shape: vec![2, 3] };
        let text = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }   \n";
        assert_eq!(header_of(text).unwrap(), expected);
        assert_eq!(header_of("{\"shape\":(2L,3L,),'fortran_order':True,'descr':'<f4'}").unwrap(), expected);
        for wrong in [
            "",
            "{}",
            "{'descr': '<f4'}",
            "{'descr': '<f4', 'fortran_order': 1, 'shape': (2, 3)}",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (2, -3)}",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (99999999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (((((((2)}",
            "{'descr': '<f4, 'fortran_order': True",
            "{'\u{e9}",
            "{'fortran_order': \u{e9}}",
        ] {
            assert!(matches!(header_of(wrong), Err(Error::Damaged { .. })), "{wrong}");
        }
        assert!(matches!(header_of("{'descr': [('a', '<f4')], "), Err(Error::Unsupported { .. })));
    }

    #[test]
    fn strides_of_both_orders() {
        let strides = |fortran_order| Header { descr: "<f4".into(), fortran_order, shape: vec![2, 20, 30] }.strides();
        assert_eq!(strides(false), [600, 30, 1]);
        assert_eq!(strides(true), [1, 2, 40]);
    }
}
