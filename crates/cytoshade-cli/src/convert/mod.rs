//! `cytoshade convert`: converts label images and `_seg.npy` files.

mod report;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use cytoshade_formats::{LabelView, Limits, ReadOptions, Seg, TiffMetadata, read_file, read_labels, read_seg};
use cytoshade_safe_io::Existing;

use crate::batch::run_each;
use crate::failure::Failure;
use crate::interrupt;
use crate::label_format::{Cells, LabelFormat};
use crate::output::{Files, folder};
use crate::outputs::Outputs;
use report::Report;

#[derive(Debug, Args)]
pub(crate) struct Convert {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// Convert _seg.npy files of any version of Cellpose
    ///
    /// Prints the contents of each file and writes its cells in each format. Executes nothing in a file, and opens no
    /// file named in it.
    Seg(Inputs),
    /// Convert label images: TIFF, PNG or NPY
    ///
    /// An image has one channel and the axes [Y, X] or [Z, Y, X]. Values of 0 and below are background; each other
    /// value is a cell.
    Labels(Inputs),
}

#[derive(Debug, Args)]
struct Inputs {
    /// Files named STEM_seg.npy, or STEM_cp_masks.tif and similar
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// Formats to write, separated by commas. A stack becomes one file, except for png and outlines, which have a file
    /// per z-slice (STEM_0001_cp_masks.png and so on)
    #[arg(long, value_enum, value_delimiter = ',', required = true, value_name = "FORMATS")]
    to: Vec<LabelFormat>,
    /// Output folder; created if missing. Default: the folder of each input
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print a line with a JSON object on standard output for each file
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(convert: &Convert) -> Result<(), Failure> {
    let (Kind::Seg(args) | Kind::Labels(args)) = &convert.kind;
    if let Some(output) = &args.output {
        folder(output)?;
        cytoshade_safe_io::sweep_stale_files(output);
    }
    interrupt::catch();
    let mut outputs = Outputs::new(&args.inputs);
    run_each(&args.inputs, |_, input| {
        let at = |error| Failure::at(input, error);
        let limits = Limits::default();
        let bytes = read_file(input, &limits).map_err(at)?;
        let mut job = Job { args, input, outputs: &mut outputs, paths: Vec::new() };
        let report = match &convert.kind {
            Kind::Seg(_) => {
                let seg = read_seg(&bytes, &limits).map_err(at)?;
                job.convert(seg.labels(), Some(&seg))?;
                Report::new(input, bytes.len(), seg.labels(), job.paths).with_seg(&seg)
            }
            Kind::Labels(_) => {
                let labels = read_labels(&bytes, &ReadOptions { limits, ..ReadOptions::default() }).map_err(at)?;
                job.convert(labels.view(), None)?;
                Report::new(input, bytes.len(), labels.view(), job.paths)
            }
        };
        report.print(args.json)
    })
}

/// The conversion of one input.
struct Job<'a> {
    args: &'a Inputs,
    input: &'a Path,
    outputs: &'a mut Outputs,
    /// The files written so far.
    paths: Vec<String>,
}

impl Job<'_> {
    fn convert(&mut self, labels: LabelView<'_>, seg: Option<&Seg<'_>>) -> Result<(), Failure> {
        let (folder, stem) = (self.folder(), stem(self.input));
        for &format in &self.args.to {
            if format.holds_stacks() || labels.slices().is_none() {
                self.save(&Files::new(&folder, &stem, None), format, labels, seg)?;
                continue;
            }
            for (index, plane) in labels.planes().enumerate() {
                self.save(&Files::new(&folder, &stem, Some(index + 1)), format, plane.labels, seg)?;
            }
        }
        Ok(())
    }

    fn save(
        &mut self,
        files: &Files,
        format: LabelFormat,
        labels: LabelView<'_>,
        seg: Option<&Seg<'_>>,
    ) -> Result<(), Failure> {
        let path = files.labels(format);
        let cells = Cells { labels, has_channels: false, metadata: &TiffMetadata::default() };
        // A `_seg.npy` may hold corrections by hand.
        let existing = if format == LabelFormat::Seg { Existing::Keep } else { Existing::Replace };
        let saved = self.outputs.save(&path, existing, |out| match (format, seg) {
            // Keeps all other contents of the file.
            (LabelFormat::Seg, Some(seg)) => seg.write(out),
            _ => format.write(out, cells),
        });
        saved.map_err(|failure| failure.about(self.input))?;
        self.paths.push(path.display().to_string());
        Ok(())
    }

    /// The output folder of the input.
    fn folder(&self) -> PathBuf {
        let own = self.input.parent().map(Path::to_path_buf).unwrap_or_default();
        self.args.output.clone().unwrap_or(own)
    }
}

/// The input's name without the suffix of Cellpose and Cytoshade.
fn stem(input: &Path) -> String {
    let stem = input.file_stem().unwrap_or_default().to_string_lossy();
    let ending = ["_seg", "_cp_masks", "_masks"].into_iter().find_map(|ending| stem.strip_suffix(ending));
    ending.filter(|stem| !stem.is_empty()).unwrap_or(&stem).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_have_no_known_ending() {
        let of = |name: &str| stem(Path::new(name));
        assert_eq!(of("folder/cells_seg.npy"), "cells");
        assert_eq!(of("cells_cp_masks.tif"), "cells");
        assert_eq!(of("cells_masks.png"), "cells");
        assert_eq!(of("cells.tif"), "cells");
        assert_eq!(of("_seg.npy"), "_seg");
    }
}
