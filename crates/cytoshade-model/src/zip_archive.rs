//! A strict reader of zip archives: stored and deflated records, zip64, and nothing else.
//!
//! Own code and not a crate's because what is wanted is little and what is refused is much: records are slices of the
//! file (a torch file's weights are stored and are read in place), and an archive in which two records overlap, a
//! name comes twice, or the two places that describe a record disagree is refused as a whole. The layout is that of
//! PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use cytoshade_pickle::{Input, printable};
use flate2::Crc;
use flate2::read::DeflateDecoder;

use crate::budget::Budget;
use crate::{Error, ReadLimits};

const LOCAL_HEADER: u32 = 0x0403_4b50;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const END_64_LOCATOR: u32 = 0x0706_4b50;
const END_BYTES: usize = 22;
const LOCATOR_BYTES: usize = 20;

const ENCRYPTED: u16 = 1;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// An archive's records by name.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    entries: BTreeMap<&'a str, Entry<'a>>,
}

#[derive(Debug)]
struct Entry<'a> {
    /// The record as it lies in the file.
    packed: &'a [u8],
    method: u16,
    /// 0 where the writer took none (torch's `set_crc32_options(False)`).
    crc: u32,
    size: u64,
}

/// What the central directory says of a record.
struct Listed<'a> {
    name: &'a str,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    offset: u64,
}

/// Whether the bytes begin as a zip archive does.
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    bytes.starts_with(&LOCAL_HEADER.to_le_bytes())
}

impl<'a> Archive<'a> {
    /// Reads the directory and checks it against the records' own headers.
    pub(crate) fn open(bytes: &'a [u8], limits: &ReadLimits) -> Result<Self, Error> {
        let (count, offset, length) = directory(bytes)?;
        limits.check_zip_entries(count)?;
        let listing = range(bytes, offset, length).ok_or_else(|| Error::damaged("the zip directory is outside"))?;
        // Records lie before the directory, and none shares a byte with another.
        let before = &bytes[..offset as usize];
        let mut input = Input::new(listing, "the zip directory");
        let mut entries = BTreeMap::new();
        let mut taken = Vec::new();
        for _ in 0..count {
            let listed = Listed::read(&mut input)?;
            if listed.size > listed.packed {
                limits.check_compression(listed.packed, listed.size)?;
            }
            let (entry, end) = listed.locate(before)?;
            taken.push((listed.offset, end));
            if entries.insert(listed.name, entry).is_some() {
                return Err(damaged(listed.name, "comes twice"));
            }
        }
        if !input.is_empty() {
            return Err(Error::damaged("the zip directory holds more than its records"));
        }
        taken.sort_unstable();
        if taken.windows(2).any(|pair| matches!(pair, [(_, end), (start, _)] if start < end)) {
            return Err(Error::damaged("two zip records overlap"));
        }
        Ok(Self { entries })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().copied()
    }

    /// A record's bytes: a slice of the file where it is stored, unpacked within the budget where it is deflated.
    ///
    /// `None` where there is no such record.
    pub(crate) fn read(&self, name: &str, budget: &mut Budget) -> Result<Option<Cow<'a, [u8]>>, Error> {
        let Some(entry) = self.entries.get(name) else { return Ok(None) };
        let bytes = match entry.method {
            STORED => Cow::Borrowed(entry.packed),
            _ => Cow::Owned(entry.inflate(name, budget)?),
        };
        if bytes.len() as u64 != entry.size {
            return Err(damaged(name, &format!("has {} bytes and says it has {}", bytes.len(), entry.size)));
        }
        let mut crc = Crc::new();
        crc.update(&bytes);
        if entry.crc != 0 && crc.sum() != entry.crc {
            return Err(damaged(name, "does not have the checksum that the archive says"));
        }
        Ok(Some(bytes))
    }
}

impl Entry<'_> {
    /// Unpacks, but never more than the archive says that there is.
    fn inflate(&self, name: &str, budget: &mut Budget) -> Result<Vec<u8>, Error> {
        budget.spend(self.size)?;
        let mut bytes = Vec::new();
        let mut unpacking = DeflateDecoder::new(self.packed).take(self.size.saturating_add(1));
        unpacking.read_to_end(&mut bytes).map_err(|error| damaged(name, &format!("does not inflate: {error}")))?;
        Ok(bytes)
    }
}

impl<'a> Listed<'a> {
    fn read(input: &mut Input<'a>) -> Result<Self, Error> {
        if input.u32()? != CENTRAL_HEADER {
            return Err(Error::damaged("the zip directory has no record where it says one is"));
        }
        input.take(4)?; // versions
        let flags = input.u16()?;
        let method = input.u16()?;
        input.take(4)?; // time
        let crc = input.u32()?;
        let (packed, size) = (input.u32()?, input.u32()?);
        let (name, extra, comment) = (input.u16()?, input.u16()?, input.u16()?);
        input.take(8)?; // disk and attributes
        let offset = input.u32()?;
        let name = input.take(name.into())?;
        let extra = input.take(extra.into())?;
        input.take(comment.into())?;
        let name = str::from_utf8(name).map_err(|_| Error::damaged("a zip record's name is not UTF-8"))?;
        if flags & ENCRYPTED != 0 || !matches!(method, STORED | DEFLATED) {
            return Err(damaged(
                name,
                &format!("is encrypted or packed by method {method}; expected stored or deflated"),
            ));
        }
        let mut wide = Input::new(zip64(extra)?, "a zip64 field");
        let mut widen = |narrow: u32| if narrow == u32::MAX { wide.u64() } else { Ok(narrow.into()) };
        // In this order, and only those that do not fit.
        let (size, packed, offset) = (widen(size)?, widen(packed)?, widen(offset)?);
        Ok(Self { name, method, crc, packed, size, offset })
    }

    /// The record and where it ends, after its own header has said the same of it.
    fn locate(&self, before: &'a [u8]) -> Result<(Entry<'a>, u64), Error> {
        let Self { name, method, crc, packed, size, offset } = *self;
        let rest = usize::try_from(offset).ok().and_then(|offset| before.get(offset..));
        let rest = rest.ok_or_else(|| damaged(name, "lies outside of the archive"))?;
        let mut input = Input::new(rest, "a zip record");
        if input.u32()? != LOCAL_HEADER {
            return Err(damaged(name, "is not where the directory says"));
        }
        input.take(4)?; // version and flags
        let same_method = input.u16()? == method;
        input.take(16)?; // time, checksum and sizes, which may follow the record instead
        let (name_length, extra) = (input.u16()?, input.u16()?);
        let same_name = input.take(name_length.into())? == name.as_bytes();
        if !(same_method && same_name) {
            return Err(damaged(name, "is another one where it lies than in the directory"));
        }
        input.take(extra.into())?;
        let header = 30 + u64::from(name_length) + u64::from(extra);
        let entry = Entry { packed: input.take(packed)?, method, crc, size };
        Ok((entry, offset + header + packed))
    }
}

/// Number of records, offset and length of the directory.
fn directory(bytes: &[u8]) -> Result<(u64, u64, u64), Error> {
    let at = find_end(bytes).ok_or_else(|| Error::damaged("the zip archive has no end record: it was cut off"))?;
    let mut input = Input::new(&bytes[at..], "the zip archive's end record");
    input.take(8)?; // signature and disks
    input.take(2)?; // records on this disk
    let narrow = (u64::from(input.u16()?), u64::from(input.u32()?), u64::from(input.u32()?));
    let locator = at.checked_sub(LOCATOR_BYTES).map(|start| &bytes[start..at]);
    let Some(locator) = locator.filter(|locator| locator.starts_with(&END_64_LOCATOR.to_le_bytes())) else {
        let (count, length, offset) = narrow;
        return Ok((count, offset, length));
    };
    let mut locator = Input::new(locator, "the zip64 locator");
    locator.take(8)?; // signature and disk
    let rest = usize::try_from(locator.u64()?).ok().and_then(|offset| bytes.get(offset..));
    let mut input = Input::new(rest.unwrap_or_default(), "the zip64 end record");
    if input.u32()? != END_64 {
        return Err(Error::damaged("the zip64 end record is not where its locator says"));
    }
    input.take(28)?; // its size, versions, disks, records on this disk
    let (count, length, offset) = (input.u64()?, input.u64()?, input.u64()?);
    Ok((count, offset, length))
}

/// Where the end record begins: it is the last thing in the file but for a comment whose length it states.
fn find_end(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(END_BYTES)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    (first..=last).rev().find(|&at| {
        let comment = &bytes[at + END_BYTES - 2..at + END_BYTES];
        bytes[at..].starts_with(&END.to_le_bytes())
            && at + END_BYTES + usize::from(u16::from_le_bytes([comment[0], comment[1]])) == bytes.len()
    })
}

/// The zip64 field among a record's extra fields, or nothing.
fn zip64(extra: &[u8]) -> Result<&[u8], Error> {
    let mut input = Input::new(extra, "a zip record's extra fields");
    while !input.is_empty() {
        let (id, length) = (input.u16()?, input.u16()?);
        let field = input.take(length.into())?;
        if id == 1 {
            return Ok(field);
        }
    }
    Ok(&[])
}

fn range(bytes: &[u8], offset: u64, length: u64) -> Option<&[u8]> {
    let end = usize::try_from(offset.checked_add(length)?).ok()?;
    bytes.get(usize::try_from(offset).ok()?..end)
}

fn damaged(name: &str, what: &str) -> Error {
    Error::damaged(format!("the zip record {} {what}", printable(name)))
}
