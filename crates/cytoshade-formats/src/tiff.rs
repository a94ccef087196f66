//! TIFF: reading pages as images, and writing.
//!
//! Reading is our own, since the `tiff` crate refuses palette images (which ImageJ writes for plain microscopy),
//! inverts and drops samples that the reference keeps, and reserves memory by the counts that a file states. The
//! decompression, and the writing, are left to crates.

use cytoshade_core::Sample;
use half::f16;

use crate::{
    Error, Format, Image, Pages, ReadOptions,
    limits::{DecodeBudget, zeros},
    options::MAX_AUTO_CHANNELS,
    sample::{self, StoredSample, Wrap},
};

mod decode;
mod directory;
mod layout;
mod page;
mod write;

use directory::{Directory, File};
use page::{Kind, Page};
pub(crate) use write::write_rgb_pages;
pub use write::{PixelSize, TiffMetadata, write_images_tiff, write_labels_tiff, write_labels_tiff_with};

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
