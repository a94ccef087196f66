//! A record's description: its directory entry, its own header, and the descriptor after its data.

use cytoshade_safe_io::Input;

use super::{DEFLATED, STORED, damaged};
use crate::Error;

pub(super) const LOCAL_HEADER: u32 = 0x0403_4b50;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;

/// Flags that affect how data are read.
///
/// They are encryption (three kinds), a descriptor after the data, patches, and UTF-8 names. The others are hints.
const FLAGS: u16 = 1 | ENCRYPTED_STRONGLY | ENCRYPTED_NAMES | HAS_DESCRIPTOR | PATCH | UTF_8;
const HAS_DESCRIPTOR: u16 = 1 << 3;
const PATCH: u16 = 1 << 5;
const ENCRYPTED_STRONGLY: u16 = 1 << 6;
const UTF_8: u16 = 1 << 11;
const ENCRYPTED_NAMES: u16 = 1 << 13;

/// Kinds of extra fields.
const ZIP64: u16 = 1;
const UNICODE_PATH: u16 = 0x7075;

/// A record as listed in the directory.
pub(super) struct Listed<'a> {
    pub(super) name: &'a str,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
    flags: u16,
}

impl<'a> Listed<'a> {
    pub(super) fn read(input: &mut Input<'a>) -> Result<Self, Error> {
        if input.u32()? != CENTRAL_HEADER {
            return Err(Error::damaged("the zip directory lists fewer records than it states"));
        }
        input.take(4)?; // versions
        let (flags, method) = (input.u16()?, input.u16()?);
        input.take(4)?; // time
        let crc = input.u32()?;
        let (packed, size) = (input.u32()?, input.u32()?);
        let (name, extra, comment) = (input.u16()?, input.u16()?, input.u16()?);
        let disk = input.u16()?;
        input.take(6)?; // attributes
        let offset = input.u32()?;
        let name = input.take(name.into())?;
        let extra = input.take(extra.into())?;
        input.take(comment.into())?;
        let name = str::from_utf8(name).map_err(|_| Error::damaged("a zip record's name is not UTF-8"))?;
        // Some readers end a name at a zero byte.
        if name.contains('\0') {
            return Err(damaged(name, "has a name with a zero byte"));
        }
        let mut wide = Input::new(zip64(name, extra)?, "a zip64 field");
        let mut widen = |narrow: u32| if narrow == u32::MAX { wide.u64() } else { Ok(narrow.into()) };
        // In this order, and only those that do not fit.
        let (size, packed, offset) = (widen(size)?, widen(packed)?, widen(offset)?);
        if !matches!(disk, 0 | u16::MAX) {
            return Err(damaged(name, "is in another file"));
        }
        Ok(Self { name, method, crc, packed, size, offset, flags })
    }

    /// Refuses records that are neither stored nor deflated.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Self { name, method, packed, size, flags, .. } = *self;
        if flags & FLAGS & !(HAS_DESCRIPTOR | UTF_8) != 0 {
            return Err(damaged(name, "is encrypted or a patch"));
        }
        match method {
            STORED if size != packed => {
                Err(damaged(name, &format!("is stored in {packed} bytes, but its stated size is {size}")))
            }
            STORED | DEFLATED => Ok(()),
            _ => Err(damaged(name, &format!("is packed by method {method}; expected stored or deflated"))),
        }
    }

    /// The record's data and its end, if its own header and descriptor agree with the directory.
    pub(super) fn locate(&self, records: &'a [u8]) -> Result<(&'a [u8], u64), Error> {
        let name = self.name;
        let start = usize::try_from(self.offset).ok();
        let rest = start.and_then(|start| records.get(start..));
        let rest = rest.ok_or_else(|| damaged(name, "is outside the archive"))?;
        let mut input = Input::new(rest, "a zip record");
        if input.u32()? != LOCAL_HEADER {
            return Err(damaged(name, "is not at its offset in the directory"));
        }
        input.take(2)?; // version
        let (flags, method) = (input.u16()?, input.u16()?);
        input.take(4)?; // time
        let (crc, packed, size) = (input.u32()?, input.u32()?, input.u32()?);
        let (name_length, extra) = (input.u16()?, input.u16()?);
        let local_name = input.take(name_length.into())?;
        let extra = input.take(extra.into())?;
        let mut wide = Input::new(zip64(name, extra)?, "a zip64 field");
        let mut widen = |narrow: u32| if narrow == u32::MAX { wide.u64() } else { Ok(narrow.into()) };
        let (size, packed): (u64, u64) = (widen(size)?, widen(packed)?);

        let same = |is_same: bool, what: &str| match is_same {
            true => Ok(()),
            false => Err(damaged(name, &format!("has another {what} in its own header than in the directory"))),
        };
        same(local_name == name.as_bytes(), "name")?;
        same((flags ^ self.flags) & FLAGS & 1 == 0, "encryption")?;
        same((flags ^ self.flags) & FLAGS == 0, "set of flags")?;
        same(method == self.method, "compression method")?;
        // With a descriptor, the header is written before the data are known, and may hold zeros.
        let later = flags & HAS_DESCRIPTOR != 0;
        same(crc == self.crc || later && crc == 0, "checksum")?;
        same(packed == self.packed || later && packed == 0, "packed size")?;
        same(size == self.size || later && size == 0, "size")?;

        let data = input.take(self.packed)?;
        let behind = input.rest();
        let mut end = rest.len() - behind.len();
        if later {
            let descriptor = self.descriptor(behind);
            end += descriptor.ok_or_else(|| damaged(name, "has another descriptor than the directory states"))?;
        }
        Ok((data, self.offset + end as u64))
    }

    /// The length of the descriptor after a record's data.
    ///
    /// It is checksum and sizes, of 4 or 8 bytes each, with or without a signature. `None` if none agrees with the
    /// directory.
    fn descriptor(&self, behind: &[u8]) -> Option<usize> {
        let wide = [self.packed.to_le_bytes(), self.size.to_le_bytes()].concat();
        let narrow = || -> Option<Vec<u8>> {
            let [packed, size] = [self.packed, self.size].map(|size| u32::try_from(size).ok());
            Some([packed?.to_le_bytes(), size?.to_le_bytes()].concat())
        };
        let signature = &DESCRIPTOR.to_le_bytes()[..];
        [Some(wide), narrow()].into_iter().flatten().find_map(|sizes| {
            let fields = [&self.crc.to_le_bytes()[..], &sizes].concat();
            let signed = behind.strip_prefix(signature).filter(|behind| behind.starts_with(&fields));
            signed
                .map(|_| signature.len() + fields.len())
                .or_else(|| behind.starts_with(&fields).then_some(fields.len()))
        })
    }
}

/// The zip64 field among a record's extra fields, or an empty one.
fn zip64<'a>(name: &str, extra: &'a [u8]) -> Result<&'a [u8], Error> {
    let mut input = Input::new(extra, "a zip record's extra fields");
    let mut found = None;
    // Fewer than four bytes at the end are padding.
    while input.rest().len() >= 4 {
        let (id, length) = (input.u16()?, input.u16()?);
        let field = input.take(length.into())?;
        match id {
            ZIP64 if found.replace(field).is_some() => return Err(damaged(name, "has two zip64 fields")),
            UNICODE_PATH => return Err(damaged(name, "has a second name in an extra field")),
            _ => {}
        }
    }
    Ok(found.unwrap_or_default())
}
