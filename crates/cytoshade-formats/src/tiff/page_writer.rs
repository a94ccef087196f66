//! The structure of a written TIFF: pages of one size, in strips compressed with Deflate.
//!
//! Source: TIFF 6.0, and the specification of BigTIFF (awaresystems.be). Numbers have the byte order of the machine, so
//! that samples are written as they are in memory.

use std::io::{self, Seek, SeekFrom, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// The least number of bytes in a strip before compression, except for the last.
const STRIP: usize = 1_000_000;
const DEFLATE: u16 = 8;

/// A sink for a TIFF, without its type: the code is compiled once.
pub(super) trait Sink: Write + Seek {}

impl<T: Write + Seek> Sink for T {}

/// The samples of a pixel.
#[derive(Debug)]
pub(super) struct PixelType {
    /// The bits of each sample.
    bits: &'static [u16],
    /// `SampleFormat` of each sample.
    format: &'static [u16],
    /// `PhotometricInterpretation`.
    photometric: u16,
}

impl PixelType {
    pub(super) const GRAY_16: Self = Self { bits: &[16], format: &[1], photometric: 1 };
    pub(super) const GRAY_32: Self = Self { bits: &[32], format: &[1], photometric: 1 };
    pub(super) const GRAY_FLOAT: Self = Self { bits: &[32], format: &[3], photometric: 1 };
    pub(super) const RGB_8: Self = Self { bits: &[8, 8, 8], format: &[1, 1, 1], photometric: 2 };
}

/// The value of a tag.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'v> {
    Short(&'v [u16]),
    Long(&'v [u32]),
    /// Offsets or lengths in the file: of 32 bits, or of 64 in a BigTIFF.
    Offsets(&'v [u64]),
    /// Numerator and denominator.
    Rational([u32; 2]),
    /// ASCII.
    Text(&'v str),
    Bytes(&'v [u8]),
}

/// An entry of a directory: tag, type, count, and its value or the value's offset.
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    value: [u8; 8],
}

/// Writes pages one after the other.
pub(super) struct PageWriter<'w> {
    out: &'w mut dyn Sink,
    is_big: bool,
    /// Bytes written.
    offset: u64,
    /// Where the offset of the next page's directory belongs.
    link: u64,
    size: [u32; 2],
    pixel: PixelType,
}

impl<'w> PageWriter<'w> {
    /// Writes the head of a file of pages of `size`, width and height, which are not 0.
    pub(super) fn new(out: &'w mut dyn Sink, is_big: bool, size: [u32; 2], pixel: PixelType) -> io::Result<Self> {
        let order: &[u8; 2] = if cfg!(target_endian = "little") { b"II" } else { b"MM" };
        let mut writer = Self { out, is_big, offset: 0, link: if is_big { 8 } else { 4 }, size, pixel };
        writer.bytes(order)?;
        let head: &[u16] = if is_big { &[43, 8, 0] } else { &[42] };
        head.iter().try_for_each(|field| writer.bytes(&field.to_ne_bytes()))?;
        writer.write_offset(0)?;
        Ok(writer)
    }

    /// Writes a page of row-major samples with additional tags.
    pub(super) fn page(&mut self, samples: &[u8], tags: &[(u16, Value<'_>)]) -> io::Result<()> {
        // A page starts at a multiple of four, so that its values are aligned in a mapped file.
        self.bytes(&[0; 3][..(self.offset.wrapping_neg() % 4) as usize])?;
        let [width, height] = self.size;
        let (bits, format) = (self.pixel.bits, self.pixel.format);
        let row = width as usize * bits.iter().map(|&bits| usize::from(bits) / 8).sum::<usize>();
        let rows = STRIP.div_ceil(row);
        let mut entries = Vec::new();
        for (tag, value) in [
            (256, Value::Long(&[width])),
            (257, Value::Long(&[height])),
            (259, Value::Short(&[DEFLATE])),
            (262, Value::Short(&[self.pixel.photometric])),
            (277, Value::Short(&[bits.len() as u16])),
            (278, Value::Long(&[rows as u32])),
            // No predictor, and resolutions without a unit.
            (317, Value::Short(&[1])),
            (296, Value::Short(&[1])),
        ]
        .iter()
        .chain(tags)
        {
            entries.push(self.entry(*tag, *value)?);
        }
        let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
        for strip in samples.chunks(rows * row) {
            offsets.push(self.offset);
            let mut deflated = ZlibEncoder::new(Vec::new(), Compression::new(6));
            deflated.write_all(strip)?;
            self.bytes(&deflated.finish()?)?;
            lengths.push(self.offset - offsets[offsets.len() - 1]);
        }
        entries.push(self.entry(258, Value::Short(bits))?);
        entries.push(self.entry(339, Value::Short(format))?);
        entries.push(self.entry(273, Value::Offsets(&offsets))?);
        entries.push(self.entry(279, Value::Offsets(&lengths))?);
        self.directory(entries)
    }

    /// Writes a value that does not fit into its entry.
    fn entry(&mut self, tag: u16, value: Value<'_>) -> io::Result<Entry> {
        let (kind, size, bytes) = match value {
            Value::Short(values) => (3, 2, bytemuck::cast_slice::<_, u8>(values).to_vec()),
            Value::Long(values) => (4, 4, bytemuck::cast_slice(values).to_vec()),
            Value::Offsets(values) if self.is_big => (16, 8, bytemuck::cast_slice(values).to_vec()),
            Value::Offsets(values) => {
                let short = values.iter().map(|&offset| offset_32(offset)).collect::<io::Result<Vec<_>>>()?;
                (4, 4, bytemuck::cast_slice(&short).to_vec())
            }
            Value::Rational(parts) => (5, 8, bytemuck::cast_slice(&parts).to_vec()),
            Value::Text(text) => (2, 1, [text.as_bytes(), &[0]].concat()),
            Value::Bytes(bytes) => (1, 1, bytes.to_vec()),
        };
        let mut entry = Entry { tag, kind, count: (bytes.len() / size) as u64, value: [0; 8] };
        if bytes.len() <= self.offset_size() {
            entry.value[..bytes.len()].copy_from_slice(&bytes);
        } else if self.is_big {
            entry.value = self.offset.to_ne_bytes();
            self.bytes(&bytes)?;
        } else {
            entry.value[..4].copy_from_slice(&offset_32(self.offset)?.to_ne_bytes());
            self.bytes(&bytes)?;
        }
        Ok(entry)
    }

    /// Writes a directory, and its offset where the one before ends.
    fn directory(&mut self, mut entries: Vec<Entry>) -> io::Result<()> {
        let start = self.offset;
        // Readers require ascending tags.
        let order = cytoshade_core::ascending(entries.iter().map(|entry| usize::from(entry.tag)));
        if self.is_big {
            self.write_offset(entries.len() as u64)?;
        } else {
            self.bytes(&(entries.len() as u16).to_ne_bytes())?;
        }
        for index in order {
            let Entry { tag, kind, count, value } = &mut entries[index];
            self.bytes(&tag.to_ne_bytes())?;
            self.bytes(&kind.to_ne_bytes())?;
            self.write_offset(*count)?;
            self.bytes(&value[..self.offset_size()])?;
        }
        let end = self.offset;
        self.out.seek(SeekFrom::Start(self.link))?;
        self.write_offset(start)?;
        self.out.seek(SeekFrom::Start(end))?;
        (self.offset, self.link) = (end, end);
        self.write_offset(0)
    }

    fn offset_size(&self) -> usize {
        if self.is_big { 8 } else { 4 }
    }

    /// Writes an offset or a count.
    fn write_offset(&mut self, offset: u64) -> io::Result<()> {
        if self.is_big { self.bytes(&offset.to_ne_bytes()) } else { self.bytes(&offset_32(offset)?.to_ne_bytes()) }
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.offset += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

fn offset_32(offset: u64) -> io::Result<u32> {
    let message = "the TIFF exceeds 4 GiB, the limit of its classic form; save fewer planes in one file";
    u32::try_from(offset).map_err(|_| io::Error::other(message))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tiff::decoder::{Decoder, DecodingResult};

    use super::*;
    use crate::{Pages, ReadOptions, read_bytes};

    /// Both forms, with several strips and pages, through this crate's reader and another.
    #[test]
    fn pages_are_read_in_both_forms() {
        let (width, height) = (700, 1900);
        let page = |seed: u32| -> Vec<u16> { (0..width * height).map(|at| (at * 37 + seed) as u16).collect() };
        let pages = [page(0), page(9)];
        for is_big in [false, true] {
            let mut file = Cursor::new(Vec::new());
            let mut writer = PageWriter::new(&mut file, is_big, [width, height], PixelType::GRAY_16).unwrap();
            for page in &pages {
                let tags = [(282, Value::Rational([3, 2])), (270, Value::Text("two pages"))];
                writer.page(bytemuck::cast_slice(page), &tags).unwrap();
            }
            let bytes = file.into_inner();
            assert_eq!(bytes[if cfg!(target_endian = "big") { 3 } else { 2 }], if is_big { 43 } else { 42 });
            let read = read_bytes(&bytes, &ReadOptions::pages(Pages::List)).unwrap();
            assert_eq!(read.len(), 2);
            let mut decoder = Decoder::new(Cursor::new(bytes)).unwrap();
            for (index, (page, read)) in pages.iter().zip(&read).enumerate() {
                let expected = page.iter().map(|&value| f32::from(value));
                assert!(read.to_planes(0).unwrap().into_vec().into_iter().eq(expected));
                let DecodingResult::U16(other) = decoder.read_image().unwrap() else { panic!("another type") };
                assert!(other == *page);
                assert!(decoder.strip_count().unwrap() > 2);
                let text = decoder.get_tag_ascii_string(tiff::tags::Tag::ImageDescription).unwrap();
                assert_eq!(text, "two pages");
                assert_eq!(decoder.more_images(), index == 0);
                if decoder.more_images() {
                    decoder.next_image().unwrap();
                }
            }
        }
    }
}
