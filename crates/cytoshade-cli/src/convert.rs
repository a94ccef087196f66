//! `cytoshade convert`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use cytoshade_formats::{Limits, Seg, read_file, read_seg};
use serde::Serialize;

use crate::failure::Failure;
use crate::label_format::LabelFormat;
use crate::output::{Files, folder, print_line};

#[derive(Debug, Args)]
pub(crate) struct Convert {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Cellpose's _seg.npy, of any version: nothing in it is executed, and no file that it names is opened
    ///
    /// Says what is in the file, and writes the cells in each format asked for. A stack of planes is written plane by
    /// plane, as STEM_0001_cp_masks.tif and so on.
    Seg(SegArgs),
}

#[derive(Debug, Args)]
struct SegArgs {
    /// Files named STEM_seg.npy
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// Formats to write, with commas between them
    #[arg(long, value_enum, value_delimiter = ',', required = true, value_name = "FORMATS")]
    to: Vec<LabelFormat>,
    /// Folder to write to, made where it is not there; without it, each input's own
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print one JSON object a line on standard output for each file
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(convert: &Convert) -> Result<(), Failure> {
    let What::Seg(args) = &convert.what;
    if let Some(output) = &args.output {
        folder(output)?;
    }
    let mut written = HashSet::new();
    let mut failed = 0;
    for input in &args.inputs {
        if let Err(failure) = file(args, input, &mut written) {
            failure.print();
            failed += 1;
        }
    }
    if failed > 0 { Err(Failure::Some { failed, of: args.inputs.len() }) } else { Ok(()) }
}

fn file(args: &SegArgs, input: &Path, written: &mut HashSet<PathBuf>) -> Result<(), Failure> {
    let limits = Limits::default();
    let bytes = read_file(input, &limits).map_err(|error| Failure::at(input, error))?;
    let seg = read_seg(&bytes, &limits).map_err(|error| Failure::at(input, error))?;
    let is_stack = seg.masks().len() > 1;
    let mut outputs = Vec::new();
    for (index, labels) in seg.masks().iter().enumerate() {
        let files = Files::new(&target(args, input), &stem(input), is_stack.then_some(index + 1));
        for &format in &args.to {
            let path = files.labels(format);
            may_write(args, input, &path, written)?;
            files.save_labels(format, labels)?;
            outputs.push(path.display().to_string());
        }
    }
    let report = Report::new(input, bytes.len(), &seg, outputs);
    if args.json {
        print_line(&serde_json::to_string(&report).map_err(Failure::run)?)
    } else {
        print_line(&report.text())
    }
}

/// The folder that an input's results go to.
fn target(args: &SegArgs, input: &Path) -> PathBuf {
    let own = input.parent().map(Path::to_path_buf).unwrap_or_default();
    args.output.clone().unwrap_or(own)
}

/// The input's name without `_seg.npy`.
fn stem(input: &Path) -> String {
    let stem = input.file_stem().unwrap_or_default().to_string_lossy();
    stem.strip_suffix("_seg").unwrap_or(&stem).to_string()
}

/// No result may replace an input, or another result of this run.
fn may_write(args: &SegArgs, input: &Path, path: &Path, written: &mut HashSet<PathBuf>) -> Result<(), Failure> {
    let same =
        |other: &PathBuf| path.canonicalize().is_ok_and(|path| other.canonicalize().is_ok_and(|other| other == path));
    if args.inputs.iter().any(same) {
        let what = format!("{} is an input, which would be overwritten; give another --output", path.display());
        return Err(Failure::at(input, what));
    }
    if !written.insert(path.to_path_buf()) {
        let what = format!("{} holds another input's result of this run; use another folder", path.display());
        return Err(Failure::at(input, what));
    }
    Ok(())
}

/// What was found in a file, and what was written. Keys and `filename` are a stranger's text.
#[derive(Debug, Serialize)]
struct Report {
    input: String,
    bytes: usize,
    planes: usize,
    height: usize,
    width: usize,
    cells: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    diameter: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    known: Vec<String>,
    unknown: Vec<String>,
    /// Values that are no plain data.
    left_out: Vec<String>,
    outputs: Vec<String>,
}

impl Report {
    fn new(input: &Path, bytes: usize, seg: &Seg<'_>, outputs: Vec<String>) -> Self {
        let first = seg.masks().first();
        Self {
            input: input.display().to_string(),
            bytes,
            planes: seg.masks().len(),
            height: first.map_or(0, cytoshade_formats::Labels::height),
            width: first.map_or(0, cytoshade_formats::Labels::width),
            cells: seg.cells(),
            diameter: seg.diameter(),
            filename: seg.filename().map(Into::into),
            known: seg.known(),
            unknown: seg.unknown(),
            left_out: seg.left_out(),
            outputs,
        }
    }

    fn text(&self) -> String {
        let Self { input, bytes, planes, height, width, cells, .. } = self;
        let planes = if *planes > 1 { format!("{planes} planes of ") } else { String::new() };
        let mut text =
            format!("{input}: {bytes} bytes, {planes}{height} x {width} pixels (height x width), {cells} cells");
        text += &format!("\n  keys: {}", listed(&self.known));
        if !self.unknown.is_empty() {
            text += &format!("\n  keys that Cellpose does not write: {}", listed(&self.unknown));
        }
        if !self.left_out.is_empty() {
            text += &format!("\n  left out, since they are no plain data: {}", listed(&self.left_out));
        }
        self.outputs.iter().for_each(|output| text += &format!("\n  -> {output}"));
        text
    }
}

/// The first of many words, which are printable already.
fn listed(words: &[String]) -> String {
    const MOST: usize = 40;
    let mut shown: Vec<String> = words.iter().take(MOST).cloned().collect();
    if words.len() > MOST {
        shown.push(format!("and {} more", words.len() - MOST));
    }
    shown.join(", ")
}
