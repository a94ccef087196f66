//! The labels in a file: a label image, or the masks of a `_seg.npy`.

use std::path::Path;

use cytoshade_formats::{
    ImageFile, LabelArray, LabelView, Limits, Pages, PixelSize, ReadOptions, Selection, Series, read_file, read_seg,
};

use crate::endings;
use crate::failure::Failure;

/// The labels of an image, a stack or a time series.
#[derive(Debug)]
pub(crate) struct LabelFile {
    points: Vec<LabelArray>,
    is_time_series: bool,
    pixel_size: PixelSize,
}

impl LabelFile {
    /// Reads a file named STEM_seg.npy as Cellpose's, any other one as a label image: TIFF, PNG or NPY.
    ///
    /// Unnamed pages and axes of a label image are z-slices.
    pub(crate) fn read(path: &Path, limits: &Limits) -> Result<Self, Failure> {
        let at = |error| Failure::at(path, error);
        let is_seg = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(endings::SEG));
        if is_seg {
            let bytes = read_file(path, limits).map_err(at)?;
            let labels = read_seg(&bytes, limits).map_err(at)?.into_labels();
            return Ok(Self { points: vec![labels], is_time_series: false, pixel_size: PixelSize::default() });
        }
        let selection = Selection { pages: Pages::Stack, ..Selection::default() };
        let options = ReadOptions { selection, limits: limits.clone(), ..ReadOptions::default() };
        let file = ImageFile::open(path, &options).map_err(at)?;
        let items = file.items(&options.selection).map_err(at)?;
        let Some(first) = items.first() else { return Err(Failure::at(path, "the file holds no labels")) };
        if items.iter().any(|item| (item.series, item.list) != (first.series, first.list)) {
            let count = items.len();
            return Err(Failure::at(path, format!("{count} label images, expected one, or the time points of one")));
        }
        let format = file.format();
        let read = |item| {
            let slices = file.images(item)?;
            LabelArray::new(&slices, slices.len() > 1, format)
        };
        let points = items.iter().map(read).collect::<Result<_, _>>().map_err(at)?;
        let pixel_size = file.series().get(first.series).map(Series::pixel_size).unwrap_or_default();
        Ok(Self { points, is_time_series: first.time.is_some(), pixel_size })
    }

    /// The labels of each time point; a single one without a time axis.
    pub(crate) fn points(&self) -> impl ExactSizeIterator<Item = LabelView<'_>> {
        self.points.iter().map(LabelArray::view)
    }

    /// True if the points are those of a time axis.
    pub(crate) fn is_time_series(&self) -> bool {
        self.is_time_series
    }

    /// The size of a pixel, as far as the file states it.
    pub(crate) fn pixel_size(&self) -> PixelSize {
        self.pixel_size
    }
}
