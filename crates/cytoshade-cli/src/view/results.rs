//! The cells of one image, as the contact sheet shows them.

use cytoshade::Image;
use cytoshade_formats::{Limits, PixelSize, ReadOptions, RgbPicture, overlay_thumbnail, read, read_file};

use super::find::ResultFiles;
use crate::failure::Failure;
use crate::flows_file::{FlowsFile, plane_labels};
use crate::label_file::LabelFile;
use crate::measurements::{Batch, Measured as MeasuredLabels, NetworkOutputs, read_batch};
use crate::median::of_sorted;
use crate::report::warn;

/// The measurements of one image.
#[derive(Debug)]
pub(super) struct Measured<'f> {
    pub(super) files: &'f ResultFiles,
    /// The equivalent diameter of each cell in pixels, ascending.
    pub(super) diameters: Vec<f64>,
    /// The flow error of each cell, as far as it is known.
    pub(super) flow_errors: Vec<f64>,
}

impl<'f> Measured<'f> {
    /// Takes the measurements that a run saved, or measures the labels, with the flows that it saved.
    pub(super) fn new(files: &'f ResultFiles) -> Result<Self, Failure> {
        let batches = match &files.measurements {
            Some(path) => vec![saved(path).map_err(|error| Failure::at(path, error))?],
            None => measured(files)?,
        };
        let column = |name: &str| -> Vec<f64> {
            batches.iter().filter_map(|batch| batch.numbers(name)).flatten().flatten().collect()
        };
        let mut diameters = column("equivalent_diameter_area");
        diameters.sort_by(f64::total_cmp);
        Ok(Self { files, diameters, flow_errors: column("flow_error") })
    }

    /// The median diameter of the cells in pixels.
    pub(super) fn median_diameter(&self) -> Option<f64> {
        of_sorted(&self.diameters)
    }

    pub(super) fn mean_flow_error(&self) -> Option<f64> {
        let count = self.flow_errors.len();
        (count > 0).then(|| self.flow_errors.iter().sum::<f64>() / count as f64)
    }

    pub(super) fn largest_flow_error(&self) -> Option<f64> {
        self.flow_errors.iter().copied().max_by(f64::total_cmp)
    }

    /// The image with its outlines, and the position of the plane in a stack or time series.
    pub(super) fn picture(&self, max_side: usize) -> Result<(RgbPicture, Option<String>), Failure> {
        let labels = LabelFile::read(&self.files.labels, &Limits::default())?;
        let at = |error| Failure::at(&self.files.labels, error);
        let planes = || labels.points().flat_map(|point| point.planes().map(|plane| plane.labels).collect::<Vec<_>>());
        // The plane with the most cells' pixels.
        let filled =
            |plane: &cytoshade_formats::LabelView<'_>| plane.as_slice().iter().filter(|&&label| label != 0).count();
        let count = planes().count();
        let best = planes().enumerate().map(|(index, plane)| (filled(&plane), std::cmp::Reverse(index))).max();
        let index = best.map_or(0, |(_, std::cmp::Reverse(index))| index);
        let Some(plane) = planes().nth(index) else { return Err(at("it holds no plane".to_string())) };
        let image = self.image(index, [plane.height(), plane.width()], count > 1);
        let picture = overlay_thumbnail(image.as_ref(), plane, max_side);
        let picture = picture.map_err(|error| at(error.to_string()))?;
        Ok((picture, (count > 1).then(|| format!("plane {} of {count}", index + 1))))
    }

    /// A plane of the image; `None`, after a warning, if the image is not that of the labels.
    fn image(&self, index: usize, size: [usize; 2], is_stack: bool) -> Option<Image> {
        let path = self.files.image.as_ref()?;
        let options = if is_stack { ReadOptions::stack() } else { ReadOptions::default() };
        let image = match read(path, &options) {
            Ok(images) => images.into_iter().nth(index),
            Err(error) => {
                warn(Failure::at(path, error));
                return None;
            }
        };
        let fits = image.as_ref().is_some_and(|image| [image.height(), image.width()] == size);
        if !fits {
            warn(Failure::at(path, "the image is not that of the labels; the sheet shows the cells on black"));
        }
        image.filter(|_| fits)
    }
}

/// The measurements that a run saved.
fn saved(path: &std::path::Path) -> Result<Batch, String> {
    let bytes = read_file(path, &Limits::default()).map_err(|error| error.to_string())?;
    read_batch(std::str::from_utf8(&bytes).map_err(|error| error.to_string())?)
}

/// The measurements of each time point of the labels.
fn measured(files: &ResultFiles) -> Result<Vec<Batch>, Failure> {
    let limits = Limits::default();
    let labels = LabelFile::read(&files.labels, &limits)?;
    let is_stack = labels.points().next().is_some_and(|point| point.slices().is_some());
    let flows = files.flows.as_ref().filter(|_| !labels.is_time_series());
    let flows = flows.map(|path| FlowsFile::read(path, is_stack, &limits)).transpose()?;
    let measure = |point| {
        let plane = flows.as_ref().and_then(|_| plane_labels(point));
        let outputs = flows.as_ref().map(|flows| flows.outputs(plane.as_ref())).unwrap_or_else(NetworkOutputs::default);
        let measured = MeasuredLabels { labels: point, images: &[], outputs, pixel_size: PixelSize::default() };
        measured.regions().map(|regions| Batch::from_regions(&regions, None))
    };
    labels.points().map(measure).collect::<Result<_, _>>().map_err(|failure: Failure| failure.about(&files.labels))
}

/// The images of the largest mean flow error first; those without follow by name.
pub(super) fn sort_worst_first(all: &mut [Measured<'_>]) {
    all.sort_by(|a, b| {
        let [error_a, error_b] = [a, b].map(|result| result.mean_flow_error().unwrap_or(f64::NEG_INFINITY));
        error_b.total_cmp(&error_a).then_with(|| a.files.name.cmp(&b.files.name))
    });
}

/// A number of things in words.
pub(super) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
