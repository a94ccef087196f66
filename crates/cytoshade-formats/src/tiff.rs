//! TIFF: reading pages as images, writing labels.
//!
//! Reading is our own, since the `tiff` crate refuses palette images (which ImageJ writes for plain microscopy),
//! inverts and drops samples that the reference keeps, and reserves memory by the counts that a file states. The
//! decompression, and the writing, are left to crates.

use std::io::{Seek, Write};

use cytoshade_core::Sample;
use half::f16;
use tiff::{
    TiffError,
    encoder::{Compression, DeflateLevel, TiffEncoder, colortype},
};

use crate::{
    Error, Format, Image, LabelVolume, Labels, Pages, ReadOptions,
    limits::{DecodeBudget, zeros},
    read::MAX_AUTO_CHANNELS,
    sample::{self, StoredSample, Wrap},
};

mod decode;
mod directory;
mod layout;
mod page;

use directory::{Directory, File};
use page::{Kind, Page};

/// Reads all pages, grouped as `options.pages` says.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Vec<Image>, Error> {
    let directories = File::new(bytes).directories(&options.limits)?;
    let description = directories.first().map_or_else(|| Ok(String::new()), Directory::description)?;
    let pages =
        directories.iter().map(|directory| Page::new(directory, &options.limits)).collect::<Result<Vec<_>, _>>()?;
    if let Some(images) = layout::images_without_pages(&description, pages.len()) {
        return Err(Error::unsupported(
            Format::Tiff,
            format!("{images} or more images, but only {} in its list of pages", pages.len()),
            "a page for each image",
        ));
    }
    let mut room = DecodeBudget::new(&options.limits, bytes);
    let mut stored = 0;
    groups(&pages, &description, options.pages)
        .iter()
        .map(|group| {
            let pages: Vec<_> = group.iter().filter_map(|&index| Some((index, pages.get(index)?))).collect();
            // Else a small file could show one strip a thousand times.
            stored = pages.iter().try_fold(stored, |sum, (_, page)| Ok::<_, Error>(sum + decode::check(page)?))?;
            if stored > bytes.len() as u64 {
                return Err(directory::damaged(format!(
                    "its strips or tiles overlap: they have {stored} bytes, but the file has {}",
                    bytes.len()
                )));
            }
            image(&pages, &mut room)
        })
        .collect()
}

/// For every image the indices of its pages.
fn groups(pages: &[Page<'_>], description: &str, mode: Pages) -> Vec<Vec<usize>> {
    let list = || (0..pages.len()).map(|index| vec![index]).collect();
    let one = || vec![(0..pages.len()).collect()];
    let Some(first) = pages.first() else { return Vec::new() };
    match mode {
        Pages::List => list(),
        Pages::Channels => one(),
        Pages::Stack => layout::from_description(description, pages.len(), first.shape.samples)
            .or_else(|| layout::from_shape(description, pages.len()))
            .unwrap_or_else(list),
        Pages::Auto => layout::from_description(description, pages.len(), first.shape.samples).unwrap_or_else(|| {
            let few = pages.len() <= MAX_AUTO_CHANNELS && first.shape.samples == 1;
            if few && pages.iter().all(|page| page.shape == first.shape) { one() } else { list() }
        }),
    }
}

/// One image from the pages that are its channels.
fn image(pages: &[(usize, &Page<'_>)], room: &mut DecodeBudget<'_>) -> Result<Image, Error> {
    let Some((first_index, first)) = pages.first() else { return Err(cytoshade_core::Error::NoChannels.into()) };
    let shape = first.shape;
    for (index, page) in pages {
        if page.shape != shape {
            return Err(Error::PagesDiffer {
                page: index + 1,
                found: page.shape.to_string(),
                first: first_index + 1,
                expected: shape.to_string(),
            });
        }
    }
    match (shape.kind, shape.bits) {
        (Kind::Unsigned, 1..=8) => planes::<u8>(pages, room, u8::samples),
        (Kind::Unsigned, 9..=16) => planes::<u16>(pages, room, u16::samples),
        (Kind::Unsigned, 32) => planes::<u32>(pages, room, u32::samples),
        (Kind::Unsigned, 64) => planes::<u64>(pages, room, u64::samples),
        (Kind::Signed, 8) => planes::<u8>(pages, room, sample::signed8),
        (Kind::Signed, 16) => planes::<u16>(pages, room, sample::signed16),
        (Kind::Signed, 32) => planes::<u32>(pages, room, sample::signed32),
        (Kind::Signed, 64) => planes::<u64>(pages, room, sample::signed64),
        (Kind::Float, 16) => planes::<f16>(pages, room, f32::samples),
        (Kind::Float, 32) => planes::<u32>(pages, room, sample::float32),
        (Kind::Float, 64) => planes::<u64>(pages, room, sample::float64),
        (kind, bits) => {
            let kind = if kind == Kind::Float { "float" } else { "integer" };
            Err(Error::unsupported(
                Format::Tiff,
                format!("{bits}-bit {kind} samples"),
                "unsigned integers of 1 to 16, 32 or 64 bits, signed of 8, 16, 32 or 64, or floats of 16, 32 or 64",
            ))
        }
    }
}

fn planes<T: StoredSample>(
    pages: &[(usize, &Page<'_>)],
    room: &mut DecodeBudget<'_>,
    wrap: Wrap<T>,
) -> Result<Image, Error> {
    let Some((_, first)) = pages.first() else { return Err(cytoshade_core::Error::NoChannels.into()) };
    let shape = first.shape;
    let pixels = shape.width as u64 * shape.height as u64;
    let channels = shape.samples as u64 * pages.len() as u64;
    let count = room.take(pixels, channels, size_of::<T::Value>())?;
    let mut samples = zeros(count)?;
    let of_page = (count / pages.len()).max(1);
    for ((_, page), out) in pages.iter().zip(samples.chunks_exact_mut(of_page)) {
        decode::decode::<T>(page, out)?;
    }
    Ok(Image::from_samples(wrap(samples), shape.samples * pages.len(), shape.height, shape.width)?)
}

/// Writes labels as a TIFF of one page: 16-bit unsigned, 32-bit past label 65,535, compressed with Deflate.
/// ImageJ, tifffile and the reference read it.
///
/// # Errors
/// [`Error::Write`]; [`Error::Output`] where the labels have no pixels.
pub fn write_labels_tiff<W: Write + Seek>(out: W, labels: &Labels) -> Result<(), Error> {
    let (width, height) = crate::labels_size(labels)?;
    write_pages(out, width, height, labels.as_slice())
}

/// Writes the labels of a stack as a TIFF of one page a layer, otherwise as [`write_labels_tiff`].
///
/// # Errors
/// As [`write_labels_tiff`].
pub fn write_label_volume_tiff<W: Write + Seek>(out: W, labels: &LabelVolume) -> Result<(), Error> {
    let (width, height) = crate::labels_size(&labels.slice(0))?;
    write_pages(out, width, height, labels.as_slice())
}

/// Writes images of one size as a TIFF of 32-bit floats, one page for each channel of each, with a description in which
/// ImageJ, tifffile and this crate find the axes: layers of a stack where there are several.
///
/// # Errors
/// [`Error::Write`]; [`Error::Output`] where the images differ in size; [`Error::Image`] for samples that are not finite.
pub fn write_images_tiff<W: Write + Seek>(out: W, images: &[Image]) -> Result<(), Error> {
    let size = |image: &Image| (image.channels(), image.height(), image.width());
    let first = images.first().map(size).unwrap_or_default();
    let alike = images.iter().all(|image| size(image) == first);
    let (channels, height, width) = first;
    let (Ok(columns), Ok(rows), true) = (u32::try_from(width), u32::try_from(height), alike && width > 0) else {
        let found = format!("{} images, the first of {height} x {width} pixels (height x width)", images.len());
        return Err(Error::Output { found, expected: "images of one size" });
    };
    let (pages, slices) = (channels * images.len(), images.len());
    let description = format!(
        "ImageJ=1.53q\nimages={pages}\nchannels={channels}\nslices={slices}\nhyperstack=true\nmode=grayscale\n"
    );
    let mut encoder =
        TiffEncoder::new(out).map_err(write_error)?.with_compression(Compression::Deflate(DeflateLevel::Balanced));
    for (index, image) in images.iter().enumerate() {
        for channel in 0..channels {
            let plane = image.to_planes(channel)?;
            let mut page = encoder.new_image::<colortype::Gray32Float>(columns, rows).map_err(write_error)?;
            if index == 0 && channel == 0 {
                page.encoder()
                    .write_tag(tiff::tags::Tag::ImageDescription, description.as_str())
                    .map_err(write_error)?;
            }
            page.write_data(plane.as_slice()).map_err(write_error)?;
        }
    }
    Ok(())
}

fn write_pages<W: Write + Seek>(out: W, width: u32, height: u32, labels: &[u32]) -> Result<(), Error> {
    let mut encoder =
        TiffEncoder::new(out).map_err(write_error)?.with_compression(Compression::Deflate(DeflateLevel::Balanced));
    let wide = labels.iter().any(|&label| label > u32::from(u16::MAX));
    for page in labels.chunks_exact(width as usize * height as usize) {
        if wide {
            encoder.write_image::<colortype::Gray32>(width, height, page)
        } else {
            let narrow: Vec<u16> = page.iter().map(|&label| label as u16).collect();
            encoder.write_image::<colortype::Gray16>(width, height, &narrow)
        }
        .map_err(write_error)?;
    }
    Ok(())
}

fn write_error(error: TiffError) -> Error {
    Error::Write(match error {
        TiffError::IoError(error) => error,
        other => std::io::Error::other(other),
    })
}
