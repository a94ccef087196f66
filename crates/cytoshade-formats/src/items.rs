//! The images and stacks that a selection takes, in order.

use crate::arrange::{Arrangement, Role};
use crate::{Error, Limits, Pages, Selection, Series};

/// An image, or a stack of z-slices, in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The series, from 0.
    pub series: usize,
    /// True if the selection takes more than one series.
    pub is_of_several: bool,
    /// The number of the image in its series, from 0, if the series has several.
    pub list: Option<usize>,
    /// The time point, from 0, if the series has several.
    pub time: Option<usize>,
    /// Number of z-slices: 1 for an image.
    pub slices: usize,
    /// Number of channels.
    pub channels: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// The index along each axis; 0 along the axes of the image itself.
    pub(crate) index: Vec<usize>,
    pub(crate) roles: Arrangement,
}

/// The items of a selection.
pub(crate) fn items(all: &[Series], selection: &Selection, limits: &Limits) -> Result<Vec<Item>, Error> {
    let chosen: Vec<(usize, &Series)> = match selection.series {
        Some(number) => match all.get(number) {
            Some(series) => vec![(number, series)],
            None => return Err(Error::NoSuchSeries { number, series: all.len() }),
        },
        None => all.iter().enumerate().filter(|(_, series)| is_taken(series, selection)).collect(),
    };
    let mut groups = Vec::new();
    let mut count = 0;
    for (number, series) in &chosen {
        let roles = Arrangement::new(series, selection)?;
        let several = chosen.len() > 1 && selection.pages != Pages::List;
        let items = of_series(*number, series, &roles, several, limits)?;
        count += items.len();
        limits.check_pages(count as u64)?;
        groups.push(items);
    }
    // Pages of all kinds form one list.
    let is_one_list = groups.len() > 1 && selection.pages == Pages::List;
    Ok(if is_one_list { in_order_of_pages(all, groups) } else { groups.concat() })
}

/// Sorts the items of several series by their pages.
fn in_order_of_pages(all: &[Series], groups: Vec<Vec<Item>>) -> Vec<Item> {
    let page = |item: &Item| {
        let series = all.get(item.series)?;
        let place = series.places().get(frame(series, &item.index)?).copied().flatten()?;
        Some((place.file, place.page, place.plane))
    };
    let mut groups: Vec<_> = groups.into_iter().map(|items| items.into_iter().peekable()).collect();
    let mut items = Vec::new();
    loop {
        let heads = groups.iter_mut().enumerate().filter_map(|(at, group)| Some((at, page(group.peek()?))));
        let Some((first, _)) = heads.min_by_key(|(_, page)| *page) else { return items };
        if let Some(item) = groups.get_mut(first).and_then(Iterator::next) {
            items.push(Item { list: Some(items.len()), ..item });
        }
    }
}

fn is_taken(series: &Series, selection: &Selection) -> bool {
    use crate::LeftOut::{OtherKind, OtherSize};
    match series.left_out {
        None => true,
        // Each page is requested.
        Some(OtherSize | OtherKind) => selection.pages == Pages::List,
        Some(_) => false,
    }
}

/// The number of the frame that holds an element.
pub(crate) fn frame(series: &Series, index: &[usize]) -> Option<usize> {
    let leading = series.axes.len().checked_sub(series.frame_rank)?;
    series
        .axes
        .iter()
        .zip(index)
        .take(leading)
        .try_fold(0usize, |frame, (axis, index)| frame.checked_mul(axis.length)?.checked_add(*index))
}

fn of_series(
    number: usize,
    series: &Series,
    roles: &Arrangement,
    is_of_several: bool,
    limits: &Limits,
) -> Result<Vec<Item>, Error> {
    let length = |at: usize| series.axes.get(at).map_or(1, |axis| axis.length);
    let of = |role: Role| roles.roles.iter().enumerate().filter(move |(_, found)| **found == role).map(|(at, _)| at);
    let product = |role| of(role).fold(1u64, |product, at| product.saturating_mul(length(at) as u64));
    let (lists, times, channels) = (product(Role::List), product(Role::Time), product(Role::Channel));
    limits.check_pages(lists.saturating_mul(times))?;
    let mut items = Vec::new();
    for list in 0..lists as usize {
        let mut index = vec![0; series.axes.len()];
        let mut rest = list;
        for at in of(Role::List).collect::<Vec<_>>().into_iter().rev() {
            if let Some(slot) = index.get_mut(at) {
                *slot = rest % length(at);
                rest /= length(at);
            }
        }
        for time in 0..times as usize {
            let mut index = index.clone();
            of(Role::Time).for_each(|at| index[at] = time);
            items.push(Item {
                series: number,
                is_of_several,
                list: (lists > 1).then_some(list),
                time: (times > 1).then_some(time),
                slices: product(Role::Z) as usize,
                channels: channels as usize,
                height: roles.position(Role::Y).map_or(1, length),
                width: roles.position(Role::X).map_or(1, length),
                index,
                roles: roles.clone(),
            });
        }
    }
    Ok(items)
}
