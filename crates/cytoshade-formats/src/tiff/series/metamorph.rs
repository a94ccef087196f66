//! MetaMorph stacks: all planes follow one page, and tags give their number.
//!
//! Source: "MetaMorph Stack (STK) Image File Format" (Meta Imaging Series, 2005); tifffile for the axis of the planes.

use super::{behind, new_series};
use crate::tiff::Tiff;
use crate::tiff::directory::Values;
use crate::{Axis, AxisKind, Error, Format, Limits, Origin, PixelSize, Series};

/// Words in an entry of UIC2: distance (two), date and time of creation, date and time of change.
const WORDS: usize = 6;

/// The series, if the file is a MetaMorph stack.
pub(super) fn series(tiff: &Tiff<'_>, limits: &Limits) -> Result<Option<Series>, Error> {
    let file = tiff.file();
    let Some(page) = tiff.pages().first() else { return Ok(None) };
    // UIC2 has six words per plane, although its type implies two.
    let Some(uic2) = page.vendor.uic2.filter(|uic2| uic2.kind == 5) else { return Ok(None) };
    if tiff.pages().len() > 1 || file.big_endian {
        return Ok(None);
    }
    limits.check_pages(uic2.count)?;
    let planes = uic2.count as usize;
    let bytes = file.source.slice(Format::Tiff, uic2.offset, (planes * WORDS * 4) as u64, "the value of tag 33629")?;
    let words: Vec<u64> = bytes.chunks_exact(4).map(|word| file.unsigned(word)).collect();
    let column = |at: usize| words.iter().skip(at).step_by(WORDS).copied();
    let distances: Vec<f64> = column(0).zip(column(1)).map(|(n, d)| n as f64 / d as f64).collect();
    let times: Vec<u64> = column(3).collect();
    let kind = if distances.iter().all(|distance| *distance != 0.0) {
        AxisKind::Z
    } else if times.windows(2).all(|pair| matches!(pair, [before, after] if before != after)) {
        AxisKind::Time
    } else {
        AxisKind::Page
    };
    let Some(places) = behind(tiff, 0, planes) else { return Ok(None) };
    let mut series = new_series(vec![Axis::new(kind, planes)], page, places, Origin::MetaMorph);
    series.pixel_size = page.vendor.uic1.map_or_else(PixelSize::default, |uic1| calibration(tiff, uic1));
    if kind == AxisKind::Z {
        series.pixel_size.z = distances.first().copied().filter(|distance| distance.is_finite() && *distance > 0.0);
    }
    Ok(Some(series))
}

/// Size of a pixel, from UIC1's pairs of an identifier and a value.
///
/// Identifiers 4 and 5 point to the sizes, and 6 to their unit.
fn calibration(tiff: &Tiff<'_>, uic1: Values) -> PixelSize {
    /// More identifiers than exist.
    const MOST: u64 = 256;
    let file = tiff.file();
    let slice = |offset: u64, length: u64| file.source.slice(Format::Tiff, offset, length, "a value of tag 33628").ok();
    let Some(pairs) = slice(uic1.offset, uic1.count.min(MOST) * 8) else { return PixelSize::default() };
    let words: Vec<u64> = pairs.chunks_exact(4).map(|word| file.unsigned(word)).collect();
    let place = |identifier: u64| {
        let mut pairs = words.as_chunks::<2>().0.iter();
        pairs.find(|[found, _]| *found == identifier).map(|[_, at]| *at).filter(|at| *at >= 8)
    };
    let size = |identifier| {
        let fraction = slice(place(identifier)?, 8)?;
        let (numerator, denominator) = fraction.split_at_checked(4)?;
        Some(file.unsigned(numerator) as f64 / file.unsigned(denominator) as f64)
    };
    let unit = || {
        let at = place(6)?;
        let length = file.unsigned(&slice(at, 4)?).min(64);
        let text = slice(at + 4, length)?;
        super::micrometres(std::str::from_utf8(&text).ok()?.trim_end_matches('\0'))
    };
    let Some(unit) = unit() else { return PixelSize::default() };
    let length = |identifier| size(identifier).map(|size| size * unit);
    PixelSize { x: length(4), y: length(5), z: None }.checked()
}
