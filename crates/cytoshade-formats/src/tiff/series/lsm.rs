//! Zeiss LSM: a tag gives the lengths of the axes; a thumbnail follows each page.
//!
//! Source: "LSM image file format" (Zeiss, release 6.0); tifffile for the layout of the tag.

use super::{count, listed, new_series, pages};
use crate::tiff::Tiff;
use crate::{Axis, AxisKind, Error, Format, Limits, Origin, PixelSize, Series, Warning};

/// Bytes of the tag up to the last value used here.
const LENGTH: u64 = 272;

/// The series, if the file is a Zeiss LSM file.
pub(super) fn series(
    tiff: &mut Tiff<'_>,
    limits: &Limits,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Series>, Error> {
    let Some(tag) = tiff.pages().first().and_then(|page| page.vendor.lsm) else { return Ok(None) };
    let file = tiff.file();
    let length = tag.length().min(LENGTH);
    let bytes = file.source.slice(Format::Tiff, tag.offset, length, "the value of tag 34412")?;
    let integer = |at: usize, size: usize| bytes.get(at..at + size).map_or(0, |bytes| file.unsigned(bytes) as usize);
    let real = |at: usize| bytes.get(at..at + 8).map(|bytes| f64::from_bits(file.unsigned(bytes)) * 1e6);
    let dimension = |at| integer(at, 4).max(1);
    let (z, channels, time) = (dimension(16), dimension(20), dimension(24));
    let (positions, mosaics) = (dimension(264), dimension(268));
    let pixel_size = PixelSize { x: real(40), y: real(48), z: real(56) }.checked();
    let order: &[AxisKind] = match integer(88, 2) {
        0 => &[AxisKind::Z, AxisKind::Channel],
        3 => &[AxisKind::Time, AxisKind::Channel],
        6 | 7 => &[AxisKind::Time, AxisKind::Z, AxisKind::Channel],
        // Line scans and planes along Z have no rows.
        _ => return Ok(None),
    };
    let pages = pages::full_size(tiff.pages());
    let Some(page) = pages.first().and_then(|&first| tiff.pages().get(first)) else { return Ok(None) };
    let samples = page.kind.samples;
    let mut axes = vec![Axis::new(AxisKind::Other('M'), mosaics), Axis::new(AxisKind::Position, positions)];
    axes.extend(order.iter().map(|&kind| {
        Axis::new(
            kind,
            match kind {
                AxisKind::Z => z,
                AxisKind::Time => time,
                // The channels are the samples of the pages.
                _ if samples > 1 => 1,
                _ => channels,
            },
        )
    }));
    let stated = count(&axes, limits)?;
    if pages.iter().any(|&at| tiff.pages().get(at).is_none_or(|other| other.kind != page.kind)) {
        return Ok(None);
    }
    let mut series = new_series(axes, page, listed(&pages, stated, warnings), Origin::Lsm);
    series.axes.iter_mut().filter(|axis| axis.kind == AxisKind::Sample).for_each(|axis| axis.kind = AxisKind::Channel);
    series.pixel_size = pixel_size;
    let is_compressed = page.kind.compression != 1;
    drop(bytes);
    for at in pages {
        if let Some(page) = tiff.pages_mut().get_mut(at) {
            page.clip_counts = is_compressed;
        }
    }
    Ok(Some(series))
}
