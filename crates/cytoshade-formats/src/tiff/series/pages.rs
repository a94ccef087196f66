//! The default rule for pages, for files without a description.

use super::new_series;
#[cfg(feature = "microscopy")]
use crate::PixelSize;
use crate::tiff::Tiff;
use crate::tiff::page::{Kind, Page};
use crate::{Axis, AxisKind, LeftOut, Origin, Place, Series};

/// Pages of one kind.
struct Group {
    kind: Kind,
    marked: Option<LeftOut>,
    pages: Vec<usize>,
}

/// One series for each group of pages of one size, type and compression.
///
/// The group with the largest pages, and among these the one with most pages, is selected. The others, smaller copies
/// and masks are left out.
pub(super) fn series(tiff: &Tiff<'_>) -> Vec<Series> {
    let groups = groups(tiff.pages());
    let is_marked = groups.iter().all(|group| group.marked.is_some());
    let area = |group: &Group| (group.kind.width as u64).saturating_mul(group.kind.height as u64);
    let candidates = groups.iter().enumerate().filter(|(_, group)| is_marked || group.marked.is_none());
    let main = candidates.max_by_key(|(at, group)| (area(group), group.pages.len(), std::cmp::Reverse(*at)));
    let Some((main_at, main)) = main else { return Vec::new() };
    let mut all: Vec<Series> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let Some(page) = group.pages.first().and_then(|&page| tiff.pages().get(page)) else { continue };
        let places = group.pages.iter().map(|&page| Some(Place { file: 0, page, plane: 0 })).collect();
        let leading = vec![Axis::new(AxisKind::Page, group.pages.len())];
        let mut series = new_series(leading, page, places, Origin::Pages);
        #[cfg(feature = "microscopy")]
        {
            series.pixel_size = pixel_size(page);
        }
        let is_other_size = (group.kind.width, group.kind.height) != (main.kind.width, main.kind.height);
        let other = if is_other_size { LeftOut::OtherSize } else { LeftOut::OtherKind };
        series.left_out = (at != main_at).then(|| group.marked.unwrap_or(other));
        // The selected group comes first.
        all.insert(if at == main_at { 0 } else { all.len() }, series);
    }
    all
}

fn groups(pages: &[Page]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut of_kind = std::collections::HashMap::new();
    for (at, page) in pages.iter().enumerate() {
        let marked = if page.is_mask() {
            Some(LeftOut::Mask)
        } else if page.is_smaller_copy() {
            Some(LeftOut::SmallerCopy)
        } else {
            None
        };
        let index = *of_kind.entry((page.kind, page.is_mask(), page.is_smaller_copy())).or_insert(groups.len());
        if index == groups.len() {
            groups.push(Group { kind: page.kind, marked, pages: Vec::new() });
        }
        if let Some(group) = groups.get_mut(index) {
            group.pages.push(at);
        }
    }
    groups
}

/// The pages that are neither smaller copies nor masks; all of them if there are no others.
pub(super) fn full_size(pages: &[Page]) -> Vec<usize> {
    let is_full = |at: &usize| pages.get(*at).is_some_and(|page| !page.is_mask() && !page.is_smaller_copy());
    let full: Vec<usize> = (0..pages.len()).filter(is_full).collect();
    if full.is_empty() { (0..pages.len()).collect() } else { full }
}

/// Size of a pixel from the resolution tags.
///
/// The tags are used only if they are in centimetres and give less than 50 micrometres: other values are set by
/// programs for screens and printers.
#[cfg(feature = "microscopy")]
fn pixel_size(page: &Page) -> PixelSize {
    const LARGEST: f64 = 50.0;
    let (x, y, unit) = page.resolution;
    let length = |pixels: Option<f64>| pixels.map(|pixels| 1e4 / pixels).filter(|size| unit == 3 && *size < LARGEST);
    PixelSize { x: length(x), y: length(y), z: None }.checked()
}
