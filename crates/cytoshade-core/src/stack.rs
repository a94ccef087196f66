//! The stack of images that comes in.

use crate::{Error, Image, Sample};

/// A stack of layers [Z, C, Y, X], each an [`Image`] of one size and one number of channels.
///
/// ```
/// use cytoshade_core::{Image, Stack};
/// let layer = Image::new(vec![0u16; 2 * 4 * 5], 2, 4, 5)?;
/// let stack = Stack::new(vec![layer.clone(), layer])?;
/// assert_eq!((stack.depth(), stack.channels(), stack.height(), stack.width()), (2, 2, 4, 5));
/// # Ok::<(), cytoshade_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    layers: Vec<Image>,
}

impl Stack {
    /// A stack from its layers, the first one at Z 0.
    ///
    /// # Errors
    /// [`Error::NoLayers`]; [`Error::LayersDiffer`] where a layer has another size or number of channels than the first.
    pub fn new(layers: Vec<Image>) -> Result<Self, Error> {
        let shape = |layer: &Image| [layer.channels(), layer.height(), layer.width()];
        let expected = layers.first().map(shape).ok_or(Error::NoLayers)?;
        match layers.iter().map(shape).enumerate().find(|&(_, found)| found != expected) {
            Some((layer, found)) => Err(Error::LayersDiffer { layer, found, expected }),
            None => Ok(Self { layers }),
        }
    }

    /// A stack from an array of shape [depth, channels, height, width], of any memory layout.
    ///
    /// # Errors
    /// As [`Stack::new`] and [`Image::new`].
    pub fn from_array<T: Sample>(array: ndarray::ArrayView4<'_, T>) -> Result<Self, Error> {
        Self::new(array.outer_iter().map(Image::from_array).collect::<Result<_, _>>()?)
    }

    /// The layers, the first one at Z 0.
    pub fn layers(&self) -> &[Image] {
        &self.layers
    }

    /// Number of layers, at least 1.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Number of channels, at least 1.
    pub fn channels(&self) -> usize {
        self.layers.first().map_or(0, Image::channels)
    }

    /// Height in pixels, at least 2.
    pub fn height(&self) -> usize {
        self.layers.first().map_or(0, Image::height)
    }

    /// Width in pixels, at least 2.
    pub fn width(&self) -> usize {
        self.layers.first().map_or(0, Image::width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_must_be_alike() {
        let layer = |channels, width| Image::new(vec![0u8; channels * 2 * width], channels, 2, width).unwrap();
        assert_eq!(Stack::new(vec![]).unwrap_err(), Error::NoLayers);
        assert!(Stack::new(vec![layer(1, 3), layer(1, 3)]).is_ok());
        let error = Stack::new(vec![layer(1, 3), layer(1, 4)]).unwrap_err();
        assert_eq!(error, Error::LayersDiffer { layer: 1, found: [1, 2, 4], expected: [1, 2, 3] });
        assert!(Stack::new(vec![layer(1, 4), layer(2, 4)]).is_err());
    }
}
