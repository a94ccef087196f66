//! An open image file: its series, and the images selected from them.

use std::sync::{Arc, Mutex, PoisonError};

use cytoshade_core::Samples;

use crate::arrange::Role;
use crate::items::{frame, items};
use crate::limits::Meter;
use crate::npy::Header;
use crate::picture::{Allowed, Picture};
use crate::sample::{Held, bytes, bytes_mut, replace_nan};
use crate::series::Frames;
use crate::siblings::Siblings;
use crate::source::Source;
use crate::tiff::Tiff;
use crate::{
    Axis, AxisKind, Error, Format, Image, Item, Limits, Origin, PixelSize, Place, ReadOptions, Selection, Series,
    Warning,
};

mod strided;

/// An image file.
///
/// ```
/// use cytoshade_formats::{ImageFile, Labels, ReadOptions, Selection, write_labels_tiff};
/// let labels = Labels::new(vec![0, 1, 1, 0, 2, 2], 2, 3)?;
/// let mut file = std::io::Cursor::new(Vec::new());
/// write_labels_tiff(&mut file, &labels)?;
/// let bytes = file.into_inner();
/// let file = ImageFile::from_bytes(&bytes, &ReadOptions::default())?;
/// assert_eq!((file.series()[0].letters().as_str(), file.series()[0].shape()), ("YX", vec![2, 3]));
/// for item in file.items(&Selection::default())? {
///     assert_eq!(file.images(&item)?.len(), 1);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ImageFile<'a> {
    format: Format,
    series: Vec<Series>,
    warnings: Vec<Warning>,
    content: Content<'a>,
    limits: Limits,
    nan_background: bool,
    /// All samples of the series read last, if its planes are not its frames.
    whole: Mutex<Option<(usize, Arc<Samples>)>>,
}

#[derive(Debug)]
enum Content<'a> {
    Tiff(Tiff<'a>),
    Array(Source<'a>),
    Picture(Image),
}

impl<'a> ImageFile<'a> {
    /// Opens the file at `path`.
    ///
    /// The path may be a link; it must lead to a regular file, not to a pipe, device or folder.
    ///
    /// TIFF and NPY files are read in pieces, as images are requested; files of other formats are held in memory.
    ///
    /// # Errors
    /// [`Error::Read`] if the file cannot be opened or read, and those of [`ImageFile::from_bytes`].
    #[cfg(not(target_family = "wasm"))]
    pub fn open(path: impl AsRef<std::path::Path>, options: &ReadOptions) -> Result<ImageFile<'static>, Error> {
        let path = path.as_ref();
        let file = cytoshade_safe_io::open(path, cytoshade_safe_io::Links::Follow).map_err(Error::Read)?;
        let length = file.metadata().map_err(Error::Read)?.len();
        ImageFile::from_source(Source::File { file, length }, &Siblings::new(path), options)
    }

    /// Reads an open file of `length` bytes.
    ///
    /// Opens no other file: planes in other files of a set are missing.
    ///
    /// # Errors
    /// As [`ImageFile::open`].
    #[cfg(not(target_family = "wasm"))]
    pub fn from_file(file: std::fs::File, length: u64, options: &ReadOptions) -> Result<ImageFile<'static>, Error> {
        ImageFile::from_source(Source::File { file, length }, &Siblings::default(), options)
    }

    /// Opens a file in memory.
    ///
    /// # Errors
    /// Any of [`Error`] but [`Error::Write`] and [`Error::Output`].
    pub fn from_bytes(bytes: &'a [u8], options: &ReadOptions) -> Result<Self, Error> {
        Self::from_source(Source::Bytes(bytes.into()), &Siblings::default(), options)
    }

    fn from_source(source: Source<'a>, siblings: &Siblings, options: &ReadOptions) -> Result<Self, Error> {
        let limits = &options.limits;
        limits.check_file(source.len())?;
        let mut start = [0; 12];
        let length = source.len().min(start.len() as u64) as usize;
        let start = start.get_mut(..length).unwrap_or_default();
        source.read(0, start)?;
        let Some(format) = Format::detect(start) else {
            return Err(Error::UnknownFormat { found: crate::format::describe(start) });
        };
        let mut warnings = Vec::new();
        let (content, series) = match format {
            Format::Tiff => {
                let (tiff, series) = Tiff::open(source, siblings, limits, &mut warnings)?;
                (Content::Tiff(tiff), series)
            }
            Format::Npy | Format::Seg => {
                let series = array(&source)?;
                (Content::Array(source), vec![series])
            }
            format => {
                let (image, sample_type, found) = picture(format, &source, limits)?;
                warnings.extend(found);
                let series = picture_series([image.height(), image.width()], image.channels(), sample_type);
                (Content::Picture(image), vec![series])
            }
        };
        let nan_background = options.nan_background;
        Ok(Self { format, series, warnings, content, limits: limits.clone(), nan_background, whole: Mutex::new(None) })
    }

    /// The format, detected by the first bytes.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The series of the file.
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// The warnings from opening the file.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The paths of the other files of the set that OME-XML describes; a file can be listed twice.
    #[cfg(not(target_family = "wasm"))]
    pub fn siblings(&self) -> impl Iterator<Item = &std::path::Path> {
        let tiff = match &self.content {
            Content::Tiff(tiff) => Some(tiff),
            _ => None,
        };
        tiff.into_iter().flat_map(Tiff::siblings)
    }

    /// The images or stacks that a selection takes, in order: at least one.
    ///
    /// # Errors
    /// [`Error::Axes`] if the axes of a series form no image, [`Error::NoSuchSeries`], [`Error::Limit`].
    pub fn items(&self, selection: &Selection) -> Result<Vec<Item>, Error> {
        items(&self.series, selection, &self.limits)
    }

    /// Checks the size of an item against the limits without reading it.
    ///
    /// # Errors
    /// [`Error::Limit`], [`Error::Image`] if a side is below 2, and [`Error::Unsupported`] for other sample types.
    pub fn check(&self, item: &Item) -> Result<(), Error> {
        let (height, width) = (item.height as u64, item.width as u64);
        self.limits.check_sides(width, height)?;
        let planes = (item.channels as u64).saturating_mul(item.slices as u64);
        let held = self.series.get(item.series).map(|series| Held::new(self.format, series.sample_type)).transpose()?;
        let bytes = held.map_or(0, |held| held.bytes);
        Meter::new(&self.limits).samples(width.saturating_mul(height), planes, bytes).map(drop)
    }

    /// Reads the z-slices of an item, each with all its channels. An image is a single z-slice.
    ///
    /// Samples keep their type, but half floats become f32, and integers of 1 to 7, 9 to 15 and 17 to 31 bits become
    /// u8, u16 and u32 with unchanged values. As in the reference, the alpha channel of a PNG, JPEG or similar is
    /// dropped and a palette is applied, while a TIFF returns all its samples as stored: palette indices stay indices,
    /// and nothing is inverted. EXIF orientation is not applied.
    ///
    /// # Errors
    /// Any of [`Error`] but [`Error::Write`] and [`Error::Output`].
    pub fn images(&self, item: &Item) -> Result<Vec<Image>, Error> {
        self.metered(item, &Mutex::new(Meter::new(&self.limits)))
    }

    /// [`ImageFile::images`] with a meter shared by several images.
    pub(crate) fn metered(&self, item: &Item, meter: &Mutex<Meter<'_>>) -> Result<Vec<Image>, Error> {
        self.limits.check_sides(item.width as u64, item.height as u64)?;
        if let Content::Picture(image) = &self.content {
            return Ok(vec![image.clone()]);
        }
        let Some(series) = self.series.get(item.series) else {
            return Err(Error::NoSuchSeries { number: item.series, series: self.series.len() });
        };
        let held = Held::new(self.format, series.sample_type)?;
        let z = item.roles.position(Role::Z);
        (0..item.slices)
            .map(|slice| {
                let mut index = item.index.clone();
                if let Some(at) = z.and_then(|at| index.get_mut(at)) {
                    *at = slice;
                }
                let mut samples = self.image(item, series, held, &index, meter)?;
                if self.nan_background {
                    replace_nan(&mut samples, item.height * item.width);
                }
                Ok(Image::from_samples(samples, item.channels, item.height, item.width)?)
            })
            .collect()
    }

    /// Reads the planes of one image.
    fn image(
        &self,
        item: &Item,
        series: &Series,
        held: Held,
        index: &[usize],
        meter: &Mutex<Meter<'_>>,
    ) -> Result<Samples, Error> {
        let pixels = item.height as u64 * item.width as u64;
        let count = lock(meter).samples(pixels, item.channels as u64, held.bytes)?;
        match (&self.content, &series.frames) {
            (Content::Tiff(tiff), Frames::Pages(places)) if is_plane(tiff, series, item) => {
                let places = channels(series, places, item, index);
                decoded(tiff, &places, held, count, meter)
            }
            (Content::Tiff(tiff), Frames::Pages(places)) => {
                let whole = self.whole(item.series, || flat(tiff, series, places, held, meter))?;
                let mut samples = held.zeros(count)?;
                let array =
                    strided::Array { bytes: bytes(&whole), first: 0, strides: &strided::c_order(&series.shape()) };
                array.gather_image(series, item, index, held.bytes, bytes_mut(&mut samples));
                Ok(samples)
            }
            (Content::Array(source), Frames::Array { strides, big_endian, offset }) => {
                let mut samples = held.zeros(count)?;
                let array = strided::Stored { source, strides, big_endian: *big_endian, offset: *offset };
                array.read(series, item, index, held, bytes_mut(&mut samples), meter)?;
                Ok(samples)
            }
            _ => Err(Error::damaged(self.format, "its series have no data")),
        }
    }

    /// All samples of a series, kept for its next image.
    fn whole(&self, series: usize, read: impl FnOnce() -> Result<Samples, Error>) -> Result<Arc<Samples>, Error> {
        let mut kept = lock(&self.whole);
        if let Some((number, samples)) = kept.as_ref().filter(|(number, _)| *number == series) {
            debug_assert_eq!(*number, series);
            return Ok(samples.clone());
        }
        let samples = Arc::new(read()?);
        *kept = Some((series, samples.clone()));
        Ok(samples)
    }
}

/// Locks data that stay valid if a thread panics: plain numbers.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// True if an item's rows and columns are those of the pages, and its channels their samples.
fn is_plane(tiff: &Tiff<'_>, series: &Series, item: &Item) -> bool {
    let leading = series.axes.len().saturating_sub(series.frame_rank);
    let (Some(axes), Some(roles)) = (series.axes.get(leading..), item.roles.roles.get(leading..)) else { return false };
    let Some(place) = series.places().iter().flatten().next() else { return true };
    let (height, width, samples) = tiff.size(*place);
    let lengths: Vec<usize> = axes.iter().map(|axis| axis.length).collect();
    match roles {
        [Role::Y, Role::X] => lengths == [height, width] && samples == 1,
        [Role::Channel, Role::Y, Role::X] => lengths == [samples, height, width] && tiff.is_planar(*place),
        [Role::Y, Role::X, Role::Channel] => lengths == [height, width, samples] && !tiff.is_planar(*place),
        _ => false,
    }
}

/// The places of the channels of an image, in order.
fn channels(series: &Series, places: &[Option<Place>], item: &Item, index: &[usize]) -> Vec<Option<Place>> {
    let leading = series.axes.len().saturating_sub(series.frame_rank);
    let is_channel = |at: &usize| item.roles.roles.get(*at) == Some(&Role::Channel);
    let axes: Vec<usize> = (0..leading).filter(is_channel).collect();
    let length = |at: usize| series.axes.get(at).map_or(1, |axis| axis.length);
    let frames: usize = axes.iter().map(|&at| length(at)).product();
    (0..frames)
        .map(|number| {
            let mut index = index.to_vec();
            let mut rest = number;
            for &at in axes.iter().rev() {
                if let Some(slot) = index.get_mut(at) {
                    *slot = rest % length(at);
                    rest /= length(at);
                }
            }
            frame(series, &index).and_then(|at| places.get(at).copied().flatten())
        })
        .collect()
}

/// Decodes `count` samples from pages of one size into planes, page after page.
///
/// Missing pages become zeros.
fn decoded(
    tiff: &Tiff<'_>,
    places: &[Option<Place>],
    held: Held,
    count: usize,
    meter: &Mutex<Meter<'_>>,
) -> Result<Samples, Error> {
    let plan = |place: &Option<Place>| place.map(|place| tiff.plan(place, &mut lock(meter))).transpose();
    let planned = places.iter().map(plan).collect::<Result<Vec<_>, _>>()?;
    // Memory is reserved only now: the file is known to have the bytes.
    let mut samples = held.zeros(count)?;
    let page_bytes = (count / places.len().max(1) * held.bytes).max(1);
    let pages = planned.iter().zip(bytes_mut(&mut samples).chunks_exact_mut(page_bytes));
    let tasks = pages.filter_map(|(planned, out)| Some((planned.as_ref()?, out))).collect();
    crate::parallel::for_each(tasks, |(planned, out)| tiff.decode(planned, held, out))?;
    Ok(samples)
}

/// Decodes all samples of a series, in the order of its axes.
fn flat(
    tiff: &Tiff<'_>,
    series: &Series,
    places: &[Option<Place>],
    held: Held,
    meter: &Mutex<Meter<'_>>,
) -> Result<Samples, Error> {
    let count = series.axes.iter().fold(1u64, |count, axis| count.saturating_mul(axis.length as u64));
    let count = lock(meter).samples(count, 1, held.bytes)?;
    let mut all = decoded(tiff, places, held, count, meter)?;
    let page = places.iter().flatten().next().copied();
    let samples = page.filter(|&page| !tiff.is_planar(page)).map_or(1, |page| tiff.size(page).2);
    if samples > 1 {
        // Decoding yields planes; the series interleaves the samples of a page.
        let page_bytes = (count / places.len().max(1) * held.bytes).max(1);
        let mut planes = crate::limits::zeros(page_bytes)?;
        for page in bytes_mut(&mut all).chunks_exact_mut(page_bytes) {
            planes.copy_from_slice(page);
            strided::interleave(&planes, samples, held.bytes, page);
        }
    }
    Ok(all)
}

/// The series of an NPY file.
fn array(source: &Source<'_>) -> Result<Series, Error> {
    /// Bytes of a header to inspect. A list of fields may be longer, but is refused anyway.
    const MOST: u64 = 1 << 20;
    let start = source.slice(Format::Npy, 0, source.len().min(MOST), "the header")?;
    let (header, data) = crate::npy::split(&start)?;
    let offset = (start.len() - data.len()) as u64;
    crate::npy::series(&Header::parse(header)?, offset, source.len() - offset)
}

/// The images of an array in memory, as its header describes.
pub(crate) fn array_images(header: &Header, data: &[u8], options: &ReadOptions) -> Result<Vec<Image>, Error> {
    let series = crate::npy::series(header, 0, data.len() as u64)?;
    let file = ImageFile {
        format: Format::Npy,
        series: vec![series],
        warnings: Vec::new(),
        content: Content::Array(Source::Bytes(data.into())),
        limits: options.limits.clone(),
        nan_background: options.nan_background,
        whole: Mutex::new(None),
    };
    file.all(&options.selection)
}

impl ImageFile<'_> {
    /// All images that a selection takes, in order.
    pub(crate) fn all(&self, selection: &Selection) -> Result<Vec<Image>, Error> {
        let meter = Mutex::new(Meter::new(&self.limits));
        let mut images = Vec::new();
        for item in self.items(selection)? {
            images.extend(self.metered(&item, &meter)?);
        }
        Ok(images)
    }
}

/// Decodes a file of a single-image format and drops its transparency.
fn picture(
    format: Format,
    source: &Source<'_>,
    limits: &Limits,
) -> Result<(Image, crate::SampleType, Vec<Warning>), Error> {
    use crate::picture::{jpeg, png};
    let meter = std::cell::RefCell::new(Meter::new(limits));
    // The file stays in memory during decoding.
    crate::limits::check("the file's size in bytes", source.len(), limits.decoded_bytes, "decoded_bytes")?;
    let bytes = source.whole(format)?;
    let allowed = Allowed::Metered(&meter);
    let found: Picture = match format {
        Format::Png => png::decode(&bytes, allowed)?,
        Format::Jpeg => jpeg::decode(&bytes, jpeg::Colors::Rgb, allowed)?,
        #[cfg(feature = "bmp")]
        Format::Bmp => crate::picture::bmp::decode(&bytes, allowed)?,
        #[cfg(feature = "pnm")]
        Format::Pnm => crate::picture::pnm::decode(&bytes, allowed)?,
        #[cfg(feature = "webp")]
        Format::WebP => crate::picture::webp::decode(&bytes, allowed)?,
        #[cfg(feature = "jpeg2000")]
        Format::Jpeg2000 => crate::picture::jpeg2000::decode(&bytes, allowed)?,
        #[cfg(feature = "jpegxl")]
        Format::JpegXl => crate::picture::jpegxl::decode(&bytes, allowed)?,
        format => {
            return Err(Error::UnknownFormat { found: format!("a {format} file, which this build does not read") });
        }
    };
    let image = found.image(format, png::opaque(found.channels))?;
    Ok((image, found.sample_type, found.warnings))
}

/// The series of a single-image format.
pub(crate) fn picture_series([height, width]: [usize; 2], channels: usize, sample_type: crate::SampleType) -> Series {
    let mut axes = vec![Axis::new(AxisKind::Y, height), Axis::new(AxisKind::X, width)];
    if channels > 1 {
        axes.push(Axis::new(AxisKind::Sample, channels));
    }
    Series {
        name: String::new(),
        frame_rank: axes.len(),
        axes,
        sample_type,
        pixel_size: PixelSize::default(),
        channel_names: Vec::new(),
        origin: Origin::Picture,
        left_out: None,
        frames: Frames::Picture,
    }
}
