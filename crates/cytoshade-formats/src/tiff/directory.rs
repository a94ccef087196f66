//! The structure of a TIFF: header, directories, tags.
//!
//! No function reserves memory by a size in the file before checking that the file has as many bytes.
//!
//! Source: TIFF 6.0 (Adobe, 1992), sections 2 and 8; BigTIFF as libtiff writes it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::check;
use crate::source::Source;
use crate::{Error, Format, Limits};

/// More entries than any writer makes.
///
/// Directories may overlap, so a small file could otherwise state many.
const MAX_ENTRIES: u64 = 4096;

/// A tag's number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    NewSubfileType = 254,
    SubfileType = 255,
    ImageWidth = 256,
    ImageLength = 257,
    BitsPerSample = 258,
    Compression = 259,
    Photometric = 262,
    FillOrder = 266,
    ImageDescription = 270,
    StripOffsets = 273,
    SamplesPerPixel = 277,
    RowsPerStrip = 278,
    StripByteCounts = 279,
    #[cfg(feature = "microscopy")]
    XResolution = 282,
    #[cfg(feature = "microscopy")]
    YResolution = 283,
    PlanarConfiguration = 284,
    #[cfg(feature = "fax")]
    T4Options = 292,
    #[cfg(feature = "microscopy")]
    ResolutionUnit = 296,
    Predictor = 317,
    TileWidth = 322,
    TileLength = 323,
    TileOffsets = 324,
    TileByteCounts = 325,
    SubIfds = 330,
    SampleFormat = 339,
    #[cfg(feature = "rare")]
    JpegTables = 347,
    #[cfg(feature = "rare")]
    JpegProc = 512,
    #[cfg(feature = "rare")]
    JpegInterchange = 513,
    #[cfg(feature = "rare")]
    JpegInterchangeLength = 514,
    #[cfg(feature = "rare")]
    JpegRestartInterval = 515,
    #[cfg(feature = "rare")]
    JpegQTables = 519,
    #[cfg(feature = "rare")]
    JpegDcTables = 520,
    #[cfg(feature = "rare")]
    JpegAcTables = 521,
    #[cfg(feature = "rare")]
    YCbCrSubSampling = 530,
    #[cfg(feature = "microscopy")]
    Uic1 = 33628,
    #[cfg(feature = "microscopy")]
    Uic2 = 33629,
    CzLsmInfo = 34412,
    #[cfg(feature = "microscopy")]
    IjMetadataByteCounts = 50838,
    #[cfg(feature = "microscopy")]
    IjMetadata = 50839,
}

/// The whole file, and the storage of its numbers.
#[derive(Debug)]
pub(crate) struct File<'a> {
    pub(super) source: Source<'a>,
    pub(super) big_endian: bool,
    /// BigTIFF: offsets and counts have 8 bytes.
    big: bool,
    /// Bytes of tag values read so far; shared bytes count on each read.
    read: AtomicU64,
    metadata_bytes: u64,
}

impl<'a> File<'a> {
    /// `source` must start with one of the magic numbers of [`Format::detect`].
    pub(super) fn new(source: Source<'a>, limits: &Limits) -> Result<Self, Error> {
        let mut start = [0; 4];
        source.check(Format::Tiff, 0, 4, "the header")?;
        source.read(0, &mut start)?;
        let big_endian = start.first() == Some(&b'M');
        let big = start.contains(&0x2b);
        Ok(Self { source, big_endian, big, read: AtomicU64::new(0), metadata_bytes: limits.metadata_bytes })
    }

    /// The directories, in the order of the file.
    pub(super) fn directories(&self, limits: &Limits) -> Result<Vec<Directory<'_, 'a>>, Error> {
        let mut next = if self.big { self.number(8, 8, "the header")? } else { self.number(4, 4, "the header")? };
        let mut directories = Vec::new();
        let mut seen = HashSet::new();
        let mut bytes = 0;
        while next != 0 {
            if !seen.insert(next) {
                return Err(damaged("its pages are chained in a loop, expected an end"));
            }
            limits.check_pages(seen.len() as u64)?;
            let (directory, after) = self.directory(next)?;
            // Overlapping directories count on each read.
            bytes += directory.entries.len() as u64;
            if bytes > self.source.len() {
                return Err(damaged("its pages' directories overlap"));
            }
            directories.push(directory);
            next = after;
        }
        if directories.is_empty() {
            return Err(damaged("it holds no page, expected at least one"));
        }
        Ok(directories)
    }

    fn directory(&self, at: u64) -> Result<(Directory<'_, 'a>, u64), Error> {
        const WHAT: &str = "a page's directory";
        let (count_bytes, entry_bytes, offset_bytes) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.number(at, count_bytes, WHAT)?;
        if count > MAX_ENTRIES {
            return Err(damaged(format!("{WHAT} has {count} entries, expected at most {MAX_ENTRIES}")));
        }
        let start = at.saturating_add(count_bytes);
        let entries = self.source.slice(Format::Tiff, start, count * entry_bytes, WHAT)?;
        let next = self.number(start.saturating_add(count * entry_bytes), offset_bytes, WHAT)?;
        Ok((Directory { file: self, start, entries }, next))
    }

    fn number(&self, offset: u64, length: u64, what: &str) -> Result<u64, Error> {
        Ok(self.unsigned(&self.source.slice(Format::Tiff, offset, length, what)?))
    }

    pub(super) fn unsigned(&self, bytes: &[u8]) -> u64 {
        let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        if self.big_endian { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) }
    }

    /// The bytes of a tag's values.
    pub(super) fn bytes(&self, values: Values) -> Result<Cow<'_, [u8]>, Error> {
        let read = self.read.fetch_add(values.length(), Ordering::Relaxed).saturating_add(values.length());
        check("the size of descriptions and tables in bytes", read, self.metadata_bytes, "metadata_bytes")?;
        let what = format_args!("the value of tag {}", values.tag);
        self.source.slice(Format::Tiff, values.offset, values.length(), what)
    }

    /// The first `count` unsigned integers of a tag's values.
    pub(super) fn numbers(&self, values: Values, count: u64) -> Result<Vec<u64>, Error> {
        let values = Values { count: values.count.min(count), ..values };
        Ok(self.integers(values, &self.bytes(values)?))
    }

    /// The first `count` offsets or sizes of strips and tiles. The caller has charged their memory.
    pub(super) fn list(&self, values: Values, count: u64) -> Result<Vec<u64>, Error> {
        let values = Values { count: values.count.min(count), ..values };
        let what = format_args!("the list of tag {}", values.tag);
        Ok(self.integers(values, &self.source.slice(Format::Tiff, values.offset, values.length(), what)?))
    }

    fn integers(&self, values: Values, bytes: &[u8]) -> Vec<u64> {
        let size = values.value_bytes().max(1) as usize;
        bytes.chunks_exact(size).map(|bytes| self.unsigned(bytes)).collect()
    }

    /// The first value of a tag as a number: an integer, a fraction or a float.
    #[cfg(feature = "microscopy")]
    pub(super) fn real(&self, values: Values) -> Option<f64> {
        let bytes = self.bytes(Values { count: values.count.min(1), ..values }).ok()?;
        match (values.kind, &bytes[..]) {
            (5, fraction) => {
                let (numerator, denominator) = fraction.split_at_checked(4)?;
                Some(self.unsigned(numerator) as f64 / self.unsigned(denominator) as f64)
            }
            (11, float) => Some(f32::from_bits(self.unsigned(float) as u32).into()),
            (12, float) => Some(f64::from_bits(self.unsigned(float))),
            (1 | 3 | 4 | 16, integer) => Some(self.unsigned(integer) as f64),
            _ => None,
        }
    }

    /// Text in a tag's values, up to the first zero byte.
    pub(super) fn text(&self, values: Values, limits: &Limits) -> Result<String, Error> {
        limits.check_metadata(values.length())?;
        let bytes = self.bytes(values)?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        Ok(String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned())
    }
}

/// The position of a tag's values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    pub(super) tag: u16,
    pub(super) kind: u16,
    pub(super) count: u64,
    pub(super) offset: u64,
}

impl Values {
    fn value_bytes(self) -> u64 {
        match self.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16..=18 => 8,
            _ => 0,
        }
    }

    pub(super) fn length(self) -> u64 {
        self.count.saturating_mul(self.value_bytes())
    }
}

/// The tags of one page.
pub(super) struct Directory<'f, 'a> {
    pub(super) file: &'f File<'a>,
    /// Offset of the entries.
    start: u64,
    entries: Cow<'f, [u8]>,
}

impl Directory<'_, '_> {
    /// The position of a tag's values; of the first, if the tag is repeated.
    pub(super) fn values(&self, tag: Tag) -> Result<Option<Values>, Error> {
        Ok(self.all_values(tag)?.next())
    }

    /// The positions of all values of a tag that may be repeated.
    pub(super) fn all_values(&self, tag: Tag) -> Result<impl Iterator<Item = Values> + use<>, Error> {
        let (entry_bytes, count_bytes) = if self.file.big { (20, 8) } else { (12, 4) };
        let number = |entry: &[u8], range| entry.get(range).map_or(0, |bytes| self.file.unsigned(bytes));
        let mut found = Vec::new();
        for (index, entry) in self.entries.chunks_exact(entry_bytes).enumerate() {
            if number(entry, 0..2) != tag as u64 {
                continue;
            }
            let (kind, count) = (number(entry, 2..4) as u16, number(entry, 4..4 + count_bytes));
            let tag = tag as u16;
            let mut values = Values { tag, kind, count, offset: 0 };
            if values.value_bytes() == 0 {
                return Err(damaged(format!("tag {tag} has the value type {kind}, expected 1 to 13 or 16 to 18")));
            }
            let field = 4 + count_bytes;
            let is_inline = values.length() <= count_bytes as u64;
            values.offset = if is_inline {
                self.start + (index * entry_bytes + field) as u64
            } else {
                number(entry, field..field + count_bytes)
            };
            let what = format_args!("the value of tag {tag}");
            self.file.source.check(Format::Tiff, values.offset, values.length(), what)?;
            found.push(values);
        }
        Ok(found.into_iter())
    }

    /// The position of a tag's unsigned integers.
    pub(super) fn integers(&self, tag: Tag) -> Result<Option<Values>, Error> {
        match self.values(tag)? {
            // BYTE, SHORT, LONG, IFD, LONG8, IFD8
            Some(Values { kind: 1 | 3 | 4 | 13 | 16 | 18, .. }) | None => self.values(tag),
            Some(Values { kind, .. }) => {
                Err(damaged(format!("tag {} has the value type {kind}, expected an unsigned integer", tag as u16)))
            }
        }
    }

    /// The unsigned integer of a tag; several must be equal.
    pub(super) fn number(&self, tag: Tag) -> Result<Option<u64>, Error> {
        let Some(values) = self.integers(tag)? else { return Ok(None) };
        // One for each sample of a pixel; there are no more.
        let numbers = self.file.numbers(values, u64::from(u16::MAX))?;
        let Some(&first) = numbers.first() else {
            return Err(damaged(format!("tag {} has no value, expected one", tag as u16)));
        };
        match numbers.iter().find(|other| **other != first) {
            None => Ok(Some(first)),
            Some(other) => Err(Error::unsupported(
                Format::Tiff,
                format!("samples of different kinds (tag {}: {first} and {other})", tag as u16),
                "the same for all samples of a pixel",
            )),
        }
    }

    /// [`Directory::number`] for tags that every page must have.
    pub(super) fn require(&self, tag: Tag, name: &str) -> Result<u64, Error> {
        self.number(tag)?.ok_or_else(|| damaged(format!("a page does not state its {name} (tag {})", tag as u16)))
    }
}

pub(super) fn damaged(what: impl Into<String>) -> Error {
    Error::damaged(Format::Tiff, what)
}
