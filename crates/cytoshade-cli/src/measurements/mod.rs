//! Tables of measurements: CSV, TSV and Parquet.

mod batch;
mod csv;
#[cfg(feature = "parquet")]
mod parquet;
mod run_table;
mod table;

use std::path::Path;

use clap::ValueEnum;
use cytoshade::{Image, Labels, Planes, flow_errors};
use cytoshade_formats::{LabelView, PixelSize};
use cytoshade_measure::{LabelImage, Measurer, Regions};

use crate::failure::Failure;

pub(crate) use batch::Batch;
pub(crate) use csv::read_batch;
pub(crate) use run_table::RunTable;
pub(crate) use table::{Schema, write};

/// The stem of the table of a whole run.
pub(crate) const RUN_TABLE: &str = "cytoshade-measurements";

/// A file format of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// Values separated by commas
    Csv,
    /// Values separated by tabs
    Tsv,
    /// Apache Parquet: typed columns
    #[cfg(feature = "parquet")]
    Parquet,
}

impl TableFormat {
    /// The ending of file names, without a dot.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            TableFormat::Csv => "csv",
            TableFormat::Tsv => "tsv",
            #[cfg(feature = "parquet")]
            TableFormat::Parquet => "parquet",
        }
    }

    /// The format of a file name.
    pub(crate) fn from_path(path: &Path) -> Result<Self, Failure> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let formats = Self::value_variants();
        let found = formats.iter().find(|format| extension.as_deref() == Some(format.extension()));
        found.copied().ok_or_else(|| {
            let known: Vec<String> = formats.iter().map(|format| format!(".{}", format.extension())).collect();
            Failure::usage(format!(
                "the output {} has no known ending; use {}",
                cytoshade_safe_io::printable_path(path),
                known.join(", ")
            ))
        })
    }
}

/// The labels of an image or a stack, with the data to measure them on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured<'a> {
    pub(crate) labels: LabelView<'a>,
    /// The z-slices; empty to leave intensities out.
    pub(crate) images: &'a [Image],
    /// The network's outputs; those of another size than the labels are ignored, as without resampling.
    pub(crate) outputs: NetworkOutputs<'a>,
    pub(crate) pixel_size: PixelSize,
}

/// The outputs of the network that cells are measured on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NetworkOutputs<'a> {
    /// The labels and the flows (dY, dX) of an image; a stack has no flow errors.
    pub(crate) flows: Option<(&'a Labels, &'a Planes)>,
    /// A cell probability for each pixel.
    pub(crate) cellprob: Option<&'a [f32]>,
}

impl Measured<'_> {
    /// Measures the cells.
    pub(crate) fn regions(&self) -> Result<Regions, Failure> {
        let labels = self.labels;
        let size = [labels.height(), labels.width()];
        let image = LabelImage::new(labels.as_slice(), labels.slices(), size).map_err(Failure::run)?;
        let mut measurer = Measurer::new(image).images(self.images);
        if let Some(cellprob) = self.outputs.cellprob.filter(|values| values.len() == labels.as_slice().len()) {
            measurer = measurer.cellprob(cellprob);
        }
        let flows = self.outputs.flows.filter(|(_, flows)| [flows.height(), flows.width()] == size);
        let errors = flows.map(|(labels, flows)| flow_errors(labels, flows)).transpose().map_err(Failure::run)?;
        if let Some(errors) = &errors {
            measurer = measurer.flow_errors(errors);
        }
        if let Some(size) = voxel(self.pixel_size, labels.slices().is_some()) {
            measurer = measurer.pixel_size(size);
        }
        measurer.measure().map_err(Failure::run)
    }
}

/// The size of a pixel along Z, Y and X; `None` if a side of it is unknown.
fn voxel(size: PixelSize, is_stack: bool) -> Option<[f64; 3]> {
    let z = if is_stack { size.z? } else { 1.0 };
    Some([z, size.y.or(size.x)?, size.x.or(size.y)?])
}
