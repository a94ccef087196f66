//! `cytoshade measure`: measures the cells of a label image.

use std::path::{Path, PathBuf};

use clap::Args;
use cytoshade::Image;
use cytoshade_formats::{Error, PixelSize};
use cytoshade_safe_io::Existing;

use crate::failure::Failure;
use crate::flows_file::{FlowsFile, plane_labels};
use crate::inputs::ReadArgs;
use crate::isolate::IsolateArgs;
use crate::label_file::LabelFile;
use crate::measurements::{Batch, Measured, Schema, TableFormat, write};
use crate::outputs::Outputs;
use crate::report::print_line;

#[derive(Debug, Args)]
pub(crate) struct Measure {
    /// Label image (TIFF, PNG or NPY: 0 is background, each other number a cell) of an image, a stack or a time series,
    /// or a STEM_seg.npy of Cellpose
    #[arg(value_name = "LABELS")]
    labels: PathBuf,
    /// Image to measure the intensities in, of the same size
    #[arg(value_name = "IMAGE")]
    image: Option<PathBuf>,
    /// The network's outputs that `segment --save-flows` wrote (STEM_flows.npy); adds flow error and cell probability
    #[arg(long, value_name = "FILE")]
    flows: Option<PathBuf>,
    /// Table to write: .csv, .tsv or .parquet. Without it, the table is printed as CSV
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Size of a pixel in micrometres; default: that of IMAGE, else of LABELS
    #[arg(long, value_name = "UM", value_parser = parse_size)]
    pixel_size: Option<f64>,
    /// Distance of z-slices in micrometres; default: that of IMAGE, else of LABELS
    #[arg(long, value_name = "UM", value_parser = parse_size)]
    z_step: Option<f64>,
    #[command(flatten)]
    read: ReadArgs,
}

fn parse_size(text: &str) -> Result<f64, String> {
    let size: Option<f64> = text.parse().ok().filter(|size: &f64| size.is_finite() && *size > 0.0);
    size.ok_or_else(|| "expected a positive number".into())
}

pub(crate) fn run(args: &Measure) -> Result<(), Failure> {
    let format = args.output.as_deref().map(TableFormat::from_path).transpose()?;
    let inputs = [Some(&args.labels), args.image.as_ref(), args.flows.as_ref()];
    let mut outputs = Outputs::new(inputs.into_iter().flatten());
    args.output.iter().try_for_each(|output| outputs.check(output))?;
    let limits = args.read.options(false).limits;
    let labels = LabelFile::read(&args.labels, &limits)?;
    if args.flows.is_some() && labels.is_time_series() {
        return Err(Failure::usage("--flows holds one time point, and LABELS holds several; leave it out"));
    }
    let batches = measure(args, &labels)?;
    let schema = Schema::from_batches(&batches);
    let batches = || batches.iter().cloned().map(Ok);
    match (&args.output, format) {
        (Some(output), Some(format)) => {
            outputs.save(output, Existing::Replace, |out| write(out, format, &schema, batches()).map_err(Error::Write))
        }
        _ => {
            let mut table = Vec::new();
            write(&mut table, TableFormat::Csv, &schema, batches()).map_err(Failure::run)?;
            print_line(String::from_utf8_lossy(&table).trim_end());
            Ok(())
        }
    }
}

/// The measurements of each time point.
fn measure(args: &Measure, labels: &LabelFile) -> Result<Vec<Batch>, Failure> {
    let is_stack = labels.points().next().is_some_and(|point| point.slices().is_some());
    let count = labels.points().len();
    let (images, known) = match &args.image {
        Some(path) => images(args, path, is_stack, count)?,
        None => (vec![Vec::new(); count], PixelSize::default()),
    };
    let stated = labels.pixel_size();
    let pixel_size = PixelSize {
        x: args.pixel_size.or(known.x).or(stated.x),
        y: args.pixel_size.or(known.y).or(stated.y),
        z: args.z_step.or(known.z).or(stated.z),
    };
    let limits = args.read.options(is_stack).limits;
    let flows = args.flows.as_deref().map(|path| FlowsFile::read(path, is_stack, &limits)).transpose()?;
    let mut batches = Vec::with_capacity(count);
    for (frame, (point, images)) in labels.points().zip(&images).enumerate() {
        let plane = flows.as_ref().and_then(|_| plane_labels(point));
        let outputs = flows.as_ref().map(|flows| flows.outputs(plane.as_ref())).unwrap_or_default();
        let measured = Measured { labels: point, images, outputs, pixel_size };
        let regions = measured.regions().map_err(|failure| failure.about(&args.labels))?;
        batches.push(Batch::from_regions(&regions, labels.is_time_series().then_some(frame)));
    }
    Ok(batches)
}

/// The z-slices of each time point of the image, and the size of its pixels.
fn images(
    args: &Measure,
    path: &Path,
    is_stack: bool,
    expected: usize,
) -> Result<(Vec<Vec<Image>>, PixelSize), Failure> {
    let input = args.read.open(path, is_stack, &IsolateArgs::default())?;
    let items: Vec<_> = input.facts.time_series().flat_map(|series| series.items().to_vec()).collect();
    if items.len() != expected {
        let found = items.len();
        let advice = "select the image that was segmented with --series, --axes or --pages (see `cytoshade inspect`)";
        return Err(Failure::at(path, format!("{found} images for labels of {expected}; {advice}")));
    }
    let pixel_size = items.first().and_then(|item| input.facts.series(item)).map(|series| series.pixel_size);
    let images = items.iter().map(|item| input.read(path, item)).collect::<Result<_, _>>()?;
    Ok((images, pixel_size.unwrap_or_default()))
}
