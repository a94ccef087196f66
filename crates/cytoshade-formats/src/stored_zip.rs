//! ZIP archives of files that are not compressed.
//!
//! The well-known crates carry every option of the format, which the browser's build has no room for. Source: PKWARE's
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
        let Some(size) = below_mark(content.len() as u64) else {
            let found = content.len();
            return Err(io::Error::other(format!(
                "a region of {found} bytes, expected less than 4 GiB in a zip archive; save as GeoJSON"
            )));
        };
        let mut crc = flate2::Crc::new();
        crc.update(content);
        // Flags, method, time, date, checksum, both sizes, length of the name.
        let mut fields = Vec::new();
        for field in [0, 0, 0, DATE] {
            fields.extend(field.to_le_bytes());
        }
        for field in [crc.sum(), size, size] {
            fields.extend(field.to_le_bytes());
        }
        fields.extend((name.len() as u16).to_le_bytes());

        // An offset beyond 4 GiB is in an extra field of zip64: its tag, its length, the offset.
        let (offset, version, extra) = match below_mark(self.offset) {
            Some(offset) => (offset, VERSION, Vec::new()),
            None => (MARK, ZIP64_VERSION, [&[1, 0, 8, 0], self.offset.to_le_bytes().as_slice()].concat()),
        };
        let directory = &mut self.directory;
        directory.extend(b"PK\x01\x02");
        // Of the writer, and to read the file.
        directory.extend([version, version].map(u16::to_le_bytes).as_flattened());
        directory.extend(&fields);
        directory.extend((extra.len() as u16).to_le_bytes());
        // Length of a comment, disk, internal and external attributes.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
        directory.extend(extra);

        let header = [b"PK\x03\x04".as_slice(), &VERSION.to_le_bytes(), &fields, &[0; 2], name.as_bytes()].concat();
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
        if few.is_none() || below_mark(start + length).is_none() {
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
        end.extend([length, start].map(|at| below_mark(at).unwrap_or(MARK).to_le_bytes()).as_flattened());
        end.extend([0; 2]);
        self.out.write_all(&end)?;
        self.out.flush()
    }
}

/// Marks a number that zip64's fields hold.
const MARK: u32 = u32::MAX;

/// The number, if the fields of a plain archive hold it.
fn below_mark(number: u64) -> Option<u32> {
    u32::try_from(number).ok().filter(|&number| number < MARK)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// An archive whose bytes from `start` on lie `hole` bytes further back.
    struct Sparse {
        bytes: Vec<u8>,
        start: u64,
        hole: u64,
        position: u64,
    }

    impl Read for Sparse {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let length = self.bytes.len() as u64 + self.hole;
            let read = (out.len() as u64).min(length.saturating_sub(self.position));
            for byte in &mut out[..read as usize] {
                *byte = match self.position {
                    at if at < self.start => self.bytes[at as usize],
                    at if at < self.start + self.hole => 0,
                    at => self.bytes[(at - self.hole) as usize],
                };
                self.position += 1;
            }
            Ok(read as usize)
        }
    }

    impl io::Seek for Sparse {
        fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
            let length = self.bytes.len() as u64 + self.hole;
            self.position = match to {
                io::SeekFrom::Start(at) => at,
                io::SeekFrom::End(by) => length.saturating_add_signed(by),
                io::SeekFrom::Current(by) => self.position.saturating_add_signed(by),
            };
            Ok(self.position)
        }
    }

    /// The names and contents that another reader finds.
    fn read(archive: impl Read + io::Seek) -> Vec<(String, Vec<u8>)> {
        let mut archive = zip::ZipArchive::new(archive).unwrap();
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
            assert!(read(io::Cursor::new(bytes)) == expected, "{files} files");
        }
    }

    #[test]
    fn offsets_beyond_4_gib_are_read() {
        // Offsets below, at and above the mark.
        for offset in [u64::from(MARK) - 1, u64::from(MARK), u64::from(MARK) + 1, 5 << 30] {
            let mut bytes = Vec::new();
            let mut archive = StoredZip::new(&mut bytes);
            archive.add("first", b"1").unwrap();
            let start = archive.offset;
            archive.offset = offset;
            archive.add("second", b"22").unwrap();
            archive.finish().unwrap();
            let field = [&[1, 0, 8, 0], offset.to_le_bytes().as_slice()].concat();
            let has_field = bytes.windows(field.len()).any(|window| window == field);
            assert_eq!(has_field, offset >= u64::from(MARK), "{offset}");
            let sparse = Sparse { bytes, start, hole: offset - start, position: 0 };
            let expected = [("first".to_string(), b"1".to_vec()), ("second".to_string(), b"22".to_vec())];
            assert_eq!(read(sparse), expected, "{offset}");
        }
    }
}
