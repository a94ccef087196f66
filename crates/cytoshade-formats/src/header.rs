//! The images that a file holds, by its header: no samples are decoded.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use crate::image_file::picture_series;
use crate::items::items;
use crate::limits::Meter;
use crate::picture::{Allowed, jpeg, png};
use crate::source::Source;
use crate::{Error, Format, ImageFile, Item, ReadOptions};

/// The images that a file holds.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Header {
    /// The images and stacks of the selection, in order: at least one.
    pub items: Vec<Item>,
    /// The other files of the set that OME-XML describes, each once.
    pub siblings: Vec<PathBuf>,
}

/// Reads the header of the file at `path`, and checks its images against the limits.
///
/// Quick for TIFF, NPY, PNG and JPEG, whose samples are not decoded; files of the other formats are read whole.
///
/// # Errors
/// As [`ImageFile::open`], [`ImageFile::items`] and [`ImageFile::check`]. Damaged samples are only found when they are
/// read.
pub fn read_header(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Header, Error> {
    let path = path.as_ref();
    if let Some(items) = picture_items(path, options)? {
        return Ok(Header { items, siblings: Vec::new() });
    }
    let file = ImageFile::open(path, options)?;
    let items = file.items(&options.selection)?;
    items.iter().try_for_each(|item| file.check(item))?;
    let mut siblings: Vec<PathBuf> = file.siblings().map(Path::to_path_buf).collect();
    siblings.sort_unstable();
    siblings.dedup();
    Ok(Header { items, siblings })
}

/// The items of a PNG or JPEG; `None` for another format.
fn picture_items(path: &Path, options: &ReadOptions) -> Result<Option<Vec<Item>>, Error> {
    /// Bytes of a PNG up to the end of its first chunk, which states the size.
    const PNG_HEADER: u64 = 33;
    let file = cytoshade_safe_io::open(path, cytoshade_safe_io::Links::Follow).map_err(Error::Read)?;
    let length = file.metadata().map_err(Error::Read)?.len();
    options.limits.check_file(length)?;
    let source = Source::File { file, length };
    let start = source.slice(Format::Png, 0, length.min(PNG_HEADER), "the header")?;
    let Some(format @ (Format::Png | Format::Jpeg)) = Format::detect(&start) else { return Ok(None) };
    // A full read holds the file in memory.
    crate::limits::check("the file's size in bytes", length, options.limits.decoded_bytes, "decoded_bytes")?;
    let (height, width, samples, sample_type) =
        if format == Format::Png { png::size(&start)? } else { jpeg::size(&source.whole(format)?)? };
    let meter = RefCell::new(Meter::new(&options.limits));
    let pixel_bytes = samples * sample_type.bits / 8;
    Allowed::Metered(&meter).check(format, width as u64, height as u64, pixel_bytes as u64)?;
    let series = [picture_series([height, width], png::opaque(samples), sample_type)];
    items(&series, &options.selection, &options.limits).map(Some)
}
