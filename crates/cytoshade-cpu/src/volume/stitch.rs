//! Joins the cells of neighbouring z-slices (the reference's `utils.stitch3D`).

use std::collections::BTreeMap;

use cytoshade_core::LabelVolume;

/// Gives each cell of a z-slice the label of its partner in the z-slice before; cells without a partner get new labels.
///
/// The overlap of two cells is their intersection over union. The candidates of a cell are those cells of the z-slice
/// before that it overlaps by at least `threshold`, and by no less than any other cell of its z-slice does. The partner
/// is the candidate of the largest overlap.
///
/// As in the reference, z-slices keep their labels up to the first two neighbouring z-slices that both have cells. So
/// cells before and after an empty z-slice may share a label.
pub fn stitch(labels: &mut LabelVolume, threshold: f64) {
    let pixels = labels.height() * labels.width();
    if pixels == 0 {
        return;
    }
    let mut slices = labels.as_mut_slice().chunks_exact_mut(pixels);
    let Some(mut before) = slices.next() else { return };
    let mut highest = max(before);
    let mut joined = false;
    for slice in slices {
        let count = max(slice);
        if count > 0 && max(before) > 0 {
            let partners = partners(slice, before, threshold);
            relabel(slice, count, |label| partners.get(&label).copied(), &mut highest);
            joined = true;
        } else if joined {
            relabel(slice, count, |_| None, &mut highest);
        } else {
            highest = count;
        }
        before = slice;
    }
}

fn max(slice: &[u32]) -> u32 {
    slice.iter().copied().max().unwrap_or(0)
}

/// Replaces the labels 1 to `count` of a z-slice by those of their partners, or by the next free ones.
fn relabel(slice: &mut [u32], count: u32, partner: impl Fn(u32) -> Option<u32>, highest: &mut u32) {
    let new_label = |label| {
        partner(label).unwrap_or_else(|| {
            *highest += 1;
            *highest
        })
    };
    let new: Vec<u32> = std::iter::once(0).chain((1..=count).map(new_label)).collect();
    slice.iter_mut().for_each(|label| *label = new[*label as usize]);
}

/// The partner in the z-slice before of each label of a z-slice.
fn partners(slice: &[u32], before: &[u32], threshold: f64) -> BTreeMap<u32, u32> {
    let mut overlaps: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    let mut areas = [BTreeMap::<u32, usize>::new(), BTreeMap::new()];
    for (&label, &other) in slice.iter().zip(before) {
        *areas[0].entry(label).or_default() += 1;
        *areas[1].entry(other).or_default() += 1;
        if label > 0 && other > 0 {
            *overlaps.entry((label, other)).or_default() += 1;
        }
    }
    let iou = |(&(label, other), &overlap): (&(u32, u32), &usize)| {
        let union = areas[0][&label] + areas[1][&other] - overlap;
        ((label, other), overlap as f64 / union as f64)
    };
    let ious: Vec<((u32, u32), f64)> = overlaps.iter().map(iou).filter(|&(_, iou)| iou >= threshold).collect();
    let mut best_of_other: BTreeMap<u32, f64> = BTreeMap::new();
    for &((_, other), iou) in &ious {
        let best = best_of_other.entry(other).or_default();
        *best = best.max(iou);
    }
    let mut best: BTreeMap<u32, (u32, f64)> = BTreeMap::new();
    for ((label, other), iou) in ious {
        // In ascending order of the other label, so that the lowest one wins a tie.
        if iou >= best_of_other[&other] && best.get(&label).is_none_or(|&(_, found)| iou > found) {
            best.insert(label, (other, iou));
        }
    }
    best.into_iter().map(|(label, (other, _))| (label, other)).collect()
}
