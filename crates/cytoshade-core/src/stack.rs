//! Stacks of images.

use crate::{Error, Image, Sample};

/// A stack of z-slices [Z, C, Y, X], each an [`Image`] of one size and one number of channels.
///
/// ```
/// use cytoshade_core::{Image, Stack};
/// let slice = Image::new(vec![0u16; 2 * 4 * 5], 2, 4, 5)?;
/// let stack = Stack::new(vec![slice.clone(), slice])?;
/// assert_eq!((stack.depth(), stack.channels(), stack.height(), stack.width()), (2, 2, 4, 5));
/// # Ok::<(), cytoshade_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    slices: Vec<Image>,
}

impl Stack {
    /// A stack from its z-slices, the first one at Z 0.
    ///
    /// # Errors
    /// [`Error::NoSlices`]; [`Error::SlicesDiffer`] if a z-slice has another size or number of channels than the first.
    pub fn new(slices: Vec<Image>) -> Result<Self, Error> {
        let shape = |slice: &Image| [slice.channels(), slice.height(), slice.width()];
        let expected = slices.first().map(shape).ok_or(Error::NoSlices)?;
        match slices.iter().map(shape).enumerate().find(|&(_, found)| found != expected) {
            Some((slice, found)) => Err(Error::SlicesDiffer { slice, found, expected }),
            None => Ok(Self { slices }),
        }
    }

    /// A stack from an array of shape [depth, channels, height, width], of any memory layout.
    ///
    /// # Errors
    /// As [`Stack::new`] and [`Image::new`].
    pub fn from_array<T: Sample>(array: ndarray::ArrayView4<'_, T>) -> Result<Self, Error> {
        Self::new(array.outer_iter().map(Image::from_array).collect::<Result<_, _>>()?)
    }

    /// The z-slices, the first one at Z 0.
    pub fn slices(&self) -> &[Image] {
        &self.slices
    }

    /// The z-slices.
    pub fn into_slices(self) -> Vec<Image> {
        self.slices
    }

    /// Number of z-slices, at least 1.
    pub fn depth(&self) -> usize {
        self.slices.len()
    }

    /// Number of channels, at least 1.
    pub fn channels(&self) -> usize {
        self.slices.first().map_or(0, Image::channels)
    }

    /// Height in pixels, at least 2.
    pub fn height(&self) -> usize {
        self.slices.first().map_or(0, Image::height)
    }

    /// Width in pixels, at least 2.
    pub fn width(&self) -> usize {
        self.slices.first().map_or(0, Image::width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_must_be_alike() {
        let slice = |channels, width| Image::new(vec![0u8; channels * 2 * width], channels, 2, width).unwrap();
        assert_eq!(Stack::new(vec![]).unwrap_err(), Error::NoSlices);
        assert!(Stack::new(vec![slice(1, 3), slice(1, 3)]).is_ok());
        let error = Stack::new(vec![slice(1, 3), slice(1, 4)]).unwrap_err();
        assert_eq!(error, Error::SlicesDiffer { slice: 1, found: [1, 2, 4], expected: [1, 2, 3] });
        assert!(Stack::new(vec![slice(1, 4), slice(2, 4)]).is_err());
    }
}
