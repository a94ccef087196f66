//! Labels, images and overlays as TIFF.

use std::io::{Seek, Write};

use super::page_writer::{PageWriter, PixelType, Sink, Value};
use crate::{Error, Image, LabelView, PixelSize};

const IMAGE_DESCRIPTION: u16 = 270;
const X_RESOLUTION: u16 = 282;
const Y_RESOLUTION: u16 = 283;

/// Metadata that a TIFF states beside its samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TiffMetadata {
    /// Written in ImageJ's form: in the resolution tags and the description.
    pub pixel_size: PixelSize,
    /// Written by [`write_images_tiff`] as ImageJ does, as the labels of the pages; may be empty, or fewer than channels.
    pub channel_names: Vec<String>,
}

/// Writes labels as a TIFF with one page per plane, compressed with Deflate.
///
/// Samples are 16-bit unsigned, or 32-bit if a label is above 65,535. ImageJ, tifffile and the reference read it.
///
/// The description of a time series gives ImageJ and tifffile its frames.
///
/// # Errors
/// [`Error::Write`]; [`Error::Output`] for labels without pixels.
pub fn write_labels_tiff<'a, W: Write + Seek>(out: W, labels: impl Into<LabelView<'a>>) -> Result<(), Error> {
    write_labels(out, labels.into(), &TiffMetadata::default())
}

/// [`write_labels_tiff`] with metadata.
///
/// # Errors
/// As [`write_labels_tiff`].
pub fn write_labels_tiff_with<'a, W: Write + Seek>(
    out: W,
    labels: impl Into<LabelView<'a>>,
    metadata: &TiffMetadata,
) -> Result<(), Error> {
    write_labels(out, labels.into(), metadata)
}

fn write_labels<W: Write + Seek>(mut out: W, labels: LabelView<'_>, metadata: &TiffMetadata) -> Result<(), Error> {
    let size = labels.picture_size()?;
    let axes = [("frames", labels.frames()), ("slices", labels.slices())];
    let has_description = labels.frames().is_some() || !metadata.pixel_size.is_empty();
    let header = has_description.then(|| Header::new(metadata, &axes, "", None));
    let is_wide = labels.max() > u32::from(u16::MAX);
    let (pixel, bytes) = if is_wide { (PixelType::GRAY_32, 4) } else { (PixelType::GRAY_16, 2) };
    let mut pages = Pages::new(&mut out, size, pixel, labels.as_slice().len() * bytes, header)?;
    for plane in labels.planes() {
        let plane = plane.labels.as_slice();
        if is_wide {
            pages.write(bytemuck::cast_slice(plane))?;
        } else {
            let narrow: Vec<u16> = plane.iter().map(|&label| label as u16).collect();
            pages.write(bytemuck::cast_slice(&narrow))?;
        }
    }
    Ok(())
}

/// Writes images of one size as a TIFF of 32-bit floats, with one page per channel of each image.
///
/// Its description gives ImageJ, tifffile and this crate the axes: several images are the z-slices of a stack.
///
/// # Errors
/// [`Error::Write`]; [`Error::Output`] if the images differ in size; [`Error::Image`] for samples that are not finite.
pub fn write_images_tiff<W: Write + Seek>(mut out: W, images: &[Image], metadata: &TiffMetadata) -> Result<(), Error> {
    let size = |image: &Image| (image.channels(), image.height(), image.width());
    let first = images.first().map(size).unwrap_or_default();
    let alike = images.iter().all(|image| size(image) == first);
    let (channels, height, width) = first;
    let (Ok(columns), Ok(rows), true) = (u32::try_from(width), u32::try_from(height), alike && width > 0) else {
        let found = format!("{} images, the first of {height} x {width} pixels (height x width)", images.len());
        return Err(Error::Output { found, expected: "images of one size" });
    };
    let axes = [("channels", Some(channels)), ("slices", Some(images.len()))];
    let header = Header::new(
        metadata,
        &axes,
        "hyperstack=true\nmode=grayscale\n",
        page_labels(metadata, channels, images.len()),
    );
    let bytes = images.len() * channels * height * width * size_of::<f32>();
    let mut pages = Pages::new(&mut out, (columns, rows), PixelType::GRAY_FLOAT, bytes, Some(header))?;
    for image in images {
        for channel in 0..channels {
            pages.write(bytemuck::cast_slice(image.to_planes(channel)?.as_slice()))?;
        }
    }
    Ok(())
}

/// Writes pages of 8-bit RGB.
pub(crate) fn write_rgb_pages<W: Write + Seek>(
    mut out: W,
    size: (u32, u32),
    pages: impl ExactSizeIterator<Item = Result<Vec<[u8; 3]>, Error>>,
) -> Result<(), Error> {
    let bytes = pages.len() * size.0 as usize * size.1 as usize * 3;
    let mut written = Pages::new(&mut out, size, PixelType::RGB_8, bytes, None)?;
    for page in pages {
        written.write(page?.as_flattened())?;
    }
    Ok(())
}

/// The names of the channels as a label for each page, the channels of a z-slice one after the other; `None` without names.
fn page_labels(metadata: &TiffMetadata, channels: usize, slices: usize) -> Option<PageLabels> {
    let names = metadata.channel_names.iter().map(String::as_str).chain(std::iter::repeat("")).take(channels);
    let is_named = names.clone().any(|name| !name.is_empty());
    is_named.then(|| PageLabels::new(std::iter::repeat_n(names, slices).flatten()))
}

/// ImageJ's labels of pages, as its private tags hold them: an index, the texts, and the bytes of each.
///
/// Source: ImageJ's `ij/io/TiffEncoder.java`, `writeMetaData`.
struct PageLabels {
    data: Vec<u8>,
    lengths: Vec<u32>,
}

impl PageLabels {
    /// IJMetadataByteCounts and IJMetadata.
    const TAGS: [u16; 2] = [50838, 50839];

    fn new<'t>(labels: impl Iterator<Item = &'t str>) -> Self {
        let texts: Vec<Vec<u8>> = labels.map(|text| text.encode_utf16().flat_map(u16::to_ne_bytes).collect()).collect();
        // Numbers are in the machine's byte order, in which the words of the index are too.
        let index = [u32::from_be_bytes(*b"IJIJ"), u32::from_be_bytes(*b"labl"), texts.len() as u32];
        let mut data = index.map(u32::to_ne_bytes).concat();
        let lengths =
            std::iter::once(data.len()).chain(texts.iter().map(Vec::len)).map(|length| length as u32).collect();
        data.extend(texts.concat());
        Self { data, lengths }
    }
}

/// Description, resolution and labels, which the first page states for all.
struct Header {
    description: String,
    resolution: Option<[[u32; 2]; 2]>,
    labels: Option<PageLabels>,
}

impl Header {
    /// In ImageJ's form: a line for each existing axis, `more`, and the unit.
    ///
    /// Source: ImageJ's `ij/io/FileSaver.java`, `getDescriptionString`.
    fn new(metadata: &TiffMetadata, axes: &[(&str, Option<usize>)], more: &str, labels: Option<PageLabels>) -> Self {
        let images: usize = axes.iter().filter_map(|axis| axis.1).product();
        let mut description = format!("ImageJ=1.53q\nimages={images}\n");
        for (name, length) in axes {
            if let Some(length) = length {
                description += &format!("{name}={length}\n");
            }
        }
        description += more;
        let PixelSize { x, y, z } = metadata.pixel_size;
        if !metadata.pixel_size.is_empty() {
            // ImageJ reads `um` as µm.
            description += "unit=um\n";
        }
        if let Some(z) = z {
            description += &format!("spacing={z}\n");
        }
        let resolution = x.or(y).zip(y.or(x)).map(|(x, y)| [x, y].map(pixels_per_unit));
        Self { description, resolution, labels }
    }
}

/// The inverse of a length, to nine digits, as numerator and denominator.
fn pixels_per_unit(length: f64) -> [u32; 2] {
    let fits = |value: f64| value <= f64::from(u32::MAX);
    let inverse = 1.0 / length;
    if !(length > 0.0 && fits(length) && fits(inverse)) {
        return [1, 1];
    }
    let larger = length.max(inverse);
    let digits = (0..9).rev().map(|power| 10u32.pow(power)).find(|&scale| fits(larger * f64::from(scale)));
    let scale = digits.unwrap_or(1);
    let scaled = (larger * f64::from(scale)).round() as u32;
    if length > inverse { [scale, scaled] } else { [scaled, scale] }
}

/// Pages of one size, of which the first states the header.
struct Pages<'w> {
    writer: PageWriter<'w>,
    header: Option<Header>,
}

impl<'w> Pages<'w> {
    /// Starts a file, a BigTIFF if `bytes` of samples may not fit a classic TIFF.
    fn new(
        out: &'w mut dyn Sink,
        (width, height): (u32, u32),
        pixel: PixelType,
        bytes: usize,
        header: Option<Header>,
    ) -> Result<Self, Error> {
        /// Bytes of samples that leave room below 4 GiB for directories, and for Deflate's overhead on noise.
        const MAX_PLAIN: u64 = 4_000_000_000;
        let writer = PageWriter::new(out, bytes as u64 > MAX_PLAIN, [width, height], pixel).map_err(Error::Write)?;
        Ok(Self { writer, header })
    }

    /// Writes a page of row-major samples.
    fn write(&mut self, samples: &[u8]) -> Result<(), Error> {
        let header = self.header.take();
        let [x, y] = header.as_ref().and_then(|header| header.resolution).unwrap_or([[1, 1]; 2]);
        let mut tags = vec![(X_RESOLUTION, Value::Rational(x)), (Y_RESOLUTION, Value::Rational(y))];
        if let Some(Header { description, labels, .. }) = &header {
            tags.push((IMAGE_DESCRIPTION, Value::Text(description)));
            if let Some(PageLabels { data, lengths }) = labels {
                let [lengths_tag, data_tag] = PageLabels::TAGS;
                tags.extend([(lengths_tag, Value::Long(lengths)), (data_tag, Value::Bytes(data))]);
            }
        }
        self.writer.page(samples, &tags).map_err(Error::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_become_rationals_of_nine_digits() {
        for length in [1.0, 0.325, 3.25, 1e-4, 12_345.678, 650.0, 1.0 / 3.0, 4e9, 2.5e-10] {
            let [n, d] = pixels_per_unit(length);
            let found = f64::from(d) / f64::from(n);
            assert!((found / length - 1.0).abs() < 1e-8, "{length}: {n} / {d}");
        }
        for length in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
            assert_eq!(pixels_per_unit(length)[0], 1);
        }
    }
}
