//! Filling holes and dropping small masks (the reference's `utils.fill_holes_and_remove_small_masks`).

use cytoshade_core::Labels;

use crate::flow_error::{Bounds, bounds};
use crate::masks::{renumber, sizes};

/// Drops masks of fewer than `min_size` pixels, fills the holes of the others, drops again and renumbers. A `min_size`
/// of 0 drops none.
///
/// A hole is background, or another mask, that does not reach the mask's bounds over its four neighbours. Labels come
/// out as 1, 2, ... without gaps.
pub fn fill_holes_and_remove_small(labels: &mut Labels, min_size: usize) {
    remove_small(labels, min_size);
    fill_holes(labels);
    remove_small(labels, min_size);
    close_gaps(labels);
}

/// Drops small masks as the reference does: it counts the labels that are there, skips the first count (taken for the
/// background's), and drops label `k` where the `k`-th count is too small. Where labels have gaps, as after the flow
/// check, that is another mask than the small one; the second pass, without gaps, finds the small one.
fn remove_small(labels: &mut Labels, min_size: usize) {
    if min_size == 0 {
        return;
    }
    let present = sizes(labels).into_iter().filter(|&size| size > 0);
    let dropped: Vec<bool> = std::iter::once(false).chain(present.skip(1).map(|size| size < min_size)).collect();
    for label in labels.as_mut_slice() {
        if dropped.get(*label as usize) == Some(&true) {
            *label = 0;
        }
    }
    renumber(labels);
}

fn fill_holes(labels: &mut Labels) {
    let mut new = 0;
    for (index, bounds) in bounds(labels).into_iter().enumerate() {
        if let Some(bounds) = bounds {
            new += 1;
            fill(labels, index as u32 + 1, new, bounds);
        }
    }
}

/// Gives the label's pixels, and all that they enclose within the bounds, the label `new`. A label whose pixels an
/// earlier mask has swallowed encloses nothing.
fn fill(labels: &mut Labels, label: u32, new: u32, bounds: Bounds) {
    let Bounds { top, bottom, left, right } = bounds;
    let (height, width, stride) = (bottom - top, right - left, labels.width());
    let all = labels.as_mut_slice();
    // What the outside reaches.
    let mut outside = vec![false; height * width];
    let mut reached: Vec<usize> = Vec::new();
    let is_label = |all: &[u32], at: usize| all[(top + at / width) * stride + left + at % width] == label;
    let edge = (0..width)
        .flat_map(|x| [x, (height - 1) * width + x])
        .chain((0..height).flat_map(|y| [y * width, y * width + width - 1]));
    for at in edge {
        if !outside[at] && !is_label(all, at) {
            outside[at] = true;
            reached.push(at);
        }
    }
    while let Some(at) = reached.pop() {
        let (y, x) = (at / width, at % width);
        let neighbours = [
            (y > 0).then(|| at - width),
            (y + 1 < height).then(|| at + width),
            (x > 0).then(|| at - 1),
            (x + 1 < width).then(|| at + 1),
        ];
        for at in neighbours.into_iter().flatten() {
            if !outside[at] && !is_label(all, at) {
                outside[at] = true;
                reached.push(at);
            }
        }
    }
    for (at, _) in outside.iter().enumerate().filter(|&(_, &outside)| !outside) {
        all[(top + at / width) * stride + left + at % width] = new;
    }
}

/// Numbers the labels without gaps, keeping their order.
fn close_gaps(labels: &mut Labels) {
    let mut count = 0;
    let new: Vec<u32> = sizes(labels)
        .into_iter()
        .enumerate()
        .map(|(label, size)| {
            if label > 0 && size > 0 {
                count += 1;
                count
            } else {
                0
            }
        })
        .collect();
    for label in labels.as_mut_slice() {
        *label = new[*label as usize];
    }
}
