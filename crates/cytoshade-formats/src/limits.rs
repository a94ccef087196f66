//! How much a file may make the reader take in.

use crate::Error;

const GIB: u64 = 1 << 30;

/// What a file may make the reader take in, checked before memory is reserved. All are inclusive.
///
/// ```
/// use cytoshade_formats::{Limits, ReadOptions};
/// let small = ReadOptions { limits: Limits { pixels: 1 << 20, ..Limits::default() }, ..ReadOptions::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file in bytes. Default: 4 GiB (1 GiB where addresses have 32 bits). The file is held in memory
    /// while it is read.
    pub file_bytes: u64,
    /// Width of an image in pixels. Default: 1,048,576.
    pub width: u64,
    /// Height of an image in pixels. Default: 1,048,576.
    pub height: u64,
    /// Width x height of an image. Default: 2^30 (a square of 32,768 pixels).
    pub pixels: u64,
    /// Bytes of all decoded samples of all images of the file together. Default: 4 GiB (1 GiB where addresses have
    /// 32 bits).
    pub decoded_bytes: u64,
    /// Bytes of decoded samples for each byte of the file, beyond the first 64 MiB of them. Default: 100. Pictures
    /// shrink to a half or a tenth; what shrinks to a thousandth is blank, or made to fill the memory.
    pub expansion: u64,
    /// Pages of a TIFF, or images along the list axis of an array. Default: 16,384.
    pub pages: u64,
    /// Opcodes of a `_seg.npy`'s pickle. Default: 2^19; a file has some hundreds, and up to 8 for each cell of a stack.
    pub pickle_steps: u64,
    /// Entries of its memo. Default: 2^18.
    pub memo_entries: u64,
    /// Things inside of things in it. Default: 64; Cellpose's files have up to 7.
    pub nesting: u64,
    /// Bytes of a string or of an array's data in it, which stay in the file's bytes. Default: 4 GiB (1 GiB where
    /// addresses have 32 bits).
    pub string_bytes: u64,
    /// Dimensions of an array in it. Default: 8.
    pub dimensions: u64,
    /// Elements of an array in it. Default: 2^32 (2^30 where addresses have 32 bits).
    pub elements: u64,
    /// Bytes of memory that its values take beside what stays in the file, masks aside. Default: 2 GiB (1 GiB where
    /// addresses have 32 bits).
    pub memory_bytes: u64,
    /// The same for each byte of the file, beyond the first 16 MiB. Default: 8.
    pub memory_ratio: u64,
}

/// Bytes of decoded samples that every file may have, however small it is: a blank image compresses very well.
const FREE: u64 = 64 << 20;

impl Default for Limits {
    fn default() -> Self {
        let bytes = if cfg!(target_pointer_width = "64") { 4 * GIB } else { GIB };
        Self {
            file_bytes: bytes,
            width: 1 << 20,
            height: 1 << 20,
            pixels: GIB,
            decoded_bytes: bytes,
            expansion: 100,
            pages: 1 << 14,
            pickle_steps: 1 << 19,
            memo_entries: 1 << 18,
            nesting: 64,
            string_bytes: bytes,
            dimensions: 8,
            elements: bytes,
            memory_bytes: bytes.min(2 * GIB),
            memory_ratio: 8,
        }
    }
}

impl Limits {
    pub(crate) fn check_file(&self, bytes: u64) -> Result<(), Error> {
        check("the file's size in bytes", bytes, self.file_bytes, "file_bytes")
    }

    /// Those of a pickle in a file of so many bytes, under the same names.
    pub(crate) fn pickle(&self, file_bytes: u64) -> cytoshade_pickle::Limits {
        /// What every file may cost, however small it is.
        const FREE: u64 = 16 << 20;
        let &Self { pickle_steps, memo_entries, nesting, string_bytes, dimensions, elements, .. } = self;
        let memory_bytes = self.memory_bytes.min(file_bytes.saturating_mul(self.memory_ratio).saturating_add(FREE));
        cytoshade_pickle::Limits {
            pickle_steps,
            memo_entries,
            nesting,
            string_bytes,
            dimensions,
            elements,
            memory_bytes,
        }
    }

    pub(crate) fn check_pages(&self, pages: u64) -> Result<(), Error> {
        check("the number of pages", pages, self.pages, "pages")
    }

    /// Also refuses what [`crate::Image`] would refuse after the decoding, so that nothing is decoded in vain.
    pub(crate) fn check_sides(&self, width: u64, height: u64) -> Result<(), Error> {
        if width < 2 || height < 2 {
            let side = |n| usize::try_from(n).unwrap_or(usize::MAX);
            return Err(cytoshade_core::Error::ImageTooSmall { height: side(height), width: side(width) }.into());
        }
        check("the image's width in pixels", width, self.width, "width")?;
        check("the image's height in pixels", height, self.height, "height")?;
        check("the image's number of pixels", width.saturating_mul(height), self.pixels, "pixels")
    }
}

/// The decoded samples that a file may still have.
pub(crate) struct DecodeBudget<'l> {
    limits: &'l Limits,
    file_bytes: u64,
    used: u64,
}

impl<'l> DecodeBudget<'l> {
    pub(crate) fn new(limits: &'l Limits, file: &[u8]) -> Self {
        Self { limits, file_bytes: file.len() as u64, used: 0 }
    }

    /// Gives the number of samples of an image if its bytes and those of the images before it are within the limits.
    /// The sides must have been checked.
    pub(crate) fn take(&mut self, pixels: u64, channels: u64, sample_bytes: usize) -> Result<usize, Error> {
        let samples = pixels.saturating_mul(channels);
        self.used = self.used.saturating_add(samples.saturating_mul(sample_bytes as u64));
        let used = self.used;
        let Limits { decoded_bytes, expansion, .. } = *self.limits;
        check("the size of the decoded samples in bytes", used, decoded_bytes, "decoded_bytes")?;
        if used > self.file_bytes.saturating_mul(expansion).saturating_add(FREE) {
            let found = used / self.file_bytes.max(1);
            return Err(Error::Limit {
                what: "the size of the decoded samples for each byte of the file",
                found,
                limit: expansion,
                field: "expansion",
            });
        }
        usize::try_from(samples).map_err(|_| Error::Memory { bytes: used })
    }
}

fn check(what: &'static str, found: u64, limit: u64, field: &'static str) -> Result<(), Error> {
    if found <= limit { Ok(()) } else { Err(Error::Limit { what, found, limit, field }) }
}

/// `count` zeros, or an error where there is no memory for them. To be called once the count is known to be within the
/// limits and in proportion to the bytes that are there.
pub(crate) fn zeros<T: Clone + Default>(count: usize) -> Result<Vec<T>, Error> {
    let mut values = reserve(count)?;
    values.resize(count, T::default());
    Ok(values)
}

/// Room for `count` values, or an error if there is no memory for them.
pub(crate) fn reserve<T>(count: usize) -> Result<Vec<T>, Error> {
    let mut values = Vec::new();
    let bytes = (count as u64).saturating_mul(size_of::<T>() as u64);
    values.try_reserve_exact(count).map_err(|_| Error::Memory { bytes })?;
    Ok(values)
}
