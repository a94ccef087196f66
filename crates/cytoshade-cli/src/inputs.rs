//! Input files: the options of reading, the images that are read, and the stems of their results.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use cytoshade::{Channels, Image, Params};
use cytoshade_formats::transfer::{Contents, SeriesFacts};
use cytoshade_formats::{
    AxisKind, Header, ImageFile, Item, Limits, Pages, ReadOptions, Selection, TiffMetadata, read_header,
};
use cytoshade_safe_io::printable_path;

use crate::failure::Failure;
use crate::isolate::{IsolateArgs, IsolatedFile};
use crate::report::warn;

/// Options of reading, shared by all commands that read images.
#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    /// Meaning of the pages of a multi-page TIFF: the channels of one image, or a list of images. `auto` uses the
    /// file's metadata; without metadata, up to 5 pages of one size are channels, or z-slices if a stack is read.
    /// `channels` and `list` override the metadata. The images of a list are written as STEM_0001_cp_masks.tif and so
    /// on
    #[arg(long, value_enum, default_value_t)]
    pub(crate) pages: PagesArg,
    /// Read only series N, from 0 (see `cytoshade inspect`). By default all series are read; if a file has several,
    /// their results are written as STEM_s0_cp_masks.tif and so on
    #[arg(long, value_name = "N")]
    series: Option<usize>,
    /// Axes, slowest first, overriding the file's metadata: T time, Z, C channels, S samples, Y, X; any other letter is
    /// a list of images
    #[arg(long, value_name = "TZCYX", value_parser = parse_axes)]
    axes: Option<Axes>,
    /// Index of the channel axis, from 0; negative indices count from the last axis, -1
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    channel_axis: Option<isize>,
    /// Index of the axis of z-slices, as for --channel-axis
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    z_axis: Option<isize>,
    /// Index of the time axis, as for --channel-axis. Time points are segmented separately and saved in one file
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    time_axis: Option<isize>,
    /// Replace NaN by the minimum of its plane (background)
    #[arg(long)]
    nan_background: bool,
    /// Limits of the reader, e.g. `pixels=2^33,file-bytes=16G`. An error that exceeds a limit names it
    #[arg(long, value_name = "NAME=N,...", value_delimiter = ',', value_parser = parse_limit)]
    limits: Vec<(String, String)>,
}

/// The letters of `--axes`.
#[derive(Clone, Debug)]
struct Axes(Vec<AxisKind>);

fn parse_axes(text: &str) -> Result<Axes, String> {
    let kinds: Option<Vec<AxisKind>> = text.chars().map(AxisKind::from_letter).collect();
    let kinds = kinds.ok_or("expected letters, e.g. TZCYX")?;
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
    /// The options of the reader. If `is_stack`, each file is one stack.
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

    /// The limit on the pixels of a segmentation or restoration, which `--limits pixels=N` also raises.
    pub(crate) fn max_pixels(&self) -> usize {
        let pixels = usize::try_from(self.options(false).limits.pixels).unwrap_or(usize::MAX);
        pixels.clamp(Params::default().max_pixels, u32::MAX as usize)
    }

    /// Opens a file and prints its warnings on standard error.
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
        let mut facts = Facts(contents);
        let found = std::mem::take(&mut facts.0.warnings);
        found.into_iter().for_each(|warning| facts.warn(path, warning));
        Ok(Input { facts, source })
    }

    /// The header of a file: its images, and the other files of its set.
    pub(crate) fn header(&self, path: &Path, is_stack: bool, isolate: &IsolateArgs) -> Result<Header, Failure> {
        if isolate.is_on() {
            let (contents, _) = IsolatedFile::open(path, self, is_stack, isolate)?;
            let mut header = Header::default();
            header.items = contents.items;
            return Ok(header);
        }
        read_header(path, &self.options(is_stack)).map_err(|error| Failure::at(path, error))
    }

    /// These options as arguments for a child process of this program.
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

/// An open file.
pub(crate) struct Input {
    pub(crate) facts: Facts,
    source: Source,
}

/// The process that decodes the samples of a file.
enum Source {
    Here(ImageFile<'static>),
    Isolated(IsolatedFile),
}

impl Input {
    /// Reads the z-slices of an item; an image has one.
    pub(crate) fn read(&self, path: &Path, item: &Item) -> Result<Vec<Image>, Failure> {
        match &self.source {
            Source::Here(file) => file.images(item).map_err(|error| Failure::at(path, error)),
            Source::Isolated(file) => file.read(path, self.facts.items(), item),
        }
    }
}

/// The items of a file, its metadata and its warnings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts(Contents);

impl Facts {
    /// The images and stacks, in order.
    pub(crate) fn items(&self) -> &[Item] {
        &self.0.items
    }

    /// The items in order, grouped: the time points of an image or stack form one group.
    pub(crate) fn time_series(&self) -> impl Iterator<Item = TimeSeries<'_>> {
        time_series(self.items())
    }

    /// True if the file holds exactly one image or stack.
    pub(crate) fn is_one_item(&self) -> bool {
        self.0.items.len() == 1
    }

    /// Facts about the series of an item.
    pub(crate) fn series(&self, item: &Item) -> Option<&SeriesFacts> {
        self.0.series.get(item.series)
    }

    /// The warnings of the reader and of [`Facts::warn_of_channels`].
    pub(crate) fn warnings(&self) -> &[String] {
        &self.0.warnings
    }

    /// Prints a warning on standard error and keeps it for the reports.
    fn warn(&mut self, path: &Path, warning: String) {
        warn(format_args!("{}: warning: {warning}", printable_path(path)));
        self.0.warnings.push(warning);
    }

    /// The metadata of the images.
    pub(crate) fn metadata(&self, series: &TimeSeries<'_>) -> TiffMetadata {
        let series = series.items().first().and_then(|item| self.series(item));
        series.map_or_else(TiffMetadata::default, |series| TiffMetadata {
            pixel_size: series.pixel_size,
            channel_names: series.channel_names.clone(),
        })
    }

    /// Warns if the chosen channels have no effect.
    pub(crate) fn warn_of_channels(&mut self, path: &Path, channels: Channels) {
        let is_grey = self.0.items.iter().all(|item| item.channels == 1);
        if is_grey && channels.chan.max(channels.chan2) > 0 {
            let images = if self.0.items.len() > 1 { "each image has" } else { "the image has" };
            self.warn(path, format!("--chan and --chan2 have no effect: {images} one channel"));
        }
    }
}

/// Groups items: the time points of an image or stack form one group.
pub(crate) fn time_series(items: &[Item]) -> impl Iterator<Item = TimeSeries<'_>> {
    let is_same = |a: &Item, b: &Item| (a.series, a.list) == (b.series, b.list);
    items.chunk_by(is_same).map(TimeSeries)
}

/// An image or a stack, or all time points of it.
pub(crate) struct TimeSeries<'i>(&'i [Item]);

impl TimeSeries<'_> {
    pub(crate) fn items(&self) -> &[Item] {
        self.0
    }

    /// The position in a list of images, from 1, if the file holds a list.
    pub(crate) fn page(&self) -> Option<usize> {
        self.0.first()?.list.map(|list| list + 1)
    }

    /// The stem of the results: the file's stem, with `_s0` and so on if the file has several series.
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

/// The stem of each input. Its result is written to `folder` as the stem and `ending`.
///
/// # Errors
/// Fails if two inputs have the same result.
pub(crate) fn stems(inputs: &[&Path], folder: impl Fn(usize) -> PathBuf, ending: &str) -> Result<Vec<String>, Failure> {
    let mut known: HashMap<(PathBuf, String), &Path> = HashMap::new();
    let mut stems = Vec::with_capacity(inputs.len());
    for (index, input) in inputs.iter().enumerate() {
        let Some(stem) = input.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else {
            return Err(Failure::usage(format!("{} is not the path of a file", printable_path(input))));
        };
        if let Some(other) = known.insert((folder(index), stem.clone()), input) {
            return Err(Failure::usage(format!(
                "{} and {} have the same result, {stem}{ending}; process them with different output folders, or leave \
                 one out",
                printable_path(other),
                printable_path(input)
            )));
        }
        stems.push(stem);
    }
    Ok(stems)
}

/// The meaning of the pages of a multi-page TIFF.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum PagesArg {
    /// As the metadata states; without metadata, up to 5 pages of one size are channels
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
