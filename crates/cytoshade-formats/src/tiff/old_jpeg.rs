//! Old-style JPEG (compression 6), as first described in TIFF 6.0.
//!
//! A page is a whole JPEG file, or strips of entropy-coded data with separate tables.
//!
//! Source: TIFF 6.0 (Adobe, 1992), section 22; TIFF Technical Note 2 (1995) on the practice of writers.

use super::directory::{Directory, File, Tag, Values, damaged};
use super::page::{Page, YCBCR};
use super::plan::Chunk;
use crate::{Error, Format};

/// The tags of an old-style JPEG page.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OldJpeg {
    /// Offset and length of a whole JPEG file.
    interchange: Option<(u64, Option<u64>)>,
    process: u64,
    restart_interval: u64,
    quantization: Option<Values>,
    dc: Option<Values>,
    ac: Option<Values>,
}

impl OldJpeg {
    pub(super) fn new(directory: &Directory<'_, '_>) -> Result<Self, Error> {
        if directory.number(Tag::Compression)? != Some(6) {
            return Ok(Self::default());
        }
        let number = |tag| directory.number(tag);
        let length = number(Tag::JpegInterchangeLength)?;
        Ok(Self {
            interchange: number(Tag::JpegInterchange)?.filter(|at| *at != 0).map(|at| (at, length)),
            process: number(Tag::JpegProc)?.unwrap_or(1),
            restart_interval: number(Tag::JpegRestartInterval)?.unwrap_or(0),
            quantization: directory.integers(Tag::JpegQTables)?,
            dc: directory.integers(Tag::JpegDcTables)?,
            ac: directory.integers(Tag::JpegAcTables)?,
        })
    }

    /// True if one JPEG file may form the whole page.
    pub(super) fn is_whole(&self) -> bool {
        self.interchange.is_some()
    }

    /// The JPEG file that forms the whole page, if the tags point to one.
    pub(super) fn whole(&self, file: &File<'_>) -> Option<Chunk> {
        let (offset, length) = self.interchange?;
        let mut start = [0; 2];
        file.source.check(Format::Tiff, offset, 2, "the JPEG file").ok()?;
        file.source.read(offset, &mut start).ok()?;
        let most = file.source.len().saturating_sub(offset);
        let length = length.filter(|length| (2..=most).contains(length)).unwrap_or(most);
        (start == [0xff, 0xd8]).then_some(Chunk { offset, length })
    }
}

/// Assembles a JPEG file for a strip or tile from the page's tables and the stored data.
pub(super) fn stream(file: &File<'_>, page: &Page, stored: &[u8]) -> Result<Vec<u8>, Error> {
    if stored.starts_with(&[0xff, 0xd8]) {
        return Ok(stored.to_vec());
    }
    let old = &page.old_jpeg;
    if old.process != 1 {
        return Err(Error::unsupported(
            Format::Tiff,
            format!("JPEG of process {}", old.process),
            "baseline (process 1)",
        ));
    }
    let samples = page.interleaved();
    let mut out = vec![0xff, 0xd8];
    for (index, table) in tables(file, old.quantization, samples, |_| 64)?.iter().enumerate() {
        segment(&mut out, 0xdb, &[&[index as u8], &table[..]].concat());
    }
    frame(&mut out, page, stored)?;
    for (class, values) in [(0x00, old.dc), (0x10, old.ac)] {
        let codes = |counts: &[u8]| 16 + counts.iter().map(|count| u64::from(*count)).sum::<u64>();
        for (index, table) in tables(file, values, samples, codes)?.iter().enumerate() {
            segment(&mut out, 0xc4, &[&[class | index as u8], &table[..]].concat());
        }
    }
    if old.restart_interval > 0 {
        segment(&mut out, 0xdd, &(old.restart_interval.min(65_535) as u16).to_be_bytes());
    }
    let mut scan = vec![samples as u8];
    (0..samples).for_each(|at| scan.extend([at as u8, (at as u8) << 4 | at as u8]));
    scan.extend([0, 63, 0]);
    segment(&mut out, 0xda, &scan);
    out.extend(stored);
    if !stored.ends_with(&[0xff, 0xd9]) {
        out.extend([0xff, 0xd9]);
    }
    Ok(out)
}

fn frame(out: &mut Vec<u8>, page: &Page, _stored: &[u8]) -> Result<(), Error> {
    let side = |n: u64| u16::try_from(n).map_err(|_| damaged("a JPEG strip has a side over 65,535 pixels"));
    let (height, width) = (side(page.chunk_height)?, side(page.chunk_width)?);
    let samples = page.interleaved();
    let mut frame = vec![8];
    frame.extend(height.to_be_bytes());
    frame.extend(width.to_be_bytes());
    frame.push(samples as u8);
    for at in 0..samples {
        let (across, down) = if at == 0 && samples == 3 && page.kind.photometric == YCBCR {
            (page.subsampling.0.clamp(1, 4) as u8, page.subsampling.1.clamp(1, 4) as u8)
        } else {
            (1, 1)
        };
        frame.extend([at as u8, across << 4 | down, at as u8]);
    }
    segment(out, 0xc0, &frame);
    Ok(())
}

fn segment(out: &mut Vec<u8>, marker: u8, content: &[u8]) {
    out.extend([0xff, marker]);
    out.extend(((content.len() + 2) as u16).to_be_bytes());
    out.extend(content);
}

/// The tables of the components. Their first 16 bytes give their length.
fn tables(
    file: &File<'_>,
    places: Option<Values>,
    samples: usize,
    length: impl Fn(&[u8]) -> u64,
) -> Result<Vec<Vec<u8>>, Error> {
    let Some(places) = places else { return Err(damaged("a JPEG page does not state the positions of its tables")) };
    let places = file.numbers(places, 4)?;
    if places.len() < samples || samples > 4 {
        return Err(damaged(format!("a JPEG page lists {} tables for {samples} components", places.len())));
    }
    places
        .iter()
        .take(samples)
        .map(|&place| {
            let slice = |length| file.source.slice(Format::Tiff, place, length, "a JPEG table");
            let length = length(&slice(16)?);
            if length > 16 + 16 * 255 {
                return Err(damaged("a JPEG table is too long"));
            }
            Ok(slice(length)?.into_owned())
        })
        .collect()
}
