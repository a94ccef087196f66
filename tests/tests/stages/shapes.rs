//! Synthetic labels and flows for the dynamics on the GPU, and the invariants of labels.

use cytoshade_core::{Labels, Planes};
use cytoshade_cpu::flow_error;
use cytoshade_tests::agree;
use cytoshade_tests::random::Random;
use libtest_mimic::Failed;

/// Blobs, rings and specks: labels 1 to `count`, with gaps if one covers another.
pub(crate) fn shapes(random: &mut Random, height: usize, width: usize, count: u32, largest: f32) -> Labels {
    let mut labels = Labels::zeros(height, width);
    for label in 1..=count {
        let (y, x) = (random.number(0.0, height as f32), random.number(0.0, width as f32));
        let radius = random.number(1.0, largest);
        let hole = random.number(-1.0, 0.9) * radius;
        let stretch = random.number(0.5, 2.0);
        for at in 0..height * width {
            let distance = ((at / width) as f32 - y).hypot(((at % width) as f32 - x) * stretch);
            if distance <= radius && distance >= hole {
                labels.as_mut_slice()[at] = label;
            }
        }
    }
    labels
}

/// Rectangles that do not touch, with labels in random order and with gaps.
pub(crate) fn rectangles(random: &mut Random) -> Labels {
    let mut whole = |low: f32, high: f32| random.number(low, high) as usize;
    let (height, width, cell) = (60, 84, 12);
    let mut labels = Labels::zeros(height, width);
    let mut free: Vec<u32> = (1..=60).collect();
    for at in 0..height / cell * (width / cell) {
        let (top, left) = (at / (width / cell) * cell, at % (width / cell) * cell);
        let label = free.swap_remove(whole(0.0, free.len() as f32));
        let (rows, columns) = (whole(1.0, 11.0), whole(1.0, 11.0));
        for y in top..top + rows {
            labels.as_mut_slice()[y * width + left..][..columns].fill(label);
        }
    }
    labels
}

/// Removes masks of fewer than `min_size` pixels, in the plainest way.
pub(crate) fn without_small(labels: &Labels, min_size: usize) -> Labels {
    let size = |label: u32| labels.as_slice().iter().filter(|&&l| l == label).count();
    let kept = |&label: &u32| if size(label) < min_size { 0 } else { label };
    Labels::new(labels.as_slice().iter().map(kept).collect(), labels.height(), labels.width()).unwrap()
}

pub(crate) fn without_gaps(labels: &Labels) -> Labels {
    let present: std::collections::BTreeSet<u32> = labels.as_slice().iter().copied().filter(|&l| l > 0).collect();
    let new = |label: &u32| if *label == 0 { 0 } else { present.range(..label).count() as u32 + 1 };
    Labels::new(labels.as_slice().iter().map(new).collect(), labels.height(), labels.width()).unwrap()
}

/// Noisy flows of about length 5 towards the middle of each label.
pub(crate) fn flows_of(random: &mut Random, labels: &Labels) -> Planes {
    let own = flow_error::masks_to_flows(labels);
    let mut flows = Planes::zeros(2, labels.height(), labels.width());
    for (value, own) in flows.as_mut_slice().iter_mut().zip(own.as_slice()) {
        *value = 5.0 * own + random.number(-3.0, 3.0);
    }
    flows
}

/// Labels are equal. Must fail if one pixel differs.
pub(crate) fn equal(ours: &Labels, expected: &Labels) -> Result<(), Failed> {
    assert_eq!((ours.height(), ours.width()), (expected.height(), expected.width()));
    agree::equal_with_twin(ours.as_slice(), expected.as_slice(), "labels")
}

/// Asserts that the labels are 1, 2, ... without gaps.
pub(crate) fn no_gaps(labels: &Labels) {
    let present: std::collections::BTreeSet<u32> = labels.as_slice().iter().copied().filter(|&l| l > 0).collect();
    assert_eq!(present.len() as u32, labels.max());
}
