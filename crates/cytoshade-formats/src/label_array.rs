//! Labels from files: label images, and the masks of a `_seg.npy`.

use cytoshade_core::Samples;

use crate::limits::reserve;
use crate::{Error, Format, Image, LabelView, Pages, ReadOptions, Selection, read_bytes};

/// Labels of shape [Y, X] or [Z, Y, X], as stored: 0 is background, and numbers may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelArray {
    data: Vec<u32>,
    slices: Option<usize>,
    height: usize,
    width: usize,
}

/// Reads a label image: a TIFF, PNG or NPY of one channel with whole numbers.
///
/// Several pages of a TIFF, and the first of three axes of an NPY, are the z-slices of a stack. Negative values are
/// background.
///
/// # Errors
/// Those of [`crate::read_bytes`]; [`Error::Unsupported`] for several channels and for JPEG, whose compression is
/// lossy; [`Error::Damaged`] for values that are not labels.
pub fn read_labels(bytes: &[u8], options: &ReadOptions) -> Result<LabelArray, Error> {
    let format = Format::detect(bytes).unwrap_or(Format::Tiff);
    // Every plane counts, whatever axes the file names.
    let selection = Selection { pages: Pages::List, ..options.selection.clone() };
    let images = read_bytes(bytes, &ReadOptions { selection, ..options.clone() })?;
    LabelArray::new(&images, images.len() > 1, format)
}

impl LabelArray {
    /// Labels from images that were read from a file of a format: the z-slices of a stack, or a single image.
    ///
    /// # Errors
    /// As [`read_labels`].
    pub fn new(slices: &[Image], is_stack: bool, format: Format) -> Result<Self, Error> {
        let expected = "whole numbers in one channel of a TIFF, PNG or NPY: 0 for background, 1 to n";
        let refuse = |found: String| Error::unsupported(format, found, expected);
        if format == Format::Jpeg {
            return Err(refuse("values that its compression changed".into()));
        }
        if let Some(image) = slices.iter().find(|image| image.channels() != 1) {
            return Err(refuse(format!("an image of {} channels", image.channels())));
        }
        Self::from_images(slices, is_stack, format, 0)
    }

    /// Labels from the first channels of images of one size.
    ///
    /// Adds `add` to each value of at least 0, and to -1 if `add` is 1.
    pub(crate) fn from_images(images: &[Image], is_stack: bool, format: Format, add: i64) -> Result<Self, Error> {
        let (height, width) = images.first().map_or((0, 0), |image| (image.height(), image.width()));
        if images.iter().any(|image| (image.height(), image.width()) != (height, width)) {
            return Err(Error::damaged(format, "the planes of its labels differ in size"));
        }
        let mut data = reserve(height.saturating_mul(width).saturating_mul(images.len()))?;
        let mut highest = 0;
        for image in images {
            each(image.samples(), format, |value| {
                highest = highest.max(value);
                data.push((value + add).max(0) as u32);
            })?;
        }
        if highest + add > i64::from(u32::MAX) {
            return Err(Error::damaged(format, format!("a label is {highest}, expected at most 2^32 - 1")));
        }
        Ok(Self { data, slices: is_stack.then_some(images.len()), height, width })
    }

    /// The labels, borrowed.
    pub fn view(&self) -> LabelView<'_> {
        LabelView::new(&self.data, self.slices, self.height, self.width)
    }
}

/// Passes every sample to `take` as an integer. Fails for fractions and for more than 53 bits.
pub(crate) fn each(samples: &Samples, format: Format, mut take: impl FnMut(i64)) -> Result<(), Error> {
    const MOST: f64 = (1u64 << 53) as f64;
    let whole = |value: f64| (value.fract() == 0.0 && value.abs() <= MOST).then_some(value as i64);
    let strange = || Error::damaged(format, "a label is not a whole number, or has more than 53 bits");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_values_are_background() {
        let image = Image::new(vec![-5i32, -1, 0, 7], 1, 2, 2).unwrap();
        let labels = LabelArray::from_images(std::slice::from_ref(&image), false, Format::Npy, 0).unwrap();
        assert_eq!((labels.view().as_slice(), labels.view().shape()), (&[0, 0, 0, 7][..], vec![2, 2]));
        let labels = LabelArray::from_images(&[image], true, Format::Npy, 1).unwrap();
        assert_eq!((labels.view().as_slice(), labels.view().shape()), (&[0, 0, 1, 8][..], vec![1, 2, 2]));
    }

    #[test]
    fn labels_are_whole_and_fit() {
        let refused = |image: Image| LabelArray::from_images(&[image], false, Format::Npy, 0).unwrap_err();
        assert!(refused(Image::new(vec![0.0f32, 0.5, 0.0, 0.0], 1, 2, 2).unwrap()).to_string().contains("whole"));
        assert!(refused(Image::new(vec![1u64 << 32; 4], 1, 2, 2).unwrap()).to_string().contains("2^32 - 1"));
    }
}
