//! The outer shape of a TIFF: header, directories, tags. Nothing here reserves memory by what the file states: a
//! directory, an entry, an array of numbers are slices of the file's own bytes.
//!
//! Source: TIFF 6.0 (Adobe, 1992), sections 2 and 8; BigTIFF as libtiff writes it.

use std::{collections::HashSet, fmt};

use crate::{Error, Format, Limits};

/// More entries than any writer makes; directories may overlap, so that a small file could state a great many.
const MAX_ENTRIES: u64 = 4096;

/// A tag's number.
#[derive(Clone, Copy)]
pub(super) enum Tag {
    NewSubfileType = 254,
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
    PlanarConfiguration = 284,
    Predictor = 317,
    TileWidth = 322,
    TileLength = 323,
    TileOffsets = 324,
    TileByteCounts = 325,
    SampleFormat = 339,
}

/// The whole file, and how its numbers are stored.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    bytes: &'a [u8],
    pub(super) big_endian: bool,
    /// BigTIFF: offsets and counts have 8 bytes.
    big: bool,
}

impl<'a> File<'a> {
    /// `bytes` must start with one of the magic numbers of [`Format::detect`].
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let big_endian = bytes.first() == Some(&b'M');
        let version = bytes.get(if big_endian { 3 } else { 2 });
        Self { bytes, big_endian, big: version == Some(&0x2b) }
    }

    /// The directories in the order of the file, without those that hold a smaller copy of another page.
    pub(super) fn directories(&self, limits: &Limits) -> Result<Vec<Directory<'a>>, Error> {
        let mut next = if self.big { self.number(8, 8, "the header")? } else { self.number(4, 4, "the header")? };
        let (mut full_size, mut reduced) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        while next != 0 {
            if !seen.insert(next) {
                return Err(damaged("its pages are chained in a loop, expected an end"));
            }
            limits.check_pages(seen.len() as u64)?;
            let (directory, after) = self.directory(next)?;
            let is_reduced = directory.number(Tag::NewSubfileType)?.unwrap_or(0) & 1 == 1;
            if is_reduced { &mut reduced } else { &mut full_size }.push(directory);
            next = after;
        }
        let directories = if full_size.is_empty() { reduced } else { full_size };
        if directories.is_empty() {
            return Err(damaged("it holds no page, expected at least one"));
        }
        Ok(directories)
    }

    fn directory(&self, at: u64) -> Result<(Directory<'a>, u64), Error> {
        const WHAT: &str = "a page's directory";
        let (count_bytes, entry_bytes, offset_bytes) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.number(at, count_bytes, WHAT)?;
        if count > MAX_ENTRIES {
            return Err(damaged(format!("{WHAT} has {count} entries, expected at most {MAX_ENTRIES}")));
        }
        let start = at.saturating_add(count_bytes);
        let entries = self.slice(start, count * entry_bytes, WHAT)?;
        let next = self.number(start.saturating_add(count * entry_bytes), offset_bytes, WHAT)?;
        Ok((Directory { file: *self, entries }, next))
    }

    /// `length` bytes from `offset`.
    pub(super) fn slice(&self, offset: u64, length: u64, what: impl fmt::Display) -> Result<&'a [u8], Error> {
        let range =
            usize::try_from(offset).ok().zip(offset.checked_add(length).and_then(|end| usize::try_from(end).ok()));
        range.and_then(|(start, end)| self.bytes.get(start..end)).ok_or_else(|| {
            damaged(format!(
                "{what} takes {length} bytes from byte {offset}, but the file has only {} bytes",
                self.bytes.len()
            ))
        })
    }

    fn number(&self, offset: u64, length: u64, what: &str) -> Result<u64, Error> {
        Ok(self.unsigned(self.slice(offset, length, what)?))
    }

    fn unsigned(&self, bytes: &[u8]) -> u64 {
        let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        if self.big_endian { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) }
    }
}

/// The raw values of a tag.
struct Entry<'a> {
    kind: u64,
    value_bytes: usize,
    data: &'a [u8],
}

/// One page's tags.
#[derive(Clone, Copy)]
pub(super) struct Directory<'a> {
    pub(super) file: File<'a>,
    entries: &'a [u8],
}

impl<'a> Directory<'a> {
    fn entry(&self, tag: Tag) -> Result<Option<Entry<'a>>, Error> {
        let (entry_bytes, count_bytes) = if self.file.big { (20, 8) } else { (12, 4) };
        let number = |entry: &[u8], range| entry.get(range).map_or(0, |bytes| self.file.unsigned(bytes));
        let Some(entry) = self.entries.chunks_exact(entry_bytes).find(|entry| number(entry, 0..2) == tag as u64) else {
            return Ok(None);
        };
        let (kind, count) = (number(entry, 2..4), number(entry, 4..4 + count_bytes));
        let Some(size) = value_bytes(kind) else {
            return Err(damaged(format!("tag {} has the value type {kind}, expected 1 to 13 or 16 to 18", tag as u16)));
        };
        let length = count.saturating_mul(size as u64);
        let field = entry.get(4 + count_bytes..).unwrap_or_default();
        let data = match usize::try_from(length).ok().and_then(|length| field.get(..length)) {
            Some(inline) => inline,
            None => {
                self.file.slice(self.file.unsigned(field), length, format_args!("the value of tag {}", tag as u16))?
            }
        };
        Ok(Some(Entry { kind, value_bytes: size, data }))
    }

    /// The unsigned integers of a tag.
    pub(super) fn numbers(&self, tag: Tag) -> Result<Option<Numbers<'a>>, Error> {
        match self.entry(tag)? {
            None => Ok(None),
            // BYTE, SHORT, LONG, IFD, LONG8, IFD8
            Some(Entry { kind: 1 | 3 | 4 | 13 | 16 | 18, value_bytes, data }) => {
                Ok(Some(Numbers { file: self.file, data, value_bytes }))
            }
            Some(Entry { kind, .. }) => {
                Err(damaged(format!("tag {} has the value type {kind}, expected an unsigned integer", tag as u16)))
            }
        }
    }

    /// The one unsigned integer of a tag; where there are several, they must agree.
    pub(super) fn number(&self, tag: Tag) -> Result<Option<u64>, Error> {
        let Some(numbers) = self.numbers(tag)? else { return Ok(None) };
        let Some(first) = numbers.get(0) else {
            return Err(damaged(format!("tag {} has no value, expected one", tag as u16)));
        };
        match numbers.iter().find(|other| *other != first) {
            None => Ok(Some(first)),
            Some(other) => Err(Error::unsupported(
                Format::Tiff,
                format!("samples of different kinds (tag {}: {first} and {other})", tag as u16),
                "the same for all samples of a pixel",
            )),
        }
    }

    /// As [`Directory::number`], for tags that every page must have.
    pub(super) fn require(&self, tag: Tag, name: &str) -> Result<u64, Error> {
        self.number(tag)?.ok_or_else(|| damaged(format!("a page does not state its {name} (tag {})", tag as u16)))
    }

    /// The page's ImageDescription.
    pub(super) fn description(&self) -> Result<String, Error> {
        let text = self.entry(Tag::ImageDescription)?.map_or(&[][..], |entry| entry.data);
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}

/// An array of unsigned integers, read from the file's bytes one at a time.
#[derive(Clone, Copy)]
pub(super) struct Numbers<'a> {
    file: File<'a>,
    data: &'a [u8],
    value_bytes: usize,
}

impl Numbers<'_> {
    pub(super) fn len(&self) -> usize {
        self.data.len() / self.value_bytes
    }

    pub(super) fn get(&self, index: usize) -> Option<u64> {
        let start = index.checked_mul(self.value_bytes)?;
        self.data.get(start..start.checked_add(self.value_bytes)?).map(|bytes| self.file.unsigned(bytes))
    }

    fn iter(&self) -> impl Iterator<Item = u64> {
        self.data.chunks_exact(self.value_bytes).map(|bytes| self.file.unsigned(bytes))
    }
}

fn value_bytes(kind: u64) -> Option<usize> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => return None,
    })
}

pub(super) fn damaged(what: impl Into<String>) -> Error {
    Error::damaged(Format::Tiff, what)
}
