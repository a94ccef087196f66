//! Reads a `_seg.npy` as plain data.

use std::io::Write;

use cytoshade_pickle::numpy::{self, Array, Data};
use cytoshade_pickle::{CONTAINERS, Global, Input, NAMESPACES, Others, PATHS, Plain};

use super::KEYS;
use crate::image_file::array_images;
use crate::label_array::each;
use crate::npy::{Header, split};
use crate::{Error, Format, Image, LabelArray, LabelView, Limits, Pages, ReadOptions};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Limit on names of plain data; values with further names are left out.
const ALLOWED: &[&[Global]] = &[numpy::GLOBALS, CONTAINERS, NAMESPACES, PATHS];
/// Limit on listed values that are left out.
const MOST_LEFT_OUT: usize = 100;

/// The contents of a `_seg.npy`, as plain data.
///
/// Arrays and texts borrow from the input. Nothing in the file is executed, and no file that it names is opened:
/// [`Seg::filename`] is untrusted text. Values that are not plain data are left out ([`Seg::left_out`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Seg<'a> {
    dict: Plain<'a>,
    masks: LabelArray,
    limits: Limits,
}

/// Reads a `_seg.npy` of any version of Cellpose (0.6 to 4) and numpy.
///
/// # Errors
/// [`Error::Global`] for a pickle with a name that only attacks use, [`Error::Opcode`], [`Error::Limit`],
/// [`Error::Memory`], [`Error::Damaged`]; [`Error::Shape`] unless the masks have two or three axes;
/// [`Error::Unsupported`] for other numpy files.
pub fn read_seg<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Seg<'a>, Error> {
    limits.check_file(bytes.len() as u64)?;
    let dict = dictionary(bytes, limits)?;
    let Some(masks) = dict.get("masks") else {
        let points = matches!(dict.get("outlines"), Some(Plain::List(_)));
        let found = if points { "outlines as lists of points and no masks" } else { "no masks" };
        return Err(unsupported(found));
    };
    let no_array = || unsupported(&format!("masks that are {}, not an array", masks.label()));
    let masks = labels(masks.as_array().ok_or_else(no_array)?, limits)?;
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
    let meter = &mut limits.cost.meter(bytes.len() as u64);
    let mut input = Input::new(program, "the pickle");
    let pickle = cytoshade_pickle::read(&mut input, (ALLOWED, Others::KeepOpaque), &limits.values, meter)?;
    let object = Array::read(&pickle, pickle.root(), meter)?.only_object()?;
    match Plain::read(&pickle, object, meter)? {
        dict @ Plain::Dict(_) => Ok(dict),
        other => Err(unsupported(&format!("a pickle of {}, not of a dictionary", other.label()))),
    }
}

fn unsupported(found: &str) -> Error {
    Error::unsupported(Format::Seg, found, "the dictionary with `masks` that Cellpose saves")
}

/// The masks. Negative values are background.
///
/// Old versions number cells from 0 and mark background with -1. The reference's loader detects them by the -1.
fn labels(masks: &Array<'_, Plain<'_>>, limits: &Limits) -> Result<LabelArray, Error> {
    let shape = shape(masks);
    if !(2..=3).contains(&shape.len()) {
        return Err(Error::Shape { shape, expected: "masks [Y, X] or [Z, Y, X]" });
    }
    let planes = images(masks, Pages::List, limits)?;
    let (mut lowest, mut has_zero) = (0, false);
    for plane in &planes {
        each(plane.samples(), Format::Seg, |value| {
            lowest = lowest.min(value);
            has_zero |= value == 0;
        })?;
    }
    let add = i64::from(lowest == -1 && has_zero);
    LabelArray::from_images(&planes, shape.len() == 3, Format::Seg, add)
}

/// The array's shape without leading axes of length 1: the GUI saves a plane as a stack of one.
fn shape(array: &Array<'_, Plain<'_>>) -> Vec<usize> {
    let mut shape = array.shape().to_vec();
    while shape.len() > 2 && shape.first() == Some(&1) {
        shape.remove(0);
    }
    shape
}

/// An array as images: of two axes, or of more as `pages` specifies.
fn images(array: &Array<'_, Plain<'_>>, pages: Pages, limits: &Limits) -> Result<Vec<Image>, Error> {
    let Data::Bytes(data) = array.data() else { return Err(unsupported("an array of objects, not of numbers")) };
    let shape = shape(array);
    let descr = format!("{}{}", array.dtype().order(), array.dtype().name());
    let header = Header { descr, fortran_order: array.fortran_order(), shape };
    array_images(&header, data, &ReadOptions { limits: limits.clone(), ..ReadOptions::pages(pages) })
}

fn is_known(key: &Plain<'_>) -> bool {
    KEYS.iter().any(|known| key.is_text(known))
}

impl<'a> Seg<'a> {
    /// The masks, of shape [Y, X] or [Z, Y, X].
    pub fn labels(&self) -> LabelView<'_> {
        self.masks.view()
    }

    /// The masks, of shape [Y, X] or [Z, Y, X].
    pub fn into_labels(self) -> LabelArray {
        self.masks
    }

    /// Number of cells: of distinct labels, which may have gaps.
    pub fn cells(&self) -> usize {
        self.labels().cells()
    }

    /// The stored value of a key.
    pub fn get(&self, key: &str) -> Option<&Plain<'a>> {
        self.dict.get(key)
    }

    /// The keys in the file's order, safe to print: short and without control characters.
    pub fn keys(&self) -> Vec<String> {
        self.pairs().iter().map(|(key, _)| key.label()).collect()
    }

    /// The keys that some version of Cellpose writes.
    pub fn known(&self) -> Vec<String> {
        self.pairs().iter().filter(|(key, _)| is_known(key)).map(|(key, _)| key.label()).collect()
    }

    /// The keys that no version of Cellpose writes. Their values are kept and written back.
    pub fn unknown(&self) -> Vec<String> {
        self.pairs().iter().filter(|(key, _)| !is_known(key)).map(|(key, _)| key.label()).collect()
    }

    /// The values that are left out because they are not plain data. At most 100.
    ///
    /// Each entry has the path of keys and a description: `note: a value of “datetime.datetime”`.
    pub fn left_out(&self) -> Vec<String> {
        self.dict.opaque(MOST_LEFT_OUT).into_iter().map(|(place, what)| format!("{place}: {what}")).collect()
    }

    fn pairs(&self) -> &[(Plain<'a>, Plain<'a>)] {
        match &self.dict {
            Plain::Dict(pairs) => pairs,
            _ => &[],
        }
    }

    /// The image's path on the machine that wrote the file: untrusted text, never opened.
    pub fn filename(&self) -> Option<std::borrow::Cow<'_, str>> {
        self.get("filename")?.as_text()
    }

    /// The diameter in pixels used for segmentation.
    ///
    /// It is `est_diam` before Cellpose 3, then `diameter`, for which Cellpose 4 may write NaN (none).
    pub fn diameter(&self) -> Option<f64> {
        let diameter = |key| self.get(key).and_then(Plain::as_number).filter(|value| value.is_finite() && *value > 0.0);
        diameter("est_diam").or_else(|| diameter("diameter"))
    }

    /// The channel to segment and the nuclear channel, as Cellpose counts them (0 for gray or none).
    pub fn channels(&self) -> Option<Vec<i64>> {
        match self.get("chan_choose")? {
            Plain::Array(array) => Some(array.numbers()?.map(|value| value as i64).collect()),
            list => list.as_items()?.iter().map(|item| item.as_number().map(|value| value as i64)).collect(),
        }
    }

    /// Which cells were drawn by hand, in the order of their labels.
    pub fn is_manual(&self) -> Option<Vec<bool>> {
        match self.get("ismanual")? {
            Plain::Array(array) => Some(array.numbers()?.map(|value| value != 0.0).collect()),
            list => list.as_items()?.iter().map(|item| Some(item.as_number()? != 0.0)).collect(),
        }
    }

    /// The arrays of `flows`.
    ///
    /// They are the flows as RGB, the cell probability as gray, the flow in Z as an image, the end points (empty for a
    /// plane), and the network's output (dY, dX, cell probability). Skips entries that are not arrays, which
    /// [`Seg::get`] returns.
    pub fn flows(&self) -> Vec<&Array<'a, Plain<'a>>> {
        let items = self.get("flows").and_then(Plain::as_items).unwrap_or_default();
        items.iter().filter_map(Plain::as_array).collect()
    }

    /// The segmented image, if the file holds it (Cellpose 0.6 to 2).
    ///
    /// It is the z-slices of a stack if the masks are a stack, else read by [`Pages::Auto`].
    ///
    /// # Errors
    /// Any of [`Error`] if the array's shape or type is not that of an image.
    pub fn image(&self) -> Option<Result<Vec<Image>, Error>> {
        let pages = if self.labels().slices().is_some() { Pages::Stack } else { Pages::Auto };
        Some(images(self.get("img")?.as_array()?, pages, &self.limits))
    }

    /// Writes the dictionary again, with every key and value, including unknown ones.
    ///
    /// Values that were left out are missing, or `None` in a list.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write<W: Write>(&self, out: W) -> Result<(), Error> {
        cytoshade_pickle::write_npy(out, &self.dict).map_err(Error::Write)
    }
}
