//! Borrowed labels of an image or a stack.

use cytoshade_core::{LabelVolume, Labels};

use crate::Error;

/// Labels of an image [Y, X] or a stack [Z, Y, X], borrowed. 0 is background, every other number is a cell.
#[derive(Clone, Copy, Debug)]
pub struct LabelImage<'a> {
    data: &'a [u32],
    slices: Option<usize>,
    height: usize,
    width: usize,
}

impl<'a> LabelImage<'a> {
    /// Labels in the order of their axes; without `slices` they are those of an image.
    ///
    /// # Errors
    /// [`Error::LabelCount`] if `data` does not hold a label for each pixel.
    pub fn new(data: &'a [u32], slices: Option<usize>, [height, width]: [usize; 2]) -> Result<Self, Error> {
        let depth = slices.unwrap_or(1);
        let pixels = depth.checked_mul(height).and_then(|pixels| pixels.checked_mul(width));
        if pixels != Some(data.len()) {
            return Err(Error::LabelCount { found: data.len(), depth, height, width });
        }
        Ok(Self { data, slices, height, width })
    }

    /// All labels, in the order of the axes.
    pub fn as_slice(&self) -> &'a [u32] {
        self.data
    }

    /// True for a stack, also for one of a single z-slice.
    pub fn is_stack(&self) -> bool {
        self.slices.is_some()
    }

    /// Depth (1 for an image), height and width.
    pub fn size(&self) -> [usize; 3] {
        [self.slices.unwrap_or(1), self.height, self.width]
    }

    /// The rows of all z-slices, each with its Z and Y.
    pub(crate) fn rows(&self) -> impl Iterator<Item = ([usize; 2], &'a [u32])> {
        let height = self.height;
        let rows = self.data.chunks_exact(self.width.max(1)).enumerate();
        rows.map(move |(row, labels)| ([row / height, row % height], labels))
    }
}

impl<'a> From<&'a Labels> for LabelImage<'a> {
    fn from(labels: &'a Labels) -> Self {
        Self { data: labels.as_slice(), slices: None, height: labels.height(), width: labels.width() }
    }
}

impl<'a> From<&'a LabelVolume> for LabelImage<'a> {
    fn from(labels: &'a LabelVolume) -> Self {
        let [depth, height, width] = labels.size();
        Self { data: labels.as_slice(), slices: Some(depth), height, width }
    }
}
