//! Limits on the memory and work that a file can cause.

use cytoshade_safe_io::{CostLimits, ValueLimits};

use crate::Error;

const GIB: u64 = 1 << 30;

/// Limits on reading a file, checked before memory is reserved. All are inclusive.
///
/// ```
/// use cytoshade_formats::{Limits, ReadOptions};
/// let mut limits = Limits { pixels: 1 << 20, ..Limits::default() };
/// limits.set("decoded-bytes", "16G")?;
/// let small = ReadOptions { limits, ..ReadOptions::default() };
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file in bytes. Default: 1 TiB.
    ///
    /// TIFF and NPY files at a path are read in pieces. Other formats are held in memory while they are read, and also
    /// count towards [`Limits::decoded_bytes`].
    pub file_bytes: u64,
    /// Width of an image in pixels. Default: 1,048,576.
    pub width: u64,
    /// Height of an image in pixels. Default: 1,048,576.
    pub height: u64,
    /// Width x height of an image. Default: 2^30 (a square of 32,768 pixels).
    pub pixels: u64,
    /// Bytes of all decoded samples in memory at one time.
    ///
    /// Default: half of the machine's memory if the system states it (Linux), else 4 GiB (1 GiB with 32-bit addresses).
    pub decoded_bytes: u64,
    /// How often each byte of a TIFF may be decoded on average, if strips and tiles share bytes.
    ///
    /// Default: 1.
    pub reuse: u64,
    /// Decoded bytes of a strip or tile beyond those of its image. Default: 32 MiB.
    pub chunk_bytes: u64,
    /// Bytes of descriptions and tables read before any pixel. Default: 64 MiB.
    pub metadata_bytes: u64,
    /// Pages of a TIFF, planes of its series, or images along the list axis of an array. Default: 16,384.
    pub pages: u64,
    /// Limits of single values in the pickle of a `_seg.npy`.
    ///
    /// A file has some hundreds of opcodes, and up to 8 for each cell of a stack; nesting is up to 7. Its arrays are
    /// byte strings: `string_bytes` and `elements` are 4 GiB by default (1 GiB with 32-bit addresses).
    pub values: ValueLimits,
    /// Limits on the cost of a `_seg.npy`'s values, apart from borrowed data and the masks.
    pub cost: CostLimits,
}

impl Default for Limits {
    fn default() -> Self {
        let bytes = if cfg!(target_pointer_width = "64") { 4 * GIB } else { GIB };
        Self {
            file_bytes: 1 << 40,
            width: 1 << 20,
            height: 1 << 20,
            pixels: GIB,
            decoded_bytes: machine_memory().map_or(bytes, |memory| (memory / 2).max(GIB)),
            reuse: 1,
            chunk_bytes: 32 << 20,
            metadata_bytes: 64 << 20,
            pages: 1 << 14,
            values: ValueLimits { string_bytes: bytes, elements: bytes, ..ValueLimits::default() },
            cost: CostLimits::default(),
        }
    }
}

/// Bytes of memory available to this process: the machine's, or its container's if less.
///
/// `None` unless the system states it.
#[cfg(target_os = "linux")]
pub fn machine_memory() -> Option<u64> {
    let lines = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = lines.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let machine = kib.checked_mul(1 << 10)?;
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|text| text.trim().parse().ok());
    Some(container.map_or(machine, |container: u64| container.min(machine)))
}

/// Bytes of memory available to this process: `None`, since only Linux states it here.
#[cfg(not(target_os = "linux"))]
pub fn machine_memory() -> Option<u64> {
    None
}

macro_rules! named {
    ($($field:ident $(. $inner:ident)?)*) => {
        impl Limits {
            /// The names of the limits, as [`Limits::set`] accepts them.
            pub const NAMES: &[&str] = &[$(concat!(stringify!($field) $(, ".", stringify!($inner))?)),*];

            fn field(&mut self, name: &str) -> Option<&mut u64> {
                match name {
                    $(concat!(stringify!($field) $(, ".", stringify!($inner))?) => Some(&mut self.$field $(.$inner)?),)*
                    _ => None,
                }
            }
        }
    };
}
named! {
    file_bytes width height pixels decoded_bytes reuse chunk_bytes metadata_bytes pages
    values.opcodes values.memo_entries values.nesting values.string_bytes values.key_bytes values.dimensions values.elements
    cost.memory_bytes cost.memory_ratio cost.structure_bytes cost.steps
}

impl Limits {
    /// Sets a limit by name, with `-` or `_` between words.
    ///
    /// `value` is a number: `1000`, `2^33`, `16G` (K, M, G and T are powers of 1,024).
    ///
    /// # Errors
    /// A message that lists the names or explains the number format.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let field = name.replace('-', "_");
        let Some(limit) = self.field(&field) else {
            let names = Self::NAMES.join(", ").replace('_', "-");
            return Err(format!("unknown limit {name:?}; the limits are {names}"));
        };
        *limit = parse_size(value)
            .ok_or_else(|| format!("{value:?} is not a number; expected one such as 1000, 2^33 or 16G (K, M, G, T)"))?;
        Ok(())
    }

    pub(crate) fn check_file(&self, bytes: u64) -> Result<(), Error> {
        check("the file's size in bytes", bytes, self.file_bytes, "file_bytes")
    }

    pub(crate) fn check_metadata(&self, bytes: u64) -> Result<(), Error> {
        check("the size of descriptions and tables in bytes", bytes, self.metadata_bytes, "metadata_bytes")
    }

    pub(crate) fn check_pages(&self, pages: u64) -> Result<(), Error> {
        check("the number of pages", pages, self.pages, "pages")
    }

    /// Also applies the minimum of [`crate::Image`], so that nothing is decoded in vain.
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

/// The budget of decoded samples and of stored bytes to decode.
#[derive(Clone, Debug)]
pub(crate) struct Meter<'l> {
    limits: &'l Limits,
    decoded: u64,
    stored: u64,
}

impl<'l> Meter<'l> {
    pub(crate) fn new(limits: &'l Limits) -> Self {
        Self { limits, decoded: 0, stored: 0 }
    }

    pub(crate) fn limits(&self) -> &'l Limits {
        self.limits
    }

    /// Charges the samples of an image and returns their number. The sides must have been checked.
    pub(crate) fn samples(&mut self, pixels: u64, channels: u64, sample_bytes: usize) -> Result<usize, Error> {
        let samples = pixels.saturating_mul(channels);
        self.bytes(samples.saturating_mul(sample_bytes as u64))?;
        usize::try_from(samples).map_err(|_| Error::Memory { bytes: self.decoded })
    }

    /// Charges bytes held in memory beside the samples.
    pub(crate) fn bytes(&mut self, bytes: u64) -> Result<(), Error> {
        self.decoded = self.decoded.saturating_add(bytes);
        let limit = self.limits.decoded_bytes;
        check("the size of the decoded samples in bytes", self.decoded, limit, "decoded_bytes")
    }

    /// Releases memory that was charged.
    pub(crate) fn free(&mut self, bytes: u64) {
        self.decoded = self.decoded.saturating_sub(bytes);
    }

    /// Charges stored bytes to be decoded, of files with `file_bytes` bytes in total.
    ///
    /// Shared bytes count as often as they are used: otherwise a small file could decode one strip a thousand times.
    pub(crate) fn stored(&mut self, bytes: u64, file_bytes: u64) -> Result<(), Error> {
        self.stored = self.stored.saturating_add(bytes);
        let most = file_bytes.saturating_mul(self.limits.reuse);
        if self.stored <= most {
            return Ok(());
        }
        let found = self.stored.div_ceil(file_bytes.max(1));
        let what = "how often the file's bytes are decoded, since strips or tiles share them,";
        Err(Error::Limit { what, found, limit: self.limits.reuse, field: "reuse" })
    }
}

/// Parses a number as users write it: `1048576`, `2^20`, `1M` or `1MiB`.
///
/// K, M, G and T are powers of 1024.
pub fn parse_size(text: &str) -> Option<u64> {
    if let Some((base, exponent)) = text.split_once('^') {
        return base.trim().parse::<u64>().ok()?.checked_pow(exponent.trim().parse().ok()?);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text.get(digits.len()..)?.to_ascii_uppercase().trim_end_matches('B').trim_end_matches('I') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return None,
    };
    digits.trim().parse::<u64>().ok()?.checked_mul(1 << shift)
}

pub(crate) fn check(what: &'static str, found: u64, limit: u64, field: &'static str) -> Result<(), Error> {
    if found <= limit { Ok(()) } else { Err(Error::Limit { what, found, limit, field }) }
}

/// `count` zeros, or an error if memory is short. The count must have been checked against the limits.
pub(crate) fn zeros<T: Clone + Default>(count: usize) -> Result<Vec<T>, Error> {
    // `vec!` takes memory that the system has already zeroed, but aborts if it fails: hence the trial reservation.
    drop(reserve::<T>(count)?);
    Ok(vec![T::default(); count])
}

/// An empty vector with room for `count` values, or an error if memory is short.
pub(crate) fn reserve<T>(count: usize) -> Result<Vec<T>, Error> {
    let mut values = Vec::new();
    let bytes = (count as u64).saturating_mul(size_of::<T>() as u64);
    values.try_reserve_exact(count).map_err(|_| Error::Memory { bytes })?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_set_by_name() {
        let mut limits = Limits::default();
        for (name, value, expected) in [
            ("pixels", "2^33", 1 << 33),
            ("file-bytes", "16G", 16 << 30),
            ("decoded_bytes", "3MiB", 3 << 20),
            ("pages", "20000", 20_000),
            ("values.key-bytes", "8K", 8 << 10),
        ] {
            limits.set(name, value).unwrap();
            assert_eq!(*limits.field(&name.replace('-', "_")).unwrap(), expected);
        }
        assert!(limits.set("pixel", "1").unwrap_err().contains("decoded-bytes"));
        for wrong in ["", "many", "2^", "2^64", "-1", "1.5G", "99999999T"] {
            assert!(limits.set("pages", wrong).unwrap_err().contains("2^33"), "{wrong}");
        }
    }

    #[test]
    fn memory_that_is_not_there_is_an_error() {
        assert!(matches!(zeros::<u64>(usize::MAX / 16), Err(Error::Memory { .. })));
    }
}
