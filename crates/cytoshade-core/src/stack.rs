//! Stacks of images.

use crate::{Error, Image, ImageView};

/// A stack of shape [depth, channels, height, width]: z-slices of one size and one number of channels.
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

/// A stack of borrowed z-slices, of shape [depth, channels, height, width].
#[derive(Clone, Debug)]
pub struct StackView<'a> {
    slices: Vec<ImageView<'a>>,
}

impl Stack {
    /// A stack from its z-slices, the first one at Z 0.
    ///
    /// # Errors
    /// [`Error::NoSlices`] without z-slices; [`Error::SlicesDiffer`] if a z-slice has another size or number of
    /// channels than the first.
    pub fn new(slices: Vec<Image>) -> Result<Self, Error> {
        check_alike(slices.iter().map(|slice| [slice.channels(), slice.height(), slice.width()]))?;
        Ok(Self { slices })
    }

    /// A stack from an array of shape [depth, channels, height, width], of any memory layout.
    ///
    /// # Errors
    /// As [`Stack::new`] and [`Image::new`].
    #[cfg(feature = "ndarray")]
    pub fn from_array<T: crate::Sample>(array: ndarray::ArrayView4<'_, T>) -> Result<Self, Error> {
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

    /// The stack, borrowed.
    pub fn view(&self) -> StackView<'_> {
        StackView { slices: self.slices.iter().map(Image::view).collect() }
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

impl<'a> StackView<'a> {
    /// A stack from borrowed z-slices, which may lie apart in memory, the first one at Z 0.
    ///
    /// # Errors
    /// As [`Stack::new`].
    pub fn new(slices: Vec<ImageView<'a>>) -> Result<Self, Error> {
        check_alike(slices.iter().map(|slice| [slice.channels(), slice.height(), slice.width()]))?;
        Ok(Self { slices })
    }

    /// The z-slices, the first one at Z 0.
    pub fn slices(&self) -> &[ImageView<'a>] {
        &self.slices
    }

    /// Number of z-slices, at least 1.
    pub fn depth(&self) -> usize {
        self.slices.len()
    }

    /// Number of channels, at least 1.
    pub fn channels(&self) -> usize {
        self.slices.first().map_or(0, ImageView::channels)
    }

    /// Height in pixels, at least 2.
    pub fn height(&self) -> usize {
        self.slices.first().map_or(0, ImageView::height)
    }

    /// Width in pixels, at least 2.
    pub fn width(&self) -> usize {
        self.slices.first().map_or(0, ImageView::width)
    }
}

impl<'a> From<&'a Stack> for StackView<'a> {
    fn from(stack: &'a Stack) -> Self {
        stack.view()
    }
}

/// An image is a stack of one z-slice.
impl<'a> From<ImageView<'a>> for StackView<'a> {
    fn from(slice: ImageView<'a>) -> Self {
        Self { slices: vec![slice] }
    }
}

fn check_alike(mut shapes: impl Iterator<Item = [usize; 3]>) -> Result<(), Error> {
    let expected = shapes.next().ok_or(Error::NoSlices)?;
    match shapes.enumerate().find(|&(_, found)| found != expected) {
        Some((at, found)) => Err(Error::SlicesDiffer { slice: at + 1, found, expected }),
        None => Ok(()),
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
        let slices = [slice(1, 3), slice(1, 4)];
        let expected = Error::SlicesDiffer { slice: 1, found: [1, 2, 4], expected: [1, 2, 3] };
        assert_eq!(StackView::new(slices.iter().map(Image::view).collect()).unwrap_err(), expected);
        assert_eq!(Stack::new(slices.to_vec()).unwrap_err(), expected);
        assert!(Stack::new(vec![slice(1, 4), slice(2, 4)]).is_err());
    }
}
