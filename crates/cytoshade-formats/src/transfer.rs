//! Transfers images from the process that decodes a file to the one that requested it.
//!
//! The first message has the [`Contents`] of the file; then each item's z-slices follow in order. The receiver trusts
//! nothing: it checks every length against [`Limits`] and against the announced contents.

use std::io::{Read, Write};

use cytoshade_core::{Sample, Samples};

use crate::arrange::Arrangement;
use crate::limits::zeros;
use crate::sample::{bytes, bytes_mut};
use crate::{Error, Image, ImageFile, Item, Limits, PixelSize};

/// The selected contents of a file, without samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// The images and stacks, in order.
    pub items: Vec<Item>,
    /// Facts about each series of the file.
    pub series: Vec<SeriesFacts>,
    /// The warnings from opening the file, as text.
    pub warnings: Vec<String>,
}

/// Metadata of a series to keep with results.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesFacts {
    /// Size of a pixel.
    pub pixel_size: PixelSize,
    /// The names of the channels, as far as the file states them: untrusted text.
    pub channel_names: Vec<String>,
}

impl Contents {
    /// The contents of an open file, for the given items.
    pub fn new(file: &ImageFile<'_>, items: Vec<Item>) -> Self {
        let facts = |series: &crate::Series| SeriesFacts {
            pixel_size: series.pixel_size(),
            channel_names: series.channel_names().to_vec(),
        };
        let series = file.series().iter().map(facts).collect();
        Self { items, series, warnings: file.warnings().iter().map(ToString::to_string).collect() }
    }
}

/// First bytes of a message.
const FAILURE: u64 = 0;
const CONTENTS: u64 = 1;
const IMAGES: u64 = 2;

/// Sends an error in place of a message.
///
/// # Errors
/// [`Error::Write`].
pub fn send_failure(out: &mut dyn Write, error: &Error) -> Result<(), Error> {
    let mut out = Sender(out);
    out.numbers(&[FAILURE])?;
    out.text(&error.to_string())
}

/// Sends the first message.
///
/// # Errors
/// [`Error::Write`].
pub fn send_contents(out: &mut dyn Write, contents: &Contents) -> Result<(), Error> {
    let mut out = Sender(out);
    let Contents { items, series, warnings } = contents;
    out.numbers(&[CONTENTS, items.len() as u64, series.len() as u64, warnings.len() as u64])?;
    for item in items {
        let optional = |value: Option<usize>| value.map_or(0, |value| value as u64 + 1);
        let (list, time) = (optional(item.list), optional(item.time));
        let sizes = [item.slices, item.channels, item.height, item.width].map(|size| size as u64);
        out.numbers(&[item.series as u64, u64::from(item.is_of_several), list, time])?;
        out.numbers(&sizes)?;
    }
    for SeriesFacts { pixel_size, channel_names } in series {
        let sizes = [pixel_size.x, pixel_size.y, pixel_size.z];
        out.numbers(&sizes.map(|size| size.unwrap_or(f64::NAN).to_bits()))?;
        out.numbers(&[channel_names.len() as u64])?;
        channel_names.iter().try_for_each(|name| out.text(name))?;
    }
    warnings.iter().try_for_each(|warning| out.text(warning))
}

/// Sends the z-slices of an item.
///
/// # Errors
/// [`Error::Write`].
pub fn send_images(out: &mut dyn Write, images: &[Image]) -> Result<(), Error> {
    let mut out = Sender(out);
    out.numbers(&[IMAGES, images.len() as u64])?;
    for image in images {
        let sizes = [image.channels(), image.height(), image.width()].map(|size| size as u64);
        out.numbers(&[kind(image.samples())])?;
        out.numbers(&sizes)?;
        out.0.write_all(bytes(image.samples())).map_err(Error::Write)?;
    }
    out.0.flush().map_err(Error::Write)
}

/// Receives the first message.
///
/// # Errors
/// [`Error::Isolated`] with the sender's error, and for an invalid message; [`Error::Limit`]; [`Error::Read`] if the
/// message ends early.
pub fn receive_contents(input: &mut dyn Read, limits: &Limits) -> Result<Contents, Error> {
    let mut input = Receiver(input);
    input.start(CONTENTS)?;
    let [items, series, warnings] = input.numbers()?;
    limits.check_pages(items)?;
    limits.check_pages(series)?;
    limits.check_pages(warnings)?;
    let items = (0..items).map(|_| input.item(limits)).collect::<Result<Vec<_>, _>>()?;
    let facts = |input: &mut Receiver<'_>| {
        let sizes: [u64; 3] = input.numbers()?;
        let [x, y, z] = sizes.map(|bits| Some(f64::from_bits(bits)));
        let [names] = input.numbers()?;
        limits.check_pages(names)?;
        let channel_names = (0..names).map(|_| input.text()).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, Error>(SeriesFacts { pixel_size: PixelSize { x, y, z }.checked(), channel_names })
    };
    let series = (0..series).map(|_| facts(&mut input)).collect::<Result<Vec<_>, _>>()?;
    let warnings = (0..warnings).map(|_| input.text()).collect::<Result<Vec<_>, _>>()?;
    Ok(Contents { items, series, warnings })
}

/// Receives the z-slices of an item.
///
/// # Errors
/// As [`receive_contents`], and [`Error::Memory`].
pub fn receive_images(input: &mut dyn Read, item: &Item, limits: &Limits) -> Result<Vec<Image>, Error> {
    let mut input = Receiver(input);
    input.start(IMAGES)?;
    let [slices] = input.numbers()?;
    let mut left = limits.decoded_bytes;
    if slices != item.slices as u64 {
        return Err(broken());
    }
    let mut image = |input: &mut Receiver<'_>| {
        let [kind] = input.numbers()?;
        let sizes = input.numbers()?.map(|size: u64| usize::try_from(size).unwrap_or(usize::MAX));
        if sizes != [item.channels, item.height, item.width] {
            return Err(broken());
        }
        // The sides of the item were checked, and its channels fit the limit of decoded bytes.
        let count = sizes.iter().try_fold(1usize, |product, &side| product.checked_mul(side)).ok_or_else(broken)?;
        let size = (count as u64).saturating_mul(width_of(kind).ok_or_else(broken)?);
        left = left.checked_sub(size).ok_or(Error::Limit {
            what: "the size of the decoded samples in bytes",
            found: size,
            limit: left,
            field: "decoded_bytes",
        })?;
        let mut samples = samples(kind, count)?;
        input.0.read_exact(bytes_mut(&mut samples)).map_err(Error::Read)?;
        let [channels, height, width] = sizes;
        Ok(Image::from_samples(samples, channels, height, width)?)
    };
    (0..slices).map(|_| image(&mut input)).collect()
}

macro_rules! kinds {
    ($($number:literal $variant:ident $type:ty),*) => {
        fn kind(samples: &Samples) -> u64 {
            match samples {
                $(Samples::$variant(_) => $number,)*
                // The enum belongs to another crate; there are no other variants.
                _ => u64::MAX,
            }
        }

        /// Bytes of a sample.
        fn width_of(kind: u64) -> Option<u64> {
            match kind {
                $($number => Some(size_of::<$type>() as u64),)*
                _ => None,
            }
        }

        fn samples(kind: u64, count: usize) -> Result<Samples, Error> {
            match kind {
                $($number => Ok(<$type>::samples(zeros(count)?)),)*
                _ => Err(broken()),
            }
        }
    };
}
kinds!(0 U8 u8, 1 I8 i8, 2 U16 u16, 3 I16 i16, 4 U32 u32, 5 I32 i32, 6 U64 u64, 7 I64 i64, 8 F32 f32, 9 F64 f64);

struct Sender<'o>(&'o mut dyn Write);

impl Sender<'_> {
    fn numbers(&mut self, numbers: &[u64]) -> Result<(), Error> {
        numbers.iter().try_for_each(|number| self.0.write_all(&number.to_le_bytes())).map_err(Error::Write)
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        let text = &text.as_bytes()[..text.floor_char_boundary(MAX_TEXT)];
        self.numbers(&[text.len() as u64])?;
        self.0.write_all(text).map_err(Error::Write)
    }
}

/// Longer texts are cut to this many bytes.
const MAX_TEXT: usize = 1 << 12;

struct Receiver<'i>(&'i mut dyn Read);

impl Receiver<'_> {
    /// Reads the start of a message of the expected kind.
    fn start(&mut self, expected: u64) -> Result<(), Error> {
        match self.numbers()? {
            [kind] if kind == expected => Ok(()),
            [FAILURE] => Err(Error::Isolated { message: self.text()? }),
            _ => Err(broken()),
        }
    }

    fn numbers<const N: usize>(&mut self) -> Result<[u64; N], Error> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            let mut bytes = [0; 8];
            self.0.read_exact(&mut bytes).map_err(Error::Read)?;
            *number = u64::from_le_bytes(bytes);
        }
        Ok(numbers)
    }

    fn text(&mut self) -> Result<String, Error> {
        let [length] = self.numbers()?;
        let length = usize::try_from(length).ok().filter(|&length| length <= MAX_TEXT).ok_or_else(broken)?;
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).map_err(Error::Read)?;
        Ok(crate::error::one_line(&String::from_utf8_lossy(&bytes)))
    }

    fn item(&mut self, limits: &Limits) -> Result<Item, Error> {
        let [series, is_of_several, list, time] = self.numbers()?;
        let [slices, channels, height, width] = self.numbers()?;
        limits.check_sides(width, height)?;
        limits.check_pages(slices)?;
        let number = |number: u64| usize::try_from(number).map_err(|_| broken());
        let optional = |value: u64| value.checked_sub(1).map(number).transpose();
        Ok(Item {
            series: number(series)?,
            is_of_several: is_of_several != 0,
            list: optional(list)?,
            time: optional(time)?,
            slices: number(slices)?,
            channels: number(channels)?,
            height: number(height)?,
            width: number(width)?,
            index: Vec::new(),
            roles: Arrangement { roles: Vec::new() },
        })
    }
}

fn broken() -> Error {
    Error::Isolated { message: "the process that reads the file sent an invalid message; do not trust the file".into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contents() -> Contents {
        let item = |time| Item {
            series: 1,
            is_of_several: true,
            list: None,
            time: Some(time),
            slices: 2,
            channels: 1,
            height: 2,
            width: 3,
            index: Vec::new(),
            roles: Arrangement { roles: Vec::new() },
        };
        let pixel_size = PixelSize { x: Some(0.5), y: Some(0.25), z: None };
        let channel_names = vec!["größe".into(), String::new()];
        let series = vec![SeriesFacts::default(), SeriesFacts { pixel_size, channel_names }];
        Contents { items: vec![item(0), item(1)], series, warnings: vec!["mind this".into()] }
    }

    fn images() -> Vec<Image> {
        let image = |add: u16| Image::new((0..6).map(|value| value + add).collect::<Vec<u16>>(), 1, 2, 3).unwrap();
        vec![image(0), image(1000)]
    }

    fn sent() -> Vec<u8> {
        let mut out = Vec::new();
        send_contents(&mut out, &contents()).unwrap();
        contents().items.iter().for_each(|_| send_images(&mut out, &images()).unwrap());
        out
    }

    fn received(mut bytes: &[u8]) -> Result<(Contents, Vec<Vec<Image>>), Error> {
        let limits = Limits { pages: 64, decoded_bytes: 1 << 20, pixels: 1 << 16, ..Limits::default() };
        let contents = receive_contents(&mut bytes, &limits)?;
        let images = contents.items.iter().map(|item| receive_images(&mut bytes, item, &limits));
        let images = images.collect::<Result<_, _>>()?;
        Ok((contents, images))
    }

    #[test]
    fn what_is_sent_is_received() {
        let (contents, found) = received(&sent()).unwrap();
        assert_eq!((contents, found), (self::contents(), vec![images(); 2]));
    }

    #[test]
    fn errors_cross_without_control_characters() {
        let mut out = Vec::new();
        send_failure(&mut out, &Error::UnknownFormat { found: "odd\u{1b}[2J\nthing".into() }).unwrap();
        let error = received(&out).unwrap_err().to_string();
        assert!(error.starts_with("the file is odd [2J thing; expected TIFF"), "{error}");
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = sent();
        for end in 0..bytes.len() {
            assert!(matches!(received(&bytes[..end]), Err(Error::Read(_))), "{end}");
        }
    }

    #[test]
    fn images_must_be_those_that_were_announced() {
        let mut item = contents().items.remove(0);
        item.width = 4;
        let mut out = Vec::new();
        send_images(&mut out, &images()).unwrap();
        assert!(matches!(receive_images(&mut &out[..], &item, &Limits::default()), Err(Error::Isolated { .. })));
        item.width = 3;
        let limits = Limits { decoded_bytes: 23, ..Limits::default() };
        assert!(matches!(receive_images(&mut &out[..], &item, &limits), Err(Error::Limit { .. })));
    }

    proptest! {
        #[test]
        fn damaged_messages_never_panic(at in 0usize..400, byte in any::<u8>()) {
            let mut bytes = sent();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = received(&bytes);
        }
    }
}
