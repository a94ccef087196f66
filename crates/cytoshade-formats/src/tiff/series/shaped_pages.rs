//! Finds the planes of the series that tifffile describes.

use super::shaped::Description;
use super::{behind, frame_axes};
use crate::series::Frames;
use crate::tiff::Tiff;
use crate::{Axis, AxisKind, Error, Limits, Origin, PixelSize, Place, Series};

/// The series, each described by its first page; `None` if they do not match the pages.
pub(super) fn series(tiff: &Tiff<'_>, first: Description, limits: &Limits) -> Result<Option<Vec<Series>>, Error> {
    let mut all = Vec::new();
    let mut at = 0;
    let mut next = Some(first);
    while let Some(page) = tiff.pages().get(at) {
        let description = match next.take() {
            Some(description) => description,
            None => {
                let mut found = None;
                for values in page.descriptions.into_iter().flatten() {
                    found = found.or(Description::parse(&tiff.file().text(values, limits)?));
                }
                let Some(found) = found else { return Ok(None) };
                found
            }
        };
        let Some((series, pages)) = one(tiff, at, &description, limits)? else { return Ok(None) };
        all.push(series);
        at += pages;
    }
    Ok(Some(all))
}

/// One series, and the number of its pages.
fn one(
    tiff: &Tiff<'_>,
    at: usize,
    description: &Description,
    limits: &Limits,
) -> Result<Option<(Series, usize)>, Error> {
    let Some(page) = tiff.pages().get(at) else { return Ok(None) };
    let product = |lengths: &[usize]| lengths.iter().try_fold(1usize, |product, length| product.checked_mul(*length));
    let frame = frame_axes(page);
    let frame_shape: Vec<usize> = frame.iter().map(|axis| axis.length).collect();
    let (Some(elements), Some(in_page)) = (product(&description.shape), product(&frame_shape)) else { return Ok(None) };
    if in_page == 0 || !elements.is_multiple_of(in_page) {
        return Ok(None);
    }
    let stated = elements / in_page;
    limits.check_pages(stated as u64)?;
    // The last axes are those of a page.
    let Some(frame_rank) = (1..=description.shape.len())
        .find(|rank| description.shape.get(description.shape.len() - rank..).and_then(product) == Some(in_page))
    else {
        return Ok(None);
    };
    let left = tiff.pages().len() - at;
    let (places, pages) = if stated > 1
        && (description.truncated || left < stated)
        && let Some(places) = behind(tiff, at, stated)
    {
        (places, 1)
    } else {
        let place = |index| (index < left).then_some(Place { file: 0, page: at + index, plane: 0 });
        ((0..stated).map(place).collect(), stated.min(left))
    };
    let differs = |place: &Place| tiff.pages().get(place.page).is_none_or(|other| other.kind != page.kind);
    if places.iter().flatten().any(differs) {
        return Ok(None);
    }
    let mut axes = axes(description, &frame);
    let mut frame_rank = frame_rank;
    // A page may be less than a plane, such as one row; the axes show this.
    if axes.len() < 2 {
        axes.insert(0, Axis::new(AxisKind::Y, 1));
        frame_rank = axes.len();
    }
    let series = Series {
        name: String::new(),
        axes,
        sample_type: page.kind.sample_type,
        pixel_size: PixelSize::default(),
        channel_names: Vec::new(),
        origin: Origin::Tifffile,
        left_out: None,
        frames: Frames::Pages(places),
        frame_rank,
    };
    Ok(Some((series, pages)))
}

/// The axes by name: those in the description, else those of the page preceded by unnamed ones.
fn axes(description: &Description, frame: &[Axis]) -> Vec<Axis> {
    let shape = &description.shape;
    let named: Option<Vec<AxisKind>> =
        description.axes.as_ref().and_then(|letters| letters.chars().map(AxisKind::from_letter).collect());
    if let Some(named) = named.filter(|named| named.len() == shape.len()) {
        return named.into_iter().zip(shape).map(|(kind, &length)| Axis::new(kind, length)).collect();
    }
    let leading = shape.len().saturating_sub(frame.len());
    let is_frame = shape.get(leading..).is_some_and(|last| last.iter().eq(frame.iter().map(|axis| &axis.length)));
    let kind = |at: usize| match at.checked_sub(leading).and_then(|at| frame.get(at)) {
        Some(axis) if is_frame => axis.kind,
        _ => AxisKind::Unknown,
    };
    shape.iter().enumerate().map(|(at, &length)| Axis::new(kind(at), length)).collect()
}
