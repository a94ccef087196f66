//! `cytoshade inspect`: what an image file holds, and what `segment` takes of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use cytoshade_formats::{ImageFile, Item, Series};
use cytoshade_safe_io::{printable_path, quoted};
use serde::Serialize;

use crate::failure::Failure;
use crate::inputs::ReadArgs;
use crate::report::print_line;
use crate::segment::sizes;

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Image files
    #[arg(value_name = "IMAGE", required = true)]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    read: ReadArgs,
    /// Say what `segment --do-3d` and `--stitch-threshold` take, which segment stacks
    #[arg(long)]
    stack: bool,
    /// Print one JSON object a line on standard output for each file
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Inspect) -> Result<(), Failure> {
    let mut failed = 0;
    for input in &args.inputs {
        if let Err(failure) = file(args, input) {
            failure.print();
            failed += 1;
        }
    }
    if failed > 0 { Err(Failure::Some { failed, of: args.inputs.len() }) } else { Ok(()) }
}

fn file(args: &Inspect, path: &Path) -> Result<(), Failure> {
    let options = args.read.options(args.stack);
    let at = |error| Failure::at(path, error);
    let file = ImageFile::open(path, &options).map_err(at)?;
    // What the file holds is of interest above all if nothing can be taken of it.
    let items = file.items(&options.selection).map_err(|error| error.to_string());
    let report = Report::new(path, &file, items.as_deref().map_err(String::as_str));
    if args.json {
        print_line(serde_json::to_string(&report).map_err(Failure::run)?);
    } else {
        print_line(report.text());
    }
    Ok(())
}

/// What is printed of a file. Names in it are untrusted text.
#[derive(Debug, Serialize)]
struct Report<'f> {
    input: String,
    format: String,
    series: Vec<SeriesReport<'f>>,
    /// What `segment` takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    takes: Vec<Taken>,
    /// Why it takes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'f str>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SeriesReport<'f> {
    name: &'f str,
    axes: String,
    shape: Vec<usize>,
    sample_type: String,
    /// What stated the axes.
    origin: String,
    /// In micrometres.
    pixel_size: BTreeMap<&'static str, f64>,
    channel_names: &'f [String],
    missing_planes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<String>,
}

/// What is taken of one series: so many images or stacks of one size.
#[derive(Debug, Serialize)]
struct Taken {
    series: usize,
    images: usize,
    time_points: usize,
    slices: usize,
    channels: usize,
    height: usize,
    width: usize,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

impl<'f> Report<'f> {
    fn new(path: &Path, file: &'f ImageFile<'_>, items: Result<&'f [Item], &'f str>) -> Self {
        let groups = items.unwrap_or_default().chunk_by(|a, b| a.series == b.series);
        Self {
            input: path.display().to_string(),
            format: file.format().to_string(),
            series: file.series().iter().map(SeriesReport::new).collect(),
            takes: groups.filter_map(|items| Taken::new(file, items)).collect(),
            refused: items.err(),
            warnings: file.warnings().iter().map(ToString::to_string).collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}: {}", printable_path(&self.input), self.format);
        for (number, series) in self.series.iter().enumerate() {
            text += &format!("\n  series {number}{}", series.text());
        }
        for taken in &self.takes {
            let verb = if taken.refused.is_some() { "refuses" } else { "takes" };
            text += &format!("\n  segment {verb} {}", taken.text());
        }
        self.refused.iter().for_each(|why| text += &format!("\n  segment takes nothing: {why}"));
        self.warnings.iter().for_each(|warning| text += &format!("\n  warning: {warning}"));
        text
    }
}

impl<'f> SeriesReport<'f> {
    fn new(series: &'f Series) -> Self {
        Self {
            name: series.name(),
            axes: series.letters(),
            shape: series.shape(),
            sample_type: series.sample_type().to_string(),
            origin: series.origin().to_string(),
            pixel_size: sizes(&series.pixel_size()),
            channel_names: series.channel_names(),
            missing_planes: series.missing_planes(),
            left_out: series.left_out().map(|why| why.to_string()),
        }
    }

    fn text(&self) -> String {
        let shape: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        let name = if self.name.is_empty() { String::new() } else { format!(" {}", quoted(self.name)) };
        let mut text = format!("{name}: {} {} {}, by {}", self.axes, shape.join(" x "), self.sample_type, self.origin);
        if !self.pixel_size.is_empty() {
            let sizes: Vec<String> = self.pixel_size.iter().map(|(axis, size)| format!("{axis} {size}")).collect();
            text += &format!("\n    pixel size in micrometres: {}", sizes.join(", "));
        }
        if !self.channel_names.is_empty() {
            let names: Vec<String> = self.channel_names.iter().map(quoted).collect();
            text += &format!("\n    channels: {}", names.join(", "));
        }
        if self.missing_planes > 0 {
            text += &format!("\n    planes that are missing: {}", self.missing_planes);
        }
        self.left_out.iter().for_each(|why| text += &format!("\n    left out: {why}"));
        text
    }
}

impl Taken {
    fn new(file: &ImageFile<'_>, items: &[Item]) -> Option<Self> {
        let first = items.first()?;
        let time_points = items.iter().take_while(|item| item.list == first.list).count();
        Some(Self {
            series: first.series,
            images: items.len() / time_points,
            time_points,
            slices: first.slices,
            channels: first.channels,
            height: first.height,
            width: first.width,
            refused: file.check(first).err().map(|error| error.to_string()),
        })
    }

    fn text(&self) -> String {
        let Self { series, images, time_points, slices, channels, height, width, refused } = self;
        let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let what = if *slices > 1 { "stack" } else { "image" };
        let mut text = format!("{} of series {series}", count(*images, what));
        if *time_points > 1 {
            text += &format!(", each at {}", count(*time_points, "time point"));
        }
        text += ": ";
        if *slices > 1 {
            text += &format!("{} of ", count(*slices, "z-slice"));
        }
        text += &format!("{height} x {width} pixels (height x width), {}", count(*channels, "channel"));
        refused.iter().for_each(|why| text += &format!(": {why}"));
        text
    }
}
