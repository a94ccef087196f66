//! The series of a TIFF.

use super::Tiff;
use super::directory::Values;
use super::page::Page;
use crate::series::Frames;
use crate::siblings::Siblings;
use crate::{Axis, AxisKind, Error, LeftOut, Limits, Origin, PixelSize, Place, Series, Warning};

mod imagej;
#[cfg(feature = "microscopy")]
mod lsm;
#[cfg(feature = "microscopy")]
mod metamorph;
#[cfg(feature = "microscopy")]
mod ome;
#[cfg(feature = "microscopy")]
mod ome_planes;
mod pages;
mod shaped;
mod shaped_pages;

/// Reads the series of a file from the first source that describes them.
pub(super) fn series(
    tiff: &mut Tiff<'_>,
    siblings: &Siblings,
    limits: &Limits,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Series>, Error> {
    let copies: u64 = tiff.pages().iter().map(|page| page.copies).sum();
    let found = described(tiff, siblings, limits, warnings)?;
    let series = match found {
        Some(series) if !series.is_empty() => series,
        _ => pages::series(tiff),
    };
    let mut planes = 0u64;
    for (index, series) in series.iter().enumerate() {
        planes = planes.saturating_add(series.places().len() as u64);
        limits.check_pages(planes)?;
        let missing = series.missing_planes();
        if missing > 0 {
            warnings.push(Warning::MissingPlanes { series: index, missing, stated: series.places().len() });
        }
    }
    for why in [LeftOut::SmallerCopy, LeftOut::Mask, LeftOut::OtherSize, LeftOut::OtherKind] {
        let pages: usize =
            series.iter().filter(|series| series.left_out == Some(why)).map(|one| one.places().len()).sum();
        let below = if why == LeftOut::SmallerCopy { usize::try_from(copies).unwrap_or(usize::MAX) } else { 0 };
        if pages.saturating_add(below) > 0 {
            warnings.push(Warning::LeftOut { pages: pages.saturating_add(below), why });
        }
    }
    Ok(series)
}

/// The series in descriptions and vendors' tags; `None` without any, or if the pages do not match.
fn described(
    tiff: &mut Tiff<'_>,
    siblings: &Siblings,
    limits: &Limits,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Vec<Series>>, Error> {
    let descriptions = tiff.pages().first().map(|page| page.descriptions).unwrap_or_default();
    let text = |tiff: &Tiff<'_>, values: Option<Values>| {
        values.map_or_else(|| Ok(String::new()), |values| tiff.file().text(values, limits))
    };
    #[cfg(feature = "microscopy")]
    {
        let first = text(tiff, descriptions[0])?;
        if is_ome(&first)
            && let Some(series) = ome_planes::series(tiff, &first, siblings, limits, warnings)?
        {
            return Ok(Some(series));
        }
    }
    #[cfg(not(feature = "microscopy"))]
    let _ = siblings;
    for values in descriptions {
        let text = text(tiff, values)?;
        if let Some(header) = imagej::Header::parse(&text)
            && let Some(series) = imagej_series(tiff, (&text, &header), limits, warnings)?
        {
            return Ok(Some(vec![series]));
        }
        if let Some(description) = shaped::Description::parse(&text)
            && let Some(series) = shaped_pages::series(tiff, description, limits)?
        {
            return Ok(Some(series));
        }
    }
    #[cfg(feature = "microscopy")]
    {
        if let Some(series) = metamorph::series(tiff, limits)? {
            return Ok(Some(vec![series]));
        }
        if let Some(series) = lsm::series(tiff, limits, warnings)? {
            return Ok(Some(vec![series]));
        }
    }
    Ok(None)
}

/// True for OME-XML, which ends with its root element.
#[cfg(feature = "microscopy")]
fn is_ome(text: &str) -> bool {
    text.trim_end().ends_with("OME>") && text.contains("<")
}

/// Micrometres per unit of length, by ImageJ's or OME's name of the unit.
#[cfg(feature = "microscopy")]
fn micrometres(unit: &str) -> Option<f64> {
    Some(match unit.trim() {
        "m" => 1e6,
        "dm" => 1e5,
        "cm" => 1e4,
        "mm" => 1e3,
        // ImageJ escapes the micro sign in its own way.
        "µm" | "μm" | "um" | "micron" | "microns" | "micrometer" | "\\u00B5m" => 1.0,
        "nm" => 1e-3,
        "pm" => 1e-6,
        "Å" | "\u{212b}" => 1e-4,
        "in" | "inch" => 25_400.0,
        _ => return None,
    })
}

/// The axes within a page.
fn frame_axes(page: &Page) -> Vec<Axis> {
    let (y, x) = (Axis::new(AxisKind::Y, page.kind.height), Axis::new(AxisKind::X, page.kind.width));
    let sample = Axis::new(AxisKind::Sample, page.kind.samples);
    match (page.kind.samples, page.kind.planar) {
        (1, _) => vec![y, x],
        (_, true) => vec![sample, y, x],
        (_, false) => vec![y, x, sample],
    }
}

/// A series of pages like `page`, counted by `leading` axes; those of length 1 are dropped.
fn new_series(leading: Vec<Axis>, page: &Page, places: Vec<Option<Place>>, origin: Origin) -> Series {
    let frame = frame_axes(page);
    let frame_rank = frame.len();
    let mut axes: Vec<Axis> = leading.into_iter().filter(|axis| axis.length > 1).collect();
    axes.extend(frame);
    Series {
        name: String::new(),
        axes,
        sample_type: page.kind.sample_type,
        pixel_size: PixelSize::default(),
        channel_names: Vec::new(),
        origin,
        left_out: None,
        frames: Frames::Pages(places),
        frame_rank,
    }
}

/// The number of planes along these axes, within the limits.
fn count(axes: &[Axis], limits: &Limits) -> Result<usize, Error> {
    let planes = axes.iter().fold(1u64, |planes, axis| planes.saturating_mul(axis.length as u64));
    limits.check_pages(planes)?;
    Ok(planes as usize)
}

/// The places of up to `stated` consecutive planes behind one page, as far as the file reaches.
fn behind(tiff: &Tiff<'_>, page: usize, stated: usize) -> Option<Vec<Option<Place>>> {
    let (file, found) = (tiff.file(), tiff.pages().get(page)?);
    if found.kind.compression != 1 {
        return None;
    }
    let bits = found.kind.sample_type.bits.checked_mul(found.interleaved())?;
    let row = (found.kind.width as u64).checked_mul(bits as u64)?.div_ceil(8);
    let bytes = row.checked_mul(found.kind.height as u64)?.checked_mul(found.planes() as u64)?;
    let first = file.list(found.offsets?, 1).ok()?.first().copied()?;
    let held = file.source.len().checked_sub(first)?.checked_div(bytes)?;
    let place = |plane: usize| ((plane as u64) < held).then_some(Place { file: 0, page, plane });
    Some((0..stated).map(place).collect())
}

/// The places of pages, whose number may differ from the stated one.
fn listed(pages: &[usize], stated: usize, warnings: &mut Vec<Warning>) -> Vec<Option<Place>> {
    if pages.len() > stated {
        warnings.push(Warning::SurplusPages { surplus: pages.len() - stated, stated });
    }
    (0..stated).map(|at| pages.get(at).map(|&page| Place { file: 0, page, plane: 0 })).collect()
}

fn imagej_series(
    tiff: &Tiff<'_>,
    (text, header): (&str, &imagej::Header),
    limits: &Limits,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Series>, Error> {
    let pages = pages::full_size(tiff.pages());
    let Some(page) = pages.first().and_then(|&first| tiff.pages().get(first)) else { return Ok(None) };
    let Some(axes) = header.axes(pages.len(), page.kind.samples) else {
        let why = "the number of images is none that its channels, slices and frames make".into();
        warnings.push(Warning::Description { why });
        return Ok(None);
    };
    let stated = count(&axes, limits)?;
    // ImageJ writes stacks over 4 GiB behind one page.
    let contiguous = if pages.len() == 1 && stated > 1 { behind(tiff, 0, stated) } else { None };
    let alike = pages.iter().all(|&at| tiff.pages().get(at).is_some_and(|other| other.kind == page.kind));
    if contiguous.is_none() && !alike {
        warnings.push(Warning::Description { why: "its pages differ in size or type".into() });
        return Ok(None);
    }
    let places = contiguous.unwrap_or_else(|| listed(&pages, stated, warnings));
    #[cfg(feature = "microscopy")]
    let channel_names = imagej::channel_names(tiff.file(), &page.vendor, &axes);
    let series = new_series(axes, page, places, Origin::ImageJ);
    #[cfg(feature = "microscopy")]
    let series =
        Series { pixel_size: imagej::pixel_size(text, page.resolution.0, page.resolution.1), channel_names, ..series };
    #[cfg(not(feature = "microscopy"))]
    let _ = text;
    Ok(Some(series))
}
