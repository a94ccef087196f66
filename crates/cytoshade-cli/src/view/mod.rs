//! `cytoshade view`: a contact sheet of results, as one HTML file.

mod find;
mod histogram;
mod page;
mod results;

use std::path::PathBuf;

use clap::Args;
use cytoshade_formats::Error;
use cytoshade_safe_io::{Existing, printable_path};

use crate::failure::Failure;
use crate::interrupt;
use crate::outputs::Outputs;
use crate::report::print_line;
use results::Measured;

#[derive(Debug, Args)]
pub(crate) struct View {
    /// Folder with the results of `segment` or of Cellpose: STEM_cp_masks.tif or .png, or STEM_seg.npy
    #[arg(value_name = "RESULTS")]
    results: PathBuf,
    /// Folder of the images, if they are not beside the results
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// File to write; default: RESULTS/cytoshade-view.html
    #[arg(long, value_name = "FILE.html")]
    output: Option<PathBuf>,
    /// Longest side of a picture in pixels
    #[arg(long, value_name = "PX", default_value_t = 400, value_parser = clap::value_parser!(u16).range(16..=4096))]
    side: u16,
    /// Images with a picture: the worst N. The others are in the table
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: usize,
}

pub(crate) fn run(args: &View) -> Result<(), Failure> {
    let results = find::results(&args.results, args.images.as_deref())?;
    let path = args.output.clone().unwrap_or_else(|| args.results.join("cytoshade-view.html"));
    let mut outputs =
        Outputs::new(results.iter().flat_map(|result| std::iter::once(&result.labels).chain(&result.image)));
    outputs.check(&path)?;
    interrupt::catch();
    let (mut measured, mut failed) = (Vec::new(), 0);
    for result in &results {
        if interrupt::is_interrupted() {
            return Err(Failure::Interrupted { done: measured.len(), of: results.len() });
        }
        match Measured::new(result) {
            Ok(result) => measured.push(result),
            Err(failure) => {
                failure.print();
                failed += 1;
            }
        }
    }
    results::sort_worst_first(&mut measured);
    outputs.save(&path, Existing::Replace, |out| {
        page::write(out, &args.results, &measured, args.limit, args.side.into()).map_err(Error::Write)
    })?;
    let cells: usize = measured.iter().map(|result| result.diameters.len()).sum();
    print_line(format_args!("{} images, {cells} cells -> {}", measured.len(), printable_path(&path)));
    if failed > 0 { Err(Failure::Some { failed, of: results.len() }) } else { Ok(()) }
}
