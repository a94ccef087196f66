//! NPY: reading arrays as images, writing arrays.
//!
//! The reader is our own: the header is a Python literal of three known keys, and the crates that read it reserve
//! memory by the length that a file states and parse nested literals by recursion.
//!
//! Source: NEP 1 and `numpy.lib.format` (versions 1.0 to 3.0).

use std::io::Write;

use cytoshade_core::Sample;
use cytoshade_pickle::printable;
use half::f16;

use crate::{
    Error, FlowView, Format, Image, LabelView, Pages, ReadOptions,
    limits::{DecodeBudget, zeros},
    options::MAX_AUTO_CHANNELS,
    sample::{self, StoredSample, Wrap},
};

/// Reads an array of two to four axes, as `options.pages` says.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Vec<Image>, Error> {
    let (header, data) = split(bytes)?;
    array_images(&Header::parse(header)?, data, options)
}

/// The images of an array that a header describes.
pub(crate) fn array_images(header: &Header, data: &[u8], options: &ReadOptions) -> Result<Vec<Image>, Error> {
    let (kind, big_endian) = match header.descr.split_at_checked(1) {
        Some(("<", kind)) => (kind, false),
        Some((">", kind)) => (kind, true),
        Some(("|", kind @ ("b1" | "u1" | "i1"))) => (kind, false),
        _ => ("", false),
    };
    let place = (data, big_endian);
    match kind {
        "b1" | "u1" => images::<u8>(place, header, options, u8::samples),
        "i1" => images::<u8>(place, header, options, sample::signed8),
        "u2" => images::<u16>(place, header, options, u16::samples),
        "i2" => images::<u16>(place, header, options, sample::signed16),
        "u4" => images::<u32>(place, header, options, u32::samples),
        "i4" => images::<u32>(place, header, options, sample::signed32),
        "u8" => images::<u64>(place, header, options, u64::samples),
        "i8" => images::<u64>(place, header, options, sample::signed64),
        "f2" => images::<f16>(place, header, options, f32::samples),
        "f4" => images::<u32>(place, header, options, sample::float32),
        "f8" => images::<u64>(place, header, options, sample::float64),
        _ => Err(unsupported_type(&header.descr)),
    }
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
    let text = std::str::from_utf8(text).map_err(|_| damaged("its header is no UTF-8 text"))?;
    Ok((text, data))
}

/// The most axes that numpy gives an array.
const MAX_AXES: usize = 64;

/// What an NPY header states.
#[derive(Debug, PartialEq)]
pub(crate) struct Header {
    /// The type, such as `<f4`, or `[` where it is a list of fields.
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
                    // Fields are refused, so they need not be understood.
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
                    // Python 2 wrote long integers as 3L.
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

/// A Python string without escapes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    text.get(1..)?.split_once(quote)
}

/// An axis: its length, and how many elements lie from one step to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    length: usize,
    stride: usize,
}

/// Which axis of an array is what.
#[derive(Debug, PartialEq)]
struct Axes {
    list: Axis,
    channel: Axis,
    y: Axis,
    x: Axis,
}

impl Axes {
    fn new(header: &Header, pages: Pages) -> Result<Self, Error> {
        const ABSENT: Axis = Axis { length: 1, stride: 0 };
        let refuse = |expected| Err(Error::Shape { shape: header.shape.clone(), expected });

        let mut axes = header.axes();
        // The reference, too, takes axes of length 1 out of arrays of more than three axes.
        if axes.len() > 3 && pages != Pages::Stack {
            axes.retain(|axis| axis.length != 1);
        }
        let shortest = axes.iter().map(|axis| axis.length).min().unwrap_or(0);
        let mut list = None;
        let mut channel = None;
        match (pages, axes.len()) {
            (_, 2) => {}
            (Pages::List | Pages::Stack, 3) => list = Some(axes.remove(0)),
            (Pages::Auto, 3) if shortest > MAX_AUTO_CHANNELS => {
                let position = axes.iter().position(|axis| axis.length == shortest).unwrap_or(0);
                list = Some(axes.remove(position));
            }
            (_, 3) => channel = Some(take_shortest(&mut axes, shortest)),
            (Pages::Auto | Pages::List, 4) if shortest <= MAX_AUTO_CHANNELS => {
                channel = Some(take_shortest(&mut axes, shortest));
                list = Some(axes.remove(0));
            }
            (Pages::Stack, 4) => {
                let short = |axis: &Axis| axis.length <= MAX_AUTO_CHANNELS;
                let position = [1, 3].into_iter().find(|&at| axes.get(at).is_some_and(short));
                let Some(position) = position else { return refuse("[Z, C, H, W] or [Z, H, W, C] with C at most 5") };
                channel = Some(axes.remove(position));
                list = Some(axes.remove(0));
            }
            (Pages::Channels, 4) => return refuse("two or three axes, since four hold more than one image"),
            _ => {
                return refuse(
                    "[H, W], [C, H, W], [H, W, C], [N, H, W] or, with C at most 5, [N, C, H, W] or [N, H, W, C]",
                );
            }
        }
        match axes[..] {
            [y, x] => Ok(Self { list: list.unwrap_or(ABSENT), channel: channel.unwrap_or(ABSENT), y, x }),
            _ => refuse("two to four axes"),
        }
    }
}

/// The reference's `transforms.move_min_dim`: the shortest axis, the last one where several are.
fn take_shortest(axes: &mut Vec<Axis>, shortest: usize) -> Axis {
    let last = axes.len().saturating_sub(1);
    let is_last = axes.get(last).is_some_and(|axis| axis.length == shortest);
    let position = if is_last { last } else { axes.iter().position(|axis| axis.length == shortest).unwrap_or(last) };
    axes.remove(position)
}

impl Header {
    fn axes(&self) -> Vec<Axis> {
        let mut stride = 1usize;
        let mut axis = |&length: &usize| {
            let axis = Axis { length, stride };
            // Where this saturates, the array is larger than any file and is refused for that.
            stride = stride.saturating_mul(length);
            axis
        };
        if self.fortran_order {
            self.shape.iter().map(axis).collect()
        } else {
            let mut axes: Vec<Axis> = self.shape.iter().rev().map(&mut axis).collect();
            axes.reverse();
            axes
        }
    }
}

/// The images of an array.
fn images<T: StoredSample>(
    (data, big_endian): (&[u8], bool),
    header: &Header,
    options: &ReadOptions,
    wrap: Wrap<T>,
) -> Result<Vec<Image>, Error> {
    let Axes { list, channel, y, x } = Axes::new(header, options.pages)?;
    let limits = &options.limits;
    limits.check_pages(list.length as u64)?;
    limits.check_sides(x.length as u64, y.length as u64)?;
    if list.length == 0 {
        return Err(damaged("its shape has no image in it"));
    }
    let lengths = [list.length, channel.length, y.length, x.length, size_of::<T>()];
    let needed = lengths.iter().try_fold(1usize, |bytes, length| bytes.checked_mul(*length));
    if needed.is_none_or(|needed| needed > data.len()) {
        let needed = needed.map_or("more than can be addressed".into(), |needed| needed.to_string());
        return Err(damaged(format!("its array has {} bytes, its shape needs {needed}", data.len())));
    }
    let mut room = DecodeBudget::new(limits, data);
    let element = |index: usize| data.get(index * size_of::<T>()..(index + 1) * size_of::<T>()).unwrap_or_default();
    (0..list.length)
        .map(|n| {
            let pixels = y.length as u64 * x.length as u64;
            let count = room.take(pixels, channel.length as u64, size_of::<T::Value>())?;
            let mut planes: Vec<T::Value> = zeros(count)?;
            for (row, out) in planes.chunks_exact_mut(x.length).enumerate() {
                let start = n * list.stride + row / y.length * channel.stride + row % y.length * y.stride;
                for (column, out) in out.iter_mut().enumerate() {
                    *out = T::load(element(start + column * x.stride), big_endian).value();
                }
            }
            Ok(Image::from_samples(wrap(planes), channel.length, y.length, x.length)?)
        })
        .collect()
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
/// [`Error::Write`]; [`Error::Output`] where `data` does not hold the product of `shape`.
pub fn write_npy_f32<W: Write>(out: W, shape: &[usize], data: &[f32]) -> Result<(), Error> {
    write(out, "<f4", shape, data, f32::to_le_bytes)
}

/// Writes flows and cell probability as one f32 array, the latter as the last of its first axis: dY, dX and cell
/// probability [3, Y, X] of an image; of a stack [4, Z, Y, X] with dZ first, or [3, Z, Y, X] without.
///
/// # Errors
/// [`Error::Write`].
pub fn write_flows_npy<W: Write>(mut out: W, flows: &FlowView<'_>) -> Result<(), Error> {
    out.write_all(&header("<f4", &flows.shape())?).map_err(Error::Write)?;
    write_values(&mut out, flows.flows(), f32::to_le_bytes)?;
    write_values(&mut out, flows.cellprob(), f32::to_le_bytes)?;
    out.flush().map_err(Error::Write)
}

/// Writes labels as an array of their axes in C order, such as [Y, X] or [Z, Y, X]: 16-bit unsigned, 32-bit if a label is
/// above 65,535, little-endian.
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
            expected: "as many values as the shape says",
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

/// Everything before the data, padded to a multiple of 64 bytes as numpy pads it.
fn header(descr: &str, shape: &[usize]) -> Result<Vec<u8>, Error> {
    let lengths: Vec<String> = shape.iter().map(ToString::to_string).collect();
    // Python knows a tuple of one by its comma.
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

    fn axes(shape: &[usize], fortran_order: bool, pages: Pages) -> Result<[(usize, usize); 4], Error> {
        let axes = Axes::new(&Header { descr: "<f4".into(), fortran_order, shape: shape.to_vec() }, pages)?;
        Ok([axes.list, axes.channel, axes.y, axes.x].map(|axis| (axis.length, axis.stride)))
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
    fn axes_as_the_reference_takes_them() {
        use Pages::{Auto, Channels, List, Stack};
        let one = (1, 0);
        assert_eq!(axes(&[20, 30], false, Auto).unwrap(), [one, one, (20, 30), (30, 1)]);
        assert_eq!(axes(&[20, 30], true, Auto).unwrap(), [one, one, (20, 1), (30, 20)]);
        assert_eq!(axes(&[2, 20, 30], false, Auto).unwrap(), [one, (2, 600), (20, 30), (30, 1)]);
        assert_eq!(axes(&[20, 30, 2], false, Auto).unwrap(), [one, (2, 1), (20, 60), (30, 2)]);
        assert_eq!(axes(&[3, 30, 3], false, Auto).unwrap(), [one, (3, 1), (3, 90), (30, 3)]);
        assert_eq!(axes(&[6, 20, 30], false, Auto).unwrap(), [(6, 600), one, (20, 30), (30, 1)]);
        assert_eq!(axes(&[6, 20, 30], false, Channels).unwrap(), [one, (6, 600), (20, 30), (30, 1)]);
        assert_eq!(axes(&[2, 20, 30], false, List).unwrap(), [(2, 600), one, (20, 30), (30, 1)]);
        assert_eq!(axes(&[7, 2, 20, 30], false, Auto).unwrap(), [(7, 1200), (2, 600), (20, 30), (30, 1)]);
        assert_eq!(axes(&[7, 20, 30, 3], false, List).unwrap(), [(7, 1800), (3, 1), (20, 90), (30, 3)]);
        assert_eq!(axes(&[1, 2, 20, 30], false, Auto).unwrap(), [one, (2, 600), (20, 30), (30, 1)]);
        assert_eq!(axes(&[2, 20, 30], false, Stack).unwrap(), [(2, 600), one, (20, 30), (30, 1)]);
        assert_eq!(axes(&[3, 4, 20, 30], false, Stack).unwrap(), [(3, 2400), (4, 600), (20, 30), (30, 1)]);
        assert_eq!(axes(&[3, 20, 30, 2], false, Stack).unwrap(), [(3, 1200), (2, 1), (20, 60), (30, 2)]);
        assert_eq!(axes(&[1, 2, 20, 30], false, Stack).unwrap(), [(1, 1200), (2, 600), (20, 30), (30, 1)]);
        assert!(matches!(axes(&[7, 8, 9, 10], false, Stack), Err(Error::Shape { .. })));
        for shape in [&[][..], &[5], &[7, 8, 9, 10], &[2, 2, 2, 2, 2]] {
            assert!(matches!(axes(shape, false, Auto), Err(Error::Shape { .. })), "{shape:?}");
        }
        assert!(matches!(axes(&[7, 2, 20, 30], false, Channels), Err(Error::Shape { .. })));
    }
}
