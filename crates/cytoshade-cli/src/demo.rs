//! `cytoshade demo`: segments a bundled photograph with a bundled model.

use std::path::PathBuf;

use clap::Args;
use cytoshade::{LoadOptions, Model, Params, Segmenter, SegmenterBuilder, cache_folder};
use cytoshade_formats::{ReadOptions, TiffMetadata, read_bytes};
use cytoshade_safe_io::{Existing, printable_path};

use crate::backend_args::{DeviceArg, FaultArg, warn_refused};
use crate::bundled::{IMAGE, MODEL};
use crate::failure::Failure;
use crate::label_format::{Cells, LabelFormat};
use crate::output::{Files, folder};
use crate::outputs::Outputs;
use crate::report::print_line;

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Output folder; created if missing
    #[arg(long, value_name = "DIR", default_value = "cytoshade-demo")]
    pub(crate) output: PathBuf,
    /// Device that runs the network
    #[arg(long, value_enum, default_value_t)]
    pub(crate) device: DeviceArg,
    /// Fault to inject on a GPU, for tests
    #[arg(long, hide = true, value_name = FaultArg::VALUES)]
    inject_fault: Option<FaultArg>,
}

pub(crate) fn run(args: &Demo) -> Result<(), Failure> {
    let images = read_bytes(IMAGE, &ReadOptions::default()).map_err(Failure::run)?;
    let image = images.first().ok_or_else(|| Failure::run("the bundled photograph holds no image"))?;
    let model = Model::from_bytes(MODEL, &LoadOptions::default()).map_err(Failure::run)?;
    let builder = Segmenter::builder(&model).device(args.device.into());
    let builder = cache_folder().into_iter().fold(builder, SegmenterBuilder::cache);
    let builder = args.inject_fault.iter().fold(builder, |builder, fault| fault.apply(builder));
    let segmenter = builder.build().map_err(Failure::run)?;
    warn_refused(segmenter.refused());
    folder(&args.output)?;

    let segmentation = segmenter.segment(image, &Params::default()).map_err(Failure::run)?;
    let files = Files::new(&args.output, "demo", None);
    let mut outputs = Outputs::default();
    let labels = (&segmentation.labels).into();
    let cells = Cells { labels, has_channels: false, metadata: &TiffMetadata::default() };
    files.save_labels(&mut outputs, Existing::Replace, (LabelFormat::Tif, cells), |_| ())?;
    files.save_overlay(&mut outputs, std::slice::from_ref(image), labels)?;

    print_line(format_args!("ran on {}", segmentation.device));
    let (cells, width, height) = (segmentation.cells(), image.width(), image.height());
    print_line(format_args!("found {cells} cells in {width} x {height} pixels"));
    for (stage, time) in segmentation.timings.iter() {
        print_line(format_args!("  {:<14}{:>9.2} ms", stage.name(), time.as_secs_f64() * 1e3));
    }
    print_line(format_args!("  {:<14}{:>9.2} ms", "total", segmentation.timings.total().as_secs_f64() * 1e3));
    print_line(format_args!("labels:  {}", printable_path(files.masks())));
    print_line(format_args!("overlay: {}  (open it to see the cells)", printable_path(files.overlay(false))));
    Ok(())
}
