//! ImageJ's header: `ImageJ=1.53q`, then lines of `key=value`.
//!
//! Source: ImageJ's `TiffEncoder` and `FileInfo`; tifffile for the order of the axes.

#[cfg(feature = "microscopy")]
use crate::tiff::{
    directory::{File, Values},
    page::Vendor,
};
use crate::{Axis, AxisKind};

/// The axes in the header.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    channels: usize,
    slices: usize,
    frames: usize,
    images: usize,
    /// The letters of the axes, the slowest first.
    order: [AxisKind; 3],
}

impl Header {
    /// Parses a description; `None` if it is not ImageJ's, or its lengths are invalid.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        lines.next().filter(|first| first.starts_with("ImageJ=") || first.starts_with("SCIFIO="))?;
        let length = |key| value(text, key).map_or(Some(1), |text| text.parse().ok().filter(|length| *length > 0));
        use AxisKind::{Channel, Time, Z};
        let order = match value(text, "order").map(str::to_ascii_lowercase).as_deref() {
            Some("ctz") => [Z, Time, Channel],
            Some("zct") => [Time, Channel, Z],
            Some("ztc") => [Channel, Time, Z],
            Some("tcz") => [Z, Channel, Time],
            Some("tzc") => [Channel, Z, Time],
            _ => [Time, Z, Channel],
        };
        Some(Self {
            channels: length("channels")?,
            slices: length("slices")?,
            frames: length("frames")?,
            images: length("images")?,
            order,
        })
    }

    /// The axes that count the pages, the slowest first, for `pages` pages of `samples` samples each.
    ///
    /// `None` if the lengths contradict the number of images.
    pub(super) fn axes(&self, pages: usize, samples: usize) -> Option<Vec<Axis>> {
        // Bio-Formats states the samples of a page as channels.
        let samples_are_channels = samples > 1 && samples == self.channels;
        let channels = if samples_are_channels { 1 } else { self.channels };
        let counted = channels.checked_mul(self.slices)?.checked_mul(self.frames)?;
        if self.images > 1 && !self.images.is_multiple_of(counted) {
            return None;
        }
        let images = if self.images == 1 && counted == 1 { pages } else { self.images.max(counted) };
        let mut axes: Vec<Axis> = self
            .order
            .iter()
            .map(|&kind| {
                Axis::new(
                    kind,
                    match kind {
                        AxisKind::Channel => channels,
                        AxisKind::Z => self.slices,
                        _ => self.frames,
                    },
                )
            })
            .collect();
        let left = images / counted;
        if left > 1 {
            axes.insert(0, Axis::new(AxisKind::Page, left));
        }
        Some(axes)
    }
}

/// The value of a key.
fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let mut values = text.lines().filter_map(|line| line.split_once('='));
    values.find(|(found, _)| found.trim() == key).map(|(_, value)| value.trim())
}

/// Size of a pixel, from the unit in a header and the pixels per unit.
#[cfg(feature = "microscopy")]
pub(super) fn pixel_size(text: &str, x: Option<f64>, y: Option<f64>) -> crate::PixelSize {
    let Some(unit) = value(text, "unit").and_then(super::micrometres) else { return crate::PixelSize::default() };
    let length = |pixels: Option<f64>| pixels.map(|pixels| unit / pixels);
    let spacing: Option<f64> = value(text, "spacing").and_then(|text| text.parse().ok());
    crate::PixelSize { x: length(x), y: length(y), z: spacing.map(|spacing| spacing * unit) }.checked()
}

/// The names of several channels: the labels of the pages, if all pages of a channel have the same. None if the labels are
/// damaged, since they change no sample.
///
/// `axes` count the pages, the slowest first.
#[cfg(feature = "microscopy")]
pub(super) fn channel_names(file: &File<'_>, vendor: &Vendor, axes: &[Axis]) -> Vec<String> {
    let names = || {
        let pages = |axes: &[Axis]| axes.iter().map(|axis| axis.length).product::<usize>();
        let channel = axes.iter().position(|axis| axis.kind == AxisKind::Channel && axis.length > 1)?;
        let (channels, faster) = (axes.get(channel)?.length, pages(axes.get(channel + 1..)?));
        let labels = labels(file, vendor.imagej_lengths?, vendor.imagej?, pages(axes))?;
        let names: Vec<&String> = labels.iter().step_by(faster).take(channels).collect();
        let agrees = |(page, label)| names.get(page / faster % channels) == Some(&label);
        let is_named = names.iter().any(|name| !name.is_empty());
        (is_named && labels.iter().enumerate().all(agrees)).then(|| names.into_iter().cloned().collect())
    };
    names().unwrap_or_default()
}

/// The labels of `pages` pages, from ImageJ's private tags: an index, the texts, and the bytes of each.
///
/// Source: ImageJ's `ij/io/TiffDecoder.java`, `getMetaData`.
#[cfg(feature = "microscopy")]
fn labels(file: &File<'_>, lengths: Values, data: Values, pages: usize) -> Option<Vec<String>> {
    /// The index is words: a magic number, then a type and a number of texts for each type.
    const WORD: usize = 4;
    /// More texts than come before the labels.
    const BEFORE: u64 = 64;
    /// Overlays and regions, which may be large, come after the labels.
    const MOST_BYTES: u64 = 4 << 20;
    let word = |letters: &[u8; WORD]| u64::from(u32::from_be_bytes(*letters));
    let lengths = file.numbers(lengths, pages as u64 + BEFORE).ok()?;
    let data = file.bytes(Values { count: data.count.min(MOST_BYTES), ..data }).ok()?;
    let (&index, mut lengths) = lengths.split_first()?;
    let (index, mut texts) = data.split_at_checked(usize::try_from(index).ok()?)?;
    let (magic, types) = index.split_at_checked(WORD)?;
    if file.unsigned(magic) != word(b"IJIJ") {
        return None;
    }
    for entry in types.chunks_exact(2 * WORD) {
        let (kind, count) = entry.split_at(WORD);
        let (of_kind, others) = lengths.split_at_checked(usize::try_from(file.unsigned(count)).ok()?)?;
        lengths = others;
        let mut next = |length: &u64| {
            let (text, rest) = texts.split_at_checked(usize::try_from(*length).ok()?)?;
            texts = rest;
            Some(text)
        };
        if file.unsigned(kind) == word(b"labl") {
            let unit = |pair: &[u8]| file.unsigned(pair) as u16;
            let text = |bytes: &[u8]| String::from_utf16_lossy(&bytes.chunks_exact(2).map(unit).collect::<Vec<_>>());
            let labels = of_kind.iter().map(next).map(|bytes| bytes.map(text)).collect::<Option<Vec<_>>>()?;
            return (labels.len() == pages).then_some(labels);
        }
        of_kind.iter().try_for_each(|length| next(length).map(drop))?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(text: &str, pages: usize, samples: usize) -> String {
        let axes = Header::parse(text).unwrap().axes(pages, samples).unwrap();
        axes.iter().map(|axis| format!("{}{}", axis.kind.letter(), axis.length)).collect()
    }

    #[test]
    fn hyperstacks() {
        assert_eq!(axes("ImageJ=1.53q\nimages=12\nchannels=2\nslices=3\nframes=2\n", 12, 1), "T2Z3C2");
        assert_eq!(axes("ImageJ=1.53q\nslices=3", 3, 1), "T1Z3C1");
        assert_eq!(axes("ImageJ=1.53q\nunit=micron", 3, 1), "I3T1Z1C1");
        assert_eq!(axes("ImageJ=1.53q\nimages=9", 9, 1), "I9T1Z1C1");
        assert_eq!(axes("ImageJ=1.53q\nimages=3\nchannels=3\n", 1, 3), "I3T1Z1C1");
        assert_eq!(axes("SCIFIO=1\nimages=6\nchannels=2\nslices=3\norder=zct", 6, 1), "T1C2Z3");
        assert_eq!(Header::parse("ImageJ=1\nimages=6\nslices=2\nframes=4").unwrap().axes(6, 1), None);
        for wrong in ["", "slices=3", "ImageJ=1\nslices=0", "ImageJ=1\nframes=99999999999999999999"] {
            assert_eq!(Header::parse(wrong), None, "{wrong}");
        }
    }

    #[cfg(feature = "microscopy")]
    #[test]
    fn pixel_sizes() {
        let found = pixel_size("ImageJ=1.53q\nunit=\\u00B5m\nspacing=2.5", Some(4.0), Some(2.0));
        assert_eq!(found, crate::PixelSize { x: Some(0.25), y: Some(0.5), z: Some(2.5) });
        assert!(pixel_size("ImageJ=1.53q", Some(4.0), None).is_empty());
    }
}
