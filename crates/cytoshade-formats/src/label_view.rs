//! A borrowed view of the labels of an image, a stack or a time series.

use std::collections::HashSet;

use crate::rgb::format_size;
use crate::{Error, LabelVolume, Labels};

/// Labels of an image [Y, X], a stack [Z, Y, X], or a time series [T, Y, X] or [T, Z, Y, X].
///
/// A cell keeps its label through the z-slices of a stack. In a time series, the cells of each time point are numbered
/// separately from 1.
#[derive(Clone, Copy, Debug)]
pub struct LabelView<'a> {
    data: &'a [u32],
    frames: Option<usize>,
    slices: Option<usize>,
    height: usize,
    width: usize,
}

/// The labels of one plane, and the plane's position in the view.
#[derive(Clone, Copy, Debug)]
pub struct LabelPlane<'a> {
    /// Time point, from 0; `None` without a time axis.
    pub frame: Option<usize>,
    /// z-slice, from 0; `None` without a Z axis.
    pub slice: Option<usize>,
    /// Labels of shape [height, width].
    pub labels: LabelView<'a>,
}

impl<'a> LabelView<'a> {
    pub(crate) fn new(data: &'a [u32], slices: Option<usize>, height: usize, width: usize) -> Self {
        Self { data, frames: None, slices, height, width }
    }

    /// Uses the first axis of a stack's labels as time: [T, Y, X].
    pub fn time_series(labels: &'a LabelVolume) -> Self {
        Self { frames: Some(labels.depth()), slices: None, ..labels.into() }
    }

    /// Labels of `frames` stacks of `slices` z-slices each: [T, Z, Y, X].
    ///
    /// # Errors
    /// [`Error::Output`] if `data` does not hold the product of the four lengths.
    pub fn time_series_of_stacks(data: &'a [u32], [frames, slices, height, width]: [usize; 4]) -> Result<Self, Error> {
        let length = [slices, height, width].iter().try_fold(frames, |product, &side| product.checked_mul(side));
        if length != Some(data.len()) {
            return Err(Error::Output {
                found: format!("{} labels of shape {:?}", data.len(), [frames, slices, height, width]),
                expected: "as many labels as the shape has",
            });
        }
        Ok(Self { data, frames: Some(frames), slices: Some(slices), height, width })
    }

    /// Labels of `frames` images, or stacks of `slices` z-slices each: [T, Y, X] or [T, Z, Y, X].
    ///
    /// # Errors
    /// [`Error::Output`] if `data` does not hold the product of the lengths.
    pub fn time_points_of(
        data: &'a [u32],
        frames: usize,
        slices: Option<usize>,
        [height, width]: [usize; 2],
    ) -> Result<Self, Error> {
        let view = Self::time_series_of_stacks(data, [frames, slices.unwrap_or(1), height, width])?;
        Ok(Self { slices, ..view })
    }

    /// All labels, in the order of the axes.
    pub fn as_slice(&self) -> &'a [u32] {
        self.data
    }

    /// Number of time points; `None` without a time axis.
    pub fn frames(&self) -> Option<usize> {
        self.frames
    }

    /// Number of z-slices; `None` without a Z axis.
    pub fn slices(&self) -> Option<usize> {
        self.slices
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Lengths of the existing axes, in the order T, Z, Y, X.
    pub fn shape(&self) -> Vec<usize> {
        [self.frames, self.slices, Some(self.height), Some(self.width)].into_iter().flatten().collect()
    }

    /// The highest label; 0 without cells.
    pub fn max(&self) -> u32 {
        self.data.iter().copied().max().unwrap_or(0)
    }

    /// Number of distinct labels, without background; each time point counts separately.
    pub fn cells(&self) -> usize {
        self.time_points().map(|(_, labels)| count_labels(labels.data)).sum()
    }

    /// The labels of each time point, with its number from 0; the view itself without a time axis.
    pub fn time_points(self) -> impl Iterator<Item = (Option<usize>, LabelView<'a>)> {
        let length = (self.data.len() / self.frames.unwrap_or(1).max(1)).max(1);
        self.data
            .chunks_exact(length)
            .enumerate()
            .map(move |(t, data)| (self.frames.map(|_| t), LabelView { data, frames: None, ..self }))
    }

    /// The labels of each plane.
    pub fn planes(self) -> impl ExactSizeIterator<Item = LabelPlane<'a>> {
        let slices = self.slices.unwrap_or(1).max(1);
        self.data.chunks_exact((self.height * self.width).max(1)).enumerate().map(move |(at, data)| LabelPlane {
            frame: self.frames.map(|_| at / slices),
            slice: self.slices.map(|_| at % slices),
            labels: LabelView { data, frames: None, slices: None, ..self },
        })
    }

    /// Width and height as u32, for image formats.
    pub(crate) fn picture_size(&self) -> Result<(u32, u32), Error> {
        let sides = if self.data.is_empty() { [0; 2] } else { [self.height, self.width] };
        format_size(sides, || format!("labels of shape {:?}", self.shape()))
    }

    /// The view itself if it holds a single plane.
    pub(crate) fn only_plane(self, format: &'static str) -> Result<Self, Error> {
        if self.frames.is_none() && self.slices.is_none() {
            return Ok(self);
        }
        Err(Error::Output {
            found: format!("labels of shape {:?} as {format}", self.shape()),
            expected: "those of one image [Y, X]: take tif, npy, rois, geojson or csv",
        })
    }
}

impl<'a> From<&'a Labels> for LabelView<'a> {
    fn from(labels: &'a Labels) -> Self {
        let (height, width) = (labels.height(), labels.width());
        Self { data: labels.as_slice(), frames: None, slices: None, height, width }
    }
}

impl<'a> From<&'a LabelVolume> for LabelView<'a> {
    fn from(labels: &'a LabelVolume) -> Self {
        let [depth, height, width] = labels.size();
        Self { data: labels.as_slice(), frames: None, slices: Some(depth), height, width }
    }
}

/// Number of distinct labels above 0.
fn count_labels(labels: &[u32]) -> usize {
    let mut known = HashSet::new();
    let mut last = 0;
    for &label in labels {
        // Neighbours usually share their label, which avoids nearly all look-ups.
        if label != last && label != 0 {
            known.insert(label);
        }
        last = label;
    }
    known.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_know_their_place() {
        let data: Vec<u32> = (0..24).collect();
        let view = LabelView::time_series_of_stacks(&data, [2, 3, 2, 2]).unwrap();
        let places: Vec<_> =
            view.planes().map(|plane| (plane.frame, plane.slice, plane.labels.as_slice()[0])).collect();
        let place = |t, z, first| (Some(t), Some(z), first);
        assert_eq!(
            places,
            [place(0, 0, 0), place(0, 1, 4), place(0, 2, 8), place(1, 0, 12), place(1, 1, 16), place(1, 2, 20)]
        );
        assert!(LabelView::time_series_of_stacks(&data, [2, 3, 2, 3]).is_err());
        let volume = LabelVolume::new(data, 6, 2, 2).unwrap();
        let series = LabelView::time_series(&volume);
        assert_eq!((series.frames(), series.slices(), series.shape()), (Some(6), None, vec![6, 2, 2]));
        assert!(series.planes().all(|plane| plane.slice.is_none() && plane.labels.shape() == [2, 2]));
        assert_eq!(series.time_points().map(|(t, _)| t.unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn cells_are_counted_not_numbered() {
        let volume = LabelVolume::new(vec![7, 7, 0, 900, 7, 65_000], 2, 1, 3).unwrap();
        assert_eq!(LabelView::from(&volume).cells(), 3);
        assert_eq!(LabelView::time_series(&volume).cells(), 4, "a label at another time is another cell");
        assert_eq!(LabelView::from(&Labels::zeros(3, 3)).cells(), 0);
        assert_eq!(LabelView::from(&Labels::zeros(0, 0)).cells(), 0);
    }
}
