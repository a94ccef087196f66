//! ImageJ's regions of interest: a ZIP archive of `.roi` files.

use std::io::{Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::outlines::{Outline, outlines};
use crate::{Error, Labels};

/// ImageJ's version of the format that has all that is written here.
const VERSION: i16 = 227;
const FREEHAND: u8 = 7;
/// Labels of overlays, with a background behind them: what `roifile` sets for regions made of points.
const OVERLAY_LABELS: i16 = 8 | 32;
const SUB_PIXEL_RESOLUTION: i16 = 128;
/// Past this, coordinates do not fit the 16 bits of the old part of the format.
const LARGEST: u32 = 60_535;
const HEADER: usize = 64;
const HEADER2: usize = 64;

/// Writes the outline of every cell as ImageJ and Fiji open them: a ZIP archive with a freehand region `LABEL.roi` for
/// each cell, as the reference's `io.save_rois` does. Cells without an outline (see [`outlines`]) are left out, as the
/// reference leaves them out.
///
/// # Errors
/// [`Error::Write`].
pub fn write_rois<W: Write + Seek>(out: W, labels: &Labels) -> Result<(), Error> {
    let mut archive = ZipWriter::new(out);
    // The same cells give the same bytes on any day.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    for outline in outlines(labels).iter().filter(|outline| !outline.points.is_empty()) {
        let name = format!("{:06}", outline.label);
        archive.start_file(format!("{name}.roi"), options).map_err(write_error)?;
        archive.write_all(&roi(outline, &name)).map_err(Error::Write)?;
    }
    archive.finish().map_err(write_error)?.flush().map_err(Error::Write)
}

fn write_error(error: zip::result::ZipError) -> Error {
    Error::Write(error.into())
}

/// A `.roi` file: header, coordinates, second header, name; all numbers big-endian.
///
/// Source: ImageJ's `ij/io/RoiEncoder.java`.
fn roi(outline: &Outline, name: &str) -> Vec<u8> {
    let points = &outline.points;
    let bounds = |axis: usize| {
        let along = points.iter().map(|point| point[axis]);
        (along.clone().min().unwrap_or(0), along.max().unwrap_or(0))
    };
    let ((left, right), (top, bottom)) = (bounds(0), bounds(1));
    let is_large = right.max(bottom) > LARGEST;
    let mut bytes = b"Iout".to_vec();
    bytes.extend(VERSION.to_be_bytes());
    bytes.extend([FREEHAND, 0]);
    for side in [top, left, bottom + 1, right + 1] {
        bytes.extend((side as u16).to_be_bytes());
    }
    bytes.extend(u16::try_from(points.len()).unwrap_or(0).to_be_bytes());
    // Where the count does not fit above, it is here.
    let count = if points.len() > usize::from(u16::MAX) { points.len() as u32 } else { 0 };
    bytes.extend(count.to_be_bytes());
    // To the options: the rest of the place for floats, the stroke's width, a size, two colors, the subtype.
    bytes.extend([0; 12 + 2 + 4 + 4 + 4 + 2]);
    let options = OVERLAY_LABELS | if is_large { SUB_PIXEL_RESOLUTION } else { 0 };
    bytes.extend(options.to_be_bytes());
    // Arrow's style and head, the rectangle's arc, the position in a stack.
    bytes.extend([0; 1 + 1 + 2 + 4]);
    let coordinates = points.len() * if is_large { 2 * (2 + 4) } else { 2 * 2 };
    let header2 = HEADER + coordinates;
    bytes.extend((header2 as u32).to_be_bytes());
    for (axis, start) in [(0, left), (1, top)] {
        bytes.extend(points.iter().flat_map(|point| ((point[axis] - start) as u16).to_be_bytes()));
    }
    if is_large {
        for axis in [0, 1] {
            bytes.extend(points.iter().flat_map(|point| (point[axis] as f32).to_be_bytes()));
        }
    }
    let units: Vec<u16> = name.encode_utf16().collect();
    // Channel, slice and frame.
    bytes.extend([0; 4 + 4 + 4 + 4]);
    bytes.extend(((header2 + HEADER2) as u32).to_be_bytes());
    bytes.extend((units.len() as u32).to_be_bytes());
    bytes.resize(header2 + HEADER2, 0);
    bytes.extend(units.iter().flat_map(|unit| unit.to_be_bytes()));
    bytes
}
