//! From the bytes of a `_seg.npy` to plain data.

use std::borrow::Cow;
use std::io::Write;

use cytoshade_core::Samples;
use cytoshade_pickle::numpy::{Array, Data};
use cytoshade_pickle::{Input, ORDERED_DICT, PATHS, Pickle, Plain, numpy};

use super::KEYS;
use crate::image_file::array_images;
use crate::npy::{Header, split};
use crate::{Error, Format, Image, Labels, Limits, Pages, ReadOptions};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Dictionaries with an order, which are dictionaries here.
const ORDERED: &[cytoshade_pickle::Global] = &[ORDERED_DICT];

/// What is in a `_seg.npy`, as plain data.
///
/// Its arrays and texts stay in the bytes that it was read from. Nothing in it is executed, and no file that it names
/// is opened: [`Seg::filename`] is a stranger's text.
#[derive(Clone, Debug, PartialEq)]
pub struct Seg<'a> {
    /// The dictionary.
    dict: Plain<'a>,
    masks: Vec<Labels>,
    limits: Limits,
}

/// Reads a `_seg.npy`, whatever version of Cellpose (1 to 4) and numpy wrote it.
///
/// # Errors
/// [`Error::Global`] and [`Error::Opcode`] for a pickle that is no plain data, [`Error::Limit`], [`Error::Damaged`],
/// [`Error::Unsupported`] for other numpy files and where the masks have no form that Cellpose gives them.
pub fn read_seg<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Seg<'a>, Error> {
    limits.check_file(bytes.len() as u64)?;
    let dict = dictionary(bytes, limits)?;
    let Some(masks) = dict.get("masks") else {
        let points = matches!(dict.get("outlines"), Some(Plain::List(_)));
        let found = if points { "outlines as lists of points and no masks" } else { "no masks" };
        return Err(unsupported(found));
    };
    let masks = labels(masks.as_array().ok_or_else(|| unsupported("masks that are no array"))?, limits)?;
    Ok(Seg { dict, masks, limits: limits.clone() })
}

/// The dictionary in the file.
fn dictionary<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Plain<'a>, Error> {
    if !bytes.starts_with(MAGIC) {
        return Err(unsupported("bytes of no numpy file"));
    }
    let (header, program) = split(bytes)?;
    let header = Header::parse(header)?;
    if !header.descr.ends_with('O') {
        return Err(unsupported("an array of numbers"));
    }
    let limits = limits.pickle(bytes.len() as u64);
    let allowed = [numpy::GLOBALS, PATHS, ORDERED];
    let pickle = cytoshade_pickle::read(&mut Input::new(program, "the pickle"), &allowed, &limits)?;
    let object = only_object(&pickle, &limits)?;
    match Plain::read(&pickle, object, &limits)? {
        dict @ Plain::Dict(_) => Ok(dict),
        _ => Err(unsupported("a pickled object that is no dictionary")),
    }
}

fn only_object(pickle: &Pickle<'_>, limits: &cytoshade_pickle::Limits) -> Result<cytoshade_pickle::Id, Error> {
    Ok(Array::read(pickle, pickle.root(), limits)?.only_object()?)
}

fn unsupported(found: &str) -> Error {
    Error::unsupported(Format::Seg, found, "the dictionary with `masks` that Cellpose saves")
}

/// The masks, plane by plane. Old versions count cells from 0, with -1 around them, as the reference's loader knows.
fn labels(masks: &Array<'_, Plain<'_>>, limits: &Limits) -> Result<Vec<Labels>, Error> {
    let planes = images(masks, Pages::List, limits)?;
    let mut lowest = 0;
    for plane in &planes {
        each(plane.samples(), |value| lowest = lowest.min(value))?;
    }
    if lowest < -1 {
        return Err(Error::damaged(Format::Seg, format!("a mask has the number {lowest}, expected 0 or more")));
    }
    planes.into_iter().map(|plane| plane_labels(&plane, -lowest)).collect()
}

fn plane_labels(plane: &Image, add: i64) -> Result<Labels, Error> {
    let mut labels = Labels::zeros(plane.height(), plane.width());
    let mut pixels = labels.as_mut_slice().iter_mut();
    let mut highest = 0;
    each(plane.samples(), |value| {
        highest = highest.max(value);
        if let Some(pixel) = pixels.next() {
            *pixel = (value + add) as u32;
        }
    })?;
    if highest + add > i64::from(u32::MAX) {
        return Err(Error::damaged(Format::Seg, format!("a mask has the number {highest}, expected at most 2^32 - 1")));
    }
    Ok(labels)
}

/// Hands every sample on as a whole number, which it must be, far from the ends of what i64 holds.
fn each(samples: &Samples, mut take: impl FnMut(i64)) -> Result<(), Error> {
    const MOST: f64 = (1u64 << 53) as f64;
    let whole = |value: f64| (value.fract() == 0.0 && value.abs() <= MOST).then_some(value as i64);
    let strange = || Error::damaged(Format::Seg, "a mask's number is not whole, or has more than 53 bits");
    macro_rules! each {
        ($($variant:ident)*) => {
            match samples {
                $(Samples::$variant(values) => {
                    values.iter().try_for_each(|&value| Some(take(whole(value as f64)?))).ok_or_else(strange)
                })*
                _ => Err(strange()),
            }
        };
    }
    each!(U8 I8 U16 I16 U32 I32 U64 I64 F32 F64)
}

/// An array as images; it must have two axes, or three or more as `pages` says.
fn images(array: &Array<'_, Plain<'_>>, pages: Pages, limits: &Limits) -> Result<Vec<Image>, Error> {
    let Data::Bytes(data) = array.data() else { return Err(unsupported("an array of objects for numbers")) };
    // The graphical program keeps a plane as a stack of one.
    let mut shape = array.shape().to_vec();
    while shape.len() > 2 && shape.first() == Some(&1) {
        shape.remove(0);
    }
    let descr = format!("{}{}", array.dtype().order(), array.dtype().name());
    let header = Header { descr, fortran_order: array.fortran_order(), shape };
    array_images(&header, data, &ReadOptions { limits: limits.clone(), ..ReadOptions::pages(pages) })
}

impl<'a> Seg<'a> {
    /// The cells, one plane after the other: one for an image, several for a stack.
    pub fn masks(&self) -> &[Labels] {
        &self.masks
    }

    /// The cells, without the rest.
    pub fn into_masks(self) -> Vec<Labels> {
        self.masks
    }

    /// How many cells there are: the largest number of all planes.
    pub fn cells(&self) -> u32 {
        self.masks.iter().map(Labels::max).max().unwrap_or(0)
    }

    /// The value of a key, as it is stored.
    pub fn get(&self, key: &str) -> Option<&Plain<'a>> {
        self.dict.get(key)
    }

    /// The keys in the file's order, as text; those that are no text as `Debug` shows them.
    pub fn keys(&self) -> Vec<Cow<'_, str>> {
        let Plain::Dict(pairs) = &self.dict else { return Vec::new() };
        pairs.iter().map(|(key, _)| key.as_text().unwrap_or_else(|| format!("{key:?}").into())).collect()
    }

    /// The keys that no version of Cellpose wrote. Their values are kept and written back.
    pub fn unknown(&self) -> Vec<Cow<'_, str>> {
        self.keys().into_iter().filter(|key| !KEYS.contains(&key.as_ref())).collect()
    }

    /// The image's path on the machine that wrote the file: a stranger's text, which nothing here opens.
    pub fn filename(&self) -> Option<Cow<'_, str>> {
        self.get("filename")?.as_text()
    }

    /// The diameter in pixels that the cells were looked for with. Cellpose 3 and 4 call it `diameter`, those before
    /// `est_diam`; 4 writes NaN, which is none.
    pub fn diameter(&self) -> Option<f64> {
        let diameter = |key| self.get(key).and_then(Plain::as_number).filter(|value| value.is_finite() && *value > 0.0);
        diameter("est_diam").or_else(|| diameter("diameter"))
    }

    /// The channel to segment and the nuclear one, as Cellpose counts them (0 for gray or none).
    pub fn channels(&self) -> Option<Vec<i64>> {
        match self.get("chan_choose")? {
            Plain::Array(array) => Some(array.numbers("").ok()?.into_iter().map(|value| value as i64).collect()),
            list => list.as_items()?.iter().map(|item| item.as_number().map(|value| value as i64)).collect(),
        }
    }

    /// Which cells a person drew, in the order of their numbers.
    pub fn is_manual(&self) -> Option<Vec<bool>> {
        match self.get("ismanual")? {
            Plain::Array(array) => Some(array.numbers("").ok()?.into_iter().map(|value| value != 0.0).collect()),
            list => list.as_items()?.iter().map(|item| Some(item.as_number()? != 0.0)).collect(),
        }
    }

    /// The arrays of `flows`; what each is depends on the version. From Cellpose 0.6 on: the flows as an RGB picture,
    /// the cell probability as one, a picture of the flow in Z, the end points (empty for a plane), and the network's
    /// output (dY, dX, cell probability). Entries that are no arrays are left out here; [`Seg::get`] has them.
    pub fn flows(&self) -> Vec<&Array<'a, Plain<'a>>> {
        let items = self.get("flows").and_then(Plain::as_items).unwrap_or_default();
        items.iter().filter_map(Plain::as_array).collect()
    }

    /// The image that was segmented, where the file holds it (Cellpose 0.6 to 2). A stack is taken for channels where it
    /// has few planes, as [`Pages::Auto`] says.
    ///
    /// # Errors
    /// Where the array has not the shape or type of an image.
    pub fn image(&self) -> Option<Result<Vec<Image>, Error>> {
        Some(images(self.get("img")?.as_array()?, Pages::Auto, &self.limits))
    }

    /// Writes it again, with every key and value, unknown ones too.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write<W: Write>(&self, out: W) -> Result<(), Error> {
        cytoshade_pickle::write_npy(out, &self.dict).map_err(Error::Write)
    }
}
