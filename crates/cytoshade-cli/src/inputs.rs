//! Input files: their stems, how they are read, and what is taken of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use cytoshade::{Channels, Image};
use cytoshade_formats::transfer::{Contents, SeriesFacts};
use cytoshade_formats::{AxisKind, ImageFile, Item, Limits, Pages, ReadOptions, Selection, TiffMetadata};
use cytoshade_safe_io::printable_path;

use crate::failure::Failure;
use crate::isolate::{IsolateArgs, IsolatedFile};
use crate::report::warn;

/// How input files are read, and what is taken of them: the same options for every command that reads images.
#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    /// What pages are whose meaning the file does not state: the channels of one image, or a list of images, of which each
    /// is written as STEM_0001_cp_masks.tif and so on. `auto` takes up to 5 pages of one size for channels; `channels` and
    /// `list` overrule what the file states. In stacks, such pages are z-slices
    #[arg(long, value_enum, default_value_t)]
    pub(crate) pages: PagesArg,
    /// Take series N alone, from 0 (see `cytoshade inspect`). Without it, each series of a file with several is done and
    /// written as STEM_s0_cp_masks.tif and so on
    #[arg(long, value_name = "N")]
    series: Option<usize>,
    /// The axes in place of those that the file states, the slowest first: T time, Z, C channels, S samples, Y, X, and any
    /// other letter for a list
    #[arg(long, value_name = "TZCYX", value_parser = parse_axes)]
    axes: Option<Axes>,
    /// The axis that is the channels, from 0, or from -1 for the last
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    channel_axis: Option<isize>,
    /// The axis that is the z-slices, likewise
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    z_axis: Option<isize>,
    /// The axis that is the time points, likewise: each is done by itself, and the labels of all are one file
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    time_axis: Option<isize>,
    /// Take NaN for background: it becomes the least number of its plane
    #[arg(long)]
    nan_background: bool,
    /// What a file may make the reader take in, such as `pixels=2^33,file-bytes=16G`; an error that met a limit names it
    #[arg(long, value_name = "NAME=N,...", value_delimiter = ',', value_parser = parse_limit)]
    limits: Vec<(String, String)>,
}

/// The letters of `--axes`.
#[derive(Clone, Debug)]
struct Axes(Vec<AxisKind>);

fn parse_axes(text: &str) -> Result<Axes, String> {
    let kinds: Option<Vec<AxisKind>> = text.chars().map(AxisKind::from_letter).collect();
    let kinds = kinds.ok_or("expected letters such as TZCYX")?;
    let count = |kind| kinds.iter().filter(|found| **found == kind).count();
    if count(AxisKind::Y) != 1 || count(AxisKind::X) != 1 || count(AxisKind::Z) > 1 || count(AxisKind::Time) > 1 {
        return Err("expected one Y, one X, and at most one T and one Z".into());
    }
    Ok(Axes(kinds))
}

fn parse_limit(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=N")?;
    Limits::default().set(name, value)?;
    Ok((name.into(), value.into()))
}

impl ReadArgs {
    /// How a file is read that is one stack, or not.
    pub(crate) fn options(&self, is_stack: bool) -> ReadOptions {
        let mut limits = Limits::default();
        for (name, value) in &self.limits {
            // The arguments were parsed by the same function.
            let _ = limits.set(name, value);
        }
        let pages = match self.pages {
            PagesArg::Auto if is_stack => Pages::Stack,
            pages => pages.into(),
        };
        let selection = Selection {
            pages,
            series: self.series,
            axes: self.axes.as_ref().map(|axes| axes.0.clone()),
            channel_axis: self.channel_axis,
            z_axis: self.z_axis,
            time_axis: self.time_axis,
        };
        ReadOptions { selection, nan_background: self.nan_background, limits }
    }

    /// Opens a file, and prints its warnings on standard error.
    pub(crate) fn open(&self, path: &Path, is_stack: bool, isolate: &IsolateArgs) -> Result<Input, Failure> {
        let (contents, source) = if isolate.is_on() {
            let (contents, file) = IsolatedFile::open(path, self, is_stack, isolate)?;
            (contents, Source::Isolated(file))
        } else {
            let options = self.options(is_stack);
            let at = |error| Failure::at(path, error);
            let file = ImageFile::open(path, &options).map_err(at)?;
            let items = file.items(&options.selection).map_err(at)?;
            (Contents::new(&file, items), Source::Here(file))
        };
        let mut input = Input { contents, source };
        let found = std::mem::take(&mut input.contents.warnings);
        found.into_iter().for_each(|warning| input.warn(path, warning));
        Ok(input)
    }

    /// These options, as another process of this program takes them.
    pub(crate) fn words(&self) -> Vec<String> {
        let Self { pages, series, axes, channel_axis, z_axis, time_axis, nan_background, limits } = self;
        let pages = pages.to_possible_value().map(|value| format!("--pages={}", value.get_name()));
        let series = series.map(|series| format!("--series={series}"));
        let letters = |axes: &Axes| axes.0.iter().map(|axis| axis.letter()).collect::<String>();
        let axes = axes.as_ref().map(|axes| format!("--axes={}", letters(axes)));
        let named = [("channel", channel_axis), ("z", z_axis), ("time", time_axis)];
        let named = named.into_iter().filter_map(|(name, at)| at.map(|at| format!("--{name}-axis={at}")));
        let nan_background = nan_background.then(|| "--nan-background".to_owned());
        let limits = limits.iter().map(|(name, value)| format!("--limits={name}={value}"));
        pages.into_iter().chain(series).chain(axes).chain(named).chain(nan_background).chain(limits).collect()
    }
}

/// A file that is open, and what is taken of it.
pub(crate) struct Input {
    contents: Contents,
    source: Source,
}

/// Where the samples of a file are decoded.
enum Source {
    Here(ImageFile<'static>),
    Isolated(IsolatedFile),
}

impl Input {
    /// What is taken, in its order: the time points of an image or of a stack together.
    pub(crate) fn time_series(&self) -> impl Iterator<Item = TimeSeries<'_>> {
        let is_same = |a: &Item, b: &Item| (a.series, a.list) == (b.series, b.list);
        self.contents.items.chunk_by(is_same).map(TimeSeries)
    }

    /// True if one image or stack is all that is taken.
    pub(crate) fn is_one_item(&self) -> bool {
        self.contents.items.len() == 1
    }

    /// The z-slices of an item; of an image, the one.
    pub(crate) fn read(&self, path: &Path, item: &Item) -> Result<Vec<Image>, Failure> {
        match &self.source {
            Source::Here(file) => file.images(item).map_err(|error| Failure::at(path, error)),
            Source::Isolated(file) => file.read(path, &self.contents.items, item),
        }
    }

    /// Facts about the series of an item.
    pub(crate) fn series(&self, item: &Item) -> Option<&SeriesFacts> {
        self.contents.series.get(item.series)
    }

    /// The warnings of the reader and of [`Input::warn_of_channels`].
    pub(crate) fn warnings(&self) -> &[String] {
        &self.contents.warnings
    }

    /// Prints a warning on standard error, and keeps it for the reports.
    fn warn(&mut self, path: &Path, warning: String) {
        warn(format_args!("{}: warning: {warning}", printable_path(path)));
        self.contents.warnings.push(warning);
    }

    /// What is known of the images beside their samples.
    pub(crate) fn metadata(&self, series: &TimeSeries<'_>) -> TiffMetadata {
        let series = series.items().first().and_then(|item| self.series(item));
        TiffMetadata { pixel_size: series.map(|series| series.pixel_size).unwrap_or_default() }
    }

    /// Warns if the chosen channels have no effect.
    pub(crate) fn warn_of_channels(&mut self, path: &Path, channels: Channels) {
        let is_grey = self.contents.items.iter().all(|item| item.channels == 1);
        if is_grey && channels.chan.max(channels.chan2) > 0 {
            let what = if self.contents.items.len() > 1 { "each image has" } else { "the image has" };
            self.warn(path, format!("--chan and --chan2 have no effect: {what} one channel"));
        }
    }
}

/// An image or a stack, or the time points of one.
pub(crate) struct TimeSeries<'i>(&'i [Item]);

impl TimeSeries<'_> {
    pub(crate) fn items(&self) -> &[Item] {
        self.0
    }

    /// The number in a list of images, from 1, if there is one.
    pub(crate) fn page(&self) -> Option<usize> {
        self.0.first()?.list.map(|list| list + 1)
    }

    /// The stem of its results: that of the file, and `_s0` if the file has several series.
    pub(crate) fn stem(&self, stem: &str) -> String {
        match self.0.first().filter(|item| item.is_of_several) {
            Some(item) => format!("{stem}_s{}", item.series),
            None => stem.to_owned(),
        }
    }

    /// Number of channels of each image.
    pub(crate) fn channels(&self) -> usize {
        self.0.first().map_or(1, |item| item.channels)
    }
}

/// The stem of each input, whose result is written as the stem and `ending`. Two inputs of one stem would overwrite each
/// other's results, so they are refused.
pub(crate) fn stems(inputs: &[PathBuf], ending: &str) -> Result<Vec<String>, Failure> {
    let mut seen: HashMap<String, &Path> = HashMap::new();
    let mut stems = Vec::with_capacity(inputs.len());
    for input in inputs {
        let Some(stem) = input.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else {
            return Err(Failure::usage(format!("{} names no file", printable_path(input))));
        };
        if let Some(other) = seen.insert(stem.clone(), input) {
            return Err(Failure::usage(format!(
                "{} and {} would both be written as {stem}{ending}; write them to different folders",
                printable_path(other),
                printable_path(input)
            )));
        }
        stems.push(stem);
    }
    Ok(stems)
}

/// What the pages of a multi-page TIFF are.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum PagesArg {
    /// As the file says, else channels where there are few pages of one size
    #[default]
    Auto,
    /// The channels of one image
    Channels,
    /// A list of images
    List,
}

impl From<PagesArg> for Pages {
    fn from(pages: PagesArg) -> Self {
        match pages {
            PagesArg::Auto => Pages::Auto,
            PagesArg::Channels => Pages::Channels,
            PagesArg::List => Pages::List,
        }
    }
}
