//! A strict reader of zip archives: only stored and deflated records and zip64.
//!
//! The reader is our own, because little is needed and much is refused. Records are slices of the file: a torch file's
//! weights are stored uncompressed and are read in place. An archive describes every record twice, in the directory and
//! in the record's own header or after its data; readers that use one or the other see different files. The reader
//! therefore refuses an archive if the two disagree, if records overlap, if a name is repeated, or if a record is not
//! in the directory. The format is that of PKWARE's APPNOTE 6.3.10, sections 4.3 to 4.5.

mod directory;
mod header;

use std::borrow::Cow;
use std::io::Read;

use cytoshade_core::ascending;
use cytoshade_safe_io::{Input, Meter, quoted};
use flate2::Crc;
use flate2::read::DeflateDecoder;

use crate::by_name::ByName;
use crate::{Error, ReadLimits};
use header::{LOCAL_HEADER, Listed};

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// The records of an archive by name.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    entries: ByName<'a, Entry<'a>>,
}

#[derive(Debug)]
struct Entry<'a> {
    /// The record's stored data.
    packed: &'a [u8],
    method: u16,
    /// 0 if the writer omitted it (torch's `set_crc32_options(False)`).
    crc: u32,
    size: u64,
}

impl<'a> Archive<'a> {
    /// Reads the directory and checks it against the records' own headers.
    pub(crate) fn open(bytes: &'a [u8], limits: &ReadLimits, meter: &mut Meter) -> Result<Self, Error> {
        let directory = directory::find(bytes)?;
        limits.check_zip_entries(directory.count)?;
        let mut input = Input::new(directory.listing, "the zip directory");
        let mut entries = ByName::new();
        let mut taken = Vec::new();
        for _ in 0..directory.count {
            // An entry of the map and one of the list of places.
            meter.charge::<u8>(256)?;
            meter.charge_steps(1)?;
            let listed = Listed::read(&mut input)?;
            if listed.size > listed.packed {
                limits.check_compression(listed.packed, listed.size)?;
            }
            listed.check()?;
            let (packed, end) = listed.locate(directory.records)?;
            taken.push((listed.offset, end, listed.name));
            let entry = Entry { packed, method: listed.method, crc: listed.crc, size: listed.size };
            if entries.insert(listed.name, entry).is_some() {
                return Err(damaged(listed.name, "comes twice"));
            }
        }
        if !input.is_empty() {
            return Err(Error::damaged("the zip directory holds more than its records"));
        }
        check_places(directory.records, &taken)?;
        Ok(Self { entries })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.names()
    }

    /// The unpacked size of a record; `None` if it does not exist.
    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        self.entries.get(name).map(|entry| entry.size)
    }

    /// Reads a record; `None` if it does not exist.
    ///
    /// A stored record is a slice of the file; a deflated one is unpacked on the meter.
    pub(crate) fn read(&self, name: &str, meter: &mut Meter) -> Result<Option<Cow<'a, [u8]>>, Error> {
        let Some(entry) = self.entries.get(name) else { return Ok(None) };
        let bytes = match entry.method {
            STORED => Cow::Borrowed(entry.packed),
            _ => Cow::Owned(entry.inflate(name, meter)?),
        };
        if bytes.len() as u64 != entry.size {
            return Err(damaged(name, &format!("has {} bytes; its directory states {}", bytes.len(), entry.size)));
        }
        let mut crc = Crc::new();
        crc.update(&bytes);
        if entry.crc != 0 && crc.sum() != entry.crc {
            return Err(damaged(name, "does not have the checksum that the archive states"));
        }
        Ok(Some(bytes))
    }
}

impl Entry<'_> {
    /// Unpacks the stated number of bytes, and one more to detect a longer record.
    fn inflate(&self, name: &str, meter: &mut Meter) -> Result<Vec<u8>, Error> {
        let most = self.size.saturating_add(1);
        let mut bytes = meter.values(usize::try_from(most).unwrap_or(usize::MAX))?;
        let mut unpacking = DeflateDecoder::new(self.packed).take(most);
        unpacking
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(name, &format!("does not inflate: {}", quoted(error.to_string()))))?;
        Ok(bytes)
    }
}

/// Refuses records that share bytes, and records that the directory does not list.
fn check_places(records: &[u8], taken: &[(u64, u64, &str)]) -> Result<(), Error> {
    let order = ascending(taken.iter().map(|(start, ..)| usize::try_from(*start).unwrap_or(usize::MAX)));
    let in_order = || order.iter().map(|&record| taken[record]);
    let ends = std::iter::once((0, None)).chain(in_order().map(|(_, end, name)| (end, Some(name))));
    let starts = in_order().map(|(start, ..)| start).chain([records.len() as u64]);
    for ((end, name), start) in ends.zip(starts) {
        if let (Some(name), true) = (name, start < end) {
            return Err(damaged(name, "overlaps the next record or the directory"));
        }
        let between = records.get(end as usize..start as usize).unwrap_or_default();
        if between.starts_with(&LOCAL_HEADER.to_le_bytes()) {
            return Err(Error::damaged(format!(
                "the zip archive has a record at {end} that its directory does not list"
            )));
        }
    }
    Ok(())
}

fn damaged(name: &str, what: &str) -> Error {
    Error::damaged(format!("the zip record {} {what}", quoted(name)))
}
