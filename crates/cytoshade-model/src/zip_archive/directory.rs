//! The end of an archive: the offset of its directory, and the number of records in it.

use cytoshade_safe_io::Input;

use crate::Error;

const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const END_64_LOCATOR: u32 = 0x0706_4b50;
const END_BYTES: usize = 22;
const LOCATOR_BYTES: usize = 20;

/// The directory of an archive.
pub(super) struct Directory<'a> {
    /// Number of listed records.
    pub(super) count: u64,
    /// Its bytes.
    pub(super) listing: &'a [u8],
    /// The bytes before it, which contain the records.
    pub(super) records: &'a [u8],
}

/// The numbers in an end record and, in large archives, a zip64 end record.
#[derive(Clone, Copy, PartialEq)]
struct Stated {
    count: u64,
    length: u64,
    offset: u64,
}

pub(super) fn find(bytes: &[u8]) -> Result<Directory<'_>, Error> {
    let at = find_end(bytes).ok_or_else(|| Error::damaged("the zip archive has no end record: it is truncated"))?;
    let (stated, end) = match read_end(bytes, at)? {
        (narrow, Some(locator)) => read_end_64(bytes, narrow, locator)?,
        (narrow, None) => (narrow, at),
    };
    let Stated { count, length, offset } = stated;
    let outside = || Error::damaged("the zip directory is outside the archive");
    let start = usize::try_from(offset).map_err(|_| outside())?;
    if offset.checked_add(length) != Some(end as u64) {
        return Err(Error::damaged("the zip directory does not end where the archive's end record begins"));
    }
    let (records, listing) = bytes.get(..end).and_then(|bytes| bytes.split_at_checked(start)).ok_or_else(outside)?;
    Ok(Directory { count, listing, records })
}

/// Offset of the end record, the last part of the file except for a comment of stated length.
fn find_end(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(END_BYTES)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    (first..=last).rev().find(|&at| {
        let comment = &bytes[at + END_BYTES - 2..at + END_BYTES];
        bytes[at..].starts_with(&END.to_le_bytes())
            && at + END_BYTES + usize::from(u16::from_le_bytes([comment[0], comment[1]])) == bytes.len()
    })
}

/// Reads the end record at `at`, and the zip64 locator before it, if any.
fn read_end(bytes: &[u8], at: usize) -> Result<(Stated, Option<&[u8]>), Error> {
    let mut input = Input::new(&bytes[at..], "the zip archive's end record");
    input.take(4)?; // signature
    let disks = (input.u16()?, input.u16()?);
    let on_this_disk = input.u16()?;
    let count = input.u16()?;
    // zip64 writers replace each number that does not fit by the maximum.
    let one_disk = matches!(disks, (0 | u16::MAX, 0 | u16::MAX)) && on_this_disk == count;
    if !one_disk {
        return Err(Error::damaged("the zip archive is split into several files"));
    }
    let narrow = Stated { count: count.into(), length: input.u32()?.into(), offset: input.u32()?.into() };
    let locator = at.checked_sub(LOCATOR_BYTES).map(|start| &bytes[start..at]);
    Ok((narrow, locator.filter(|locator| locator.starts_with(&END_64_LOCATOR.to_le_bytes()))))
}

/// Reads the zip64 end record. Returns it with its offset.
fn read_end_64(bytes: &[u8], narrow: Stated, locator: &[u8]) -> Result<(Stated, usize), Error> {
    let mut locator = Input::new(locator, "the zip64 locator");
    locator.take(8)?; // signature and disk
    let at = usize::try_from(locator.u64()?).ok();
    let (at, rest) = at
        .and_then(|at| Some((at, bytes.get(at..)?)))
        .ok_or_else(|| Error::damaged("the zip64 end record is outside the archive"))?;
    let mut input = Input::new(rest, "the zip64 end record");
    if input.u32()? != END_64 {
        return Err(Error::damaged("the zip64 end record is not at its locator's offset"));
    }
    input.take(12)?; // its size, versions
    let disks = (input.u32()?, input.u32()?);
    let on_this_disk = input.u64()?;
    let wide = Stated { count: input.u64()?, length: input.u64()?, offset: input.u64()? };
    if disks != (0, 0) || on_this_disk != wide.count {
        return Err(Error::damaged("the zip archive is split into several files"));
    }
    let agree = |narrow: u64, most: u64, wide: u64| narrow == most || narrow == wide;
    let same = agree(narrow.count, u16::MAX.into(), wide.count)
        && agree(narrow.length, u32::MAX.into(), wide.length)
        && agree(narrow.offset, u32::MAX.into(), wide.offset);
    if !same {
        return Err(Error::damaged("the zip archive's two end records disagree about its directory"));
    }
    Ok((wide, at))
}
