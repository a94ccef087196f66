//! ZIP archives of files that are not compressed.
//!
//! The well-known crates carry every option of the format, 30 to 50 kB in the browser's build; this needs 2. Source: PKWARE's
//! APPNOTE.TXT, sections 4.3 and 4.4.

use std::io::{self, Write};

/// The version that reads plain archives, and the one that reads zip64.
const VERSION: u16 = 20;
const ZIP64_VERSION: u16 = 45;
/// 1 January 1980. A fixed date makes the output reproducible.
const DATE: u16 = 1 << 5 | 1;
/// Bytes of zip64's end record after its length.
const ZIP64_END: u64 = 44;

/// Writes an archive. Its names are ASCII, its files smaller than 4 GiB.
pub(crate) struct StoredZip<W> {
    out: W,
    /// Bytes written.
    offset: u64,
    directory: Vec<u8>,
    files: u64,
}

impl<W: Write> StoredZip<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, offset: 0, directory: Vec::new(), files: 0 }
    }

    /// Adds a file.
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let too_large = |_| io::Error::other("a file for a zip archive is 4 GiB or larger");
        let size = u32::try_from(content.len()).map_err(too_large)?;
        let mut crc = flate2::Crc::new();
        crc.update(content);
        // Version, flags, method, time, date, checksum, both sizes, lengths of the name and of extra fields.
        let mut fields = Vec::new();
        for field in [VERSION, 0, 0, 0, DATE] {
            fields.extend(field.to_le_bytes());
        }
        for field in [crc.sum(), size, size] {
            fields.extend(field.to_le_bytes());
        }
        fields.extend((name.len() as u16).to_le_bytes());

        // An offset beyond 4 GiB is in an extra field of zip64: its tag, its length, the offset.
        let far = u32::try_from(self.offset).is_err();
        let extra = if far { [&[1, 0, 8, 0], self.offset.to_le_bytes().as_slice()].concat() } else { Vec::new() };
        let directory = &mut self.directory;
        directory.extend(b"PK\x01\x02");
        directory.extend(VERSION.to_le_bytes());
        directory.extend(&fields);
        directory.extend((extra.len() as u16).to_le_bytes());
        // Length of a comment, disk, internal and external attributes.
        directory.extend([0; 10]);
        directory.extend(saturated(self.offset).to_le_bytes());
        directory.extend(name.as_bytes());
        directory.extend(extra);

        let header = [b"PK\x03\x04".as_slice(), &fields, &[0; 2], name.as_bytes()].concat();
        self.out.write_all(&header)?;
        self.out.write_all(content)?;
        self.offset += (header.len() + content.len()) as u64;
        self.files += 1;
        Ok(())
    }

    /// Writes the directory, and flushes.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let (start, length) = (self.offset, self.directory.len() as u64);
        let mut end = self.directory;
        let few = u16::try_from(self.files).ok().filter(|&files| files < u16::MAX);
        if few.is_none() || start + length >= u64::from(u32::MAX) {
            let zip64_end = start + length;
            end.extend(b"PK\x06\x06");
            end.extend(ZIP64_END.to_le_bytes());
            end.extend([ZIP64_VERSION, ZIP64_VERSION].map(u16::to_le_bytes).as_flattened());
            end.extend([0; 8]);
            end.extend([self.files, self.files, length, start].map(u64::to_le_bytes).as_flattened());
            end.extend(b"PK\x06\x07");
            end.extend([0; 4]);
            end.extend(zip64_end.to_le_bytes());
            end.extend(1u32.to_le_bytes());
        }
        let files = few.unwrap_or(u16::MAX);
        end.extend(b"PK\x05\x06");
        end.extend([0; 4]);
        end.extend([files, files].map(u16::to_le_bytes).as_flattened());
        end.extend([saturated(length), saturated(start)].map(u32::to_le_bytes).as_flattened());
        end.extend([0; 2]);
        self.out.write_all(&end)?;
        self.out.flush()
    }
}

/// The number, or the mark of one that zip64's fields hold.
fn saturated(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// The names and contents that another reader finds.
    fn read(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut archive = zip::ZipArchive::new(io::Cursor::new(archive)).unwrap();
        let length = archive.len();
        let file = |at| {
            let mut file = archive.by_index(at).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (file.name().unwrap().to_string(), content)
        };
        (0..length).map(file).collect()
    }

    #[test]
    fn another_reader_finds_every_file_also_with_zip64() {
        // Archives of 65,535 files and more need zip64.
        for files in [0, 1, 3, 65_534, 65_535, 70_000] {
            let expected: Vec<_> = (0..files).map(|at| (format!("{at:06}.roi"), vec![at as u8; at % 5])).collect();
            let mut bytes = Vec::new();
            let mut archive = StoredZip::new(&mut bytes);
            expected.iter().for_each(|(name, content)| archive.add(name, content).unwrap());
            archive.finish().unwrap();
            assert!(read(&bytes) == expected, "{files} files");
        }
    }

    #[test]
    fn offsets_beyond_4_gib_are_read() {
        let mut archive = StoredZip::new(Vec::new());
        archive.add("first", b"1").unwrap();
        // As if 5 GiB were between the files.
        archive.offset += 5 << 30;
        archive.add("second", b"22").unwrap();
        let directory = archive.directory;
        let extra = [1, 0, 8, 0, 36, 0, 0, 0x40, 1, 0, 0, 0];
        assert_eq!(directory[directory.len() - 12..], extra);
        assert_eq!(directory[directory.len() - 12 - 6 - 4..][..4], [0xff; 4]);
    }
}
