//! Properties of all label images that the dynamics produce.

use std::collections::{BTreeSet, HashMap};

use cytoshade_core::{Labels, Planes, Volume};
use cytoshade_cpu::follow_flows::Steps;
use cytoshade_cpu::{fill_holes, flow_error, follow_flows, histogram, masks, volume};
use cytoshade_tests::fixtures::{Case, cases};
use proptest::prelude::*;

/// Smooth values from -1 to 1, other ones for each seed.
fn waves(seed: u32, height: usize, width: usize) -> Vec<f32> {
    let number = |k: u32| {
        let mixed = (seed.wrapping_mul(0x9e37_79b9) ^ k.wrapping_mul(0x85eb_ca6b)).wrapping_mul(0xc2b2_ae35);
        (mixed >> 8) as f32 / (1 << 24) as f32
    };
    let wave = |k: u32, y: f32, x: f32| {
        let (fy, fx, phase) = (number(3 * k) * 0.5, number(3 * k + 1) * 0.5, number(3 * k + 2) * 6.3);
        (fy * y + fx * x + phase).sin()
    };
    let value = |at: usize| {
        let (y, x) = ((at / width) as f32, (at % width) as f32);
        (0..4).map(|k| wave(k, y, x)).sum::<f32>() / 4.0
    };
    (0..height * width).map(value).collect()
}

/// Labels are 0 to n without gaps.
fn no_gaps(labels: &[u32]) -> bool {
    let present: BTreeSet<u32> = labels.iter().copied().filter(|&label| label > 0).collect();
    present.last().copied().unwrap_or(0) as usize == present.len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn dynamics_leave_no_gaps_and_stay_within_cells(
        seed: u32, height in 8usize..60, width in 8usize..60, threshold in -0.5f32..0.5, min_size in 0usize..40,
    ) {
        let flows = [waves(seed, height, width), waves(seed ^ 1, height, width)].concat();
        let flows = Planes::new(flows.iter().map(|flow| flow * 8.0).collect(), 2, height, width).unwrap();
        let cellprob = waves(seed ^ 2, height, width);
        let ends = follow_flows::follow_flows(&flows, &cellprob, threshold, 100, true).unwrap();
        let mut labels = masks::masks(&ends, &histogram::histogram(&ends, height, width), 1.0);
        prop_assert!(no_gaps(labels.as_slice()));
        for (&label, &probability) in labels.as_slice().iter().zip(&cellprob) {
            prop_assert!(label == 0 || probability > threshold);
        }
        fill_holes::fill_holes_and_remove_small(&mut labels, min_size);
        prop_assert!(no_gaps(labels.as_slice()));
        let mut sizes: HashMap<u32, usize> = HashMap::new();
        labels.as_slice().iter().for_each(|&label| *sizes.entry(label).or_default() += 1);
        prop_assert!(sizes.iter().all(|(&label, &size)| label == 0 || size >= min_size));
    }

    #[test]
    fn volume_dynamics_leave_no_gaps_and_stay_within_cells(seed: u32, depth in 2usize..7, side in 6usize..20, threshold in -0.5f32..0.5) {
        let plane = |k: u32| waves(seed ^ k, depth * side, side);
        let flows: Vec<f32> = (0..3).flat_map(plane).map(|flow| flow * 8.0).collect();
        let flows = Volume::new(flows, 3, depth, side, side).unwrap();
        let cellprob = plane(7);
        let ends = volume::follow_flows::follow_flows(&flows, &cellprob, threshold, 60, true).unwrap();
        let mut labels = volume::masks::masks(&ends, flows.size(), 1.0);
        prop_assert!(no_gaps(labels.as_slice()));
        for (&label, &probability) in labels.as_slice().iter().zip(&cellprob) {
            prop_assert!(label == 0 || probability > threshold);
        }
        volume::fill_holes::fill_holes_and_remove_small(&mut labels, 10);
        prop_assert!(no_gaps(labels.as_slice()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Browsers distribute pixels over workers, which get the steps as plain values.
    #[test]
    fn follow_flows_of_a_pixel_does_not_depend_on_the_others(
        seed: u32, height in 4usize..50, width in 4usize..50, threshold in -0.5f32..0.5, interp: bool, parts in 1usize..5,
    ) {
        let flows = [waves(seed, height, width), waves(seed ^ 1, height, width)].concat();
        let flows = Planes::new(flows.iter().map(|flow| flow * 8.0).collect(), 2, height, width).unwrap();
        let cellprob = waves(seed ^ 2, height, width);
        let expected = follow_flows::follow_flows(&flows, &cellprob, threshold, 50, interp).unwrap();
        let pixels = follow_flows::taking_part(&cellprob, threshold);
        prop_assert_eq!(&expected.pixels, &pixels);
        let steps = Steps::new(&flows, &cellprob, threshold).unwrap();
        let steps = Steps::from_values(steps.values(), height, width).unwrap();
        let (mut y, mut x) = (Vec::new(), Vec::new());
        for part in pixels.chunks(pixels.len().div_ceil(parts).max(1)) {
            let ends = steps.follow(part.to_vec(), 50, interp);
            y.extend(ends.y);
            x.extend(ends.x);
        }
        prop_assert_eq!((&expected.y, &expected.x), (&y, &x));
    }
}

#[test]
fn follow_flows_refuses_steps_of_another_size() {
    let values = [0.5; 24];
    assert!(Steps::from_values(&values, 3, 4).is_ok());
    for (len, height, width) in [(24, 4, 4), (22, 3, 4), (23, 3, 4), (24, usize::MAX, 2)] {
        let error = Steps::from_values(&values[..len], height, width).unwrap_err();
        assert!(error.to_string().contains("the field of steps"), "{error}");
    }
    // A pixel below the last row counts as part of it.
    let steps = Steps::from_values(&[0.0; 24], 3, 4).unwrap();
    let ends = steps.follow(vec![11, 4_000_000_002], 7, true);
    assert_eq!((ends.y, ends.x), (vec![2.0, 2.0], vec![3.0, 2.0]));
}

/// The number of connected components of each label, over sides and corners, ascending.
fn components(labels: &Labels) -> Vec<usize> {
    let (height, width) = (labels.height(), labels.width());
    let mut parts = vec![0; labels.max() as usize + 1];
    let mut seen = vec![false; labels.as_slice().len()];
    for start in 0..seen.len() {
        let label = labels.as_slice()[start];
        if label == 0 || seen[start] {
            continue;
        }
        parts[label as usize] += 1;
        seen[start] = true;
        let mut reached = vec![start];
        while let Some(at) = reached.pop() {
            let near = |v: usize, length: usize| v.saturating_sub(1)..(v + 2).min(length);
            for y in near(at / width, height) {
                for other in near(at % width, width).map(|x| y * width + x) {
                    if labels.as_slice()[other] == label && !seen[other] {
                        seen[other] = true;
                        reached.push(other);
                    }
                }
            }
        }
    }
    let mut parts: Vec<usize> = parts.into_iter().filter(|&count| count > 0).collect();
    parts.sort_unstable();
    parts
}

/// All of the dynamics, from the flows of a fixture.
fn labels_of(case: &Case) -> Labels {
    let (flows, cellprob) = (case.input("flows").planes(), case.input("cellprob").f32());
    let (threshold, niter) = (case.number("cellprob_threshold") as f32, case.number("niter") as u32);
    let ends = follow_flows::follow_flows(&flows, &cellprob, threshold, niter, case.flag("interp")).unwrap();
    let counts = histogram::histogram(&ends, flows.height(), flows.width());
    let mut labels = masks::masks(&ends, &counts, case.number("max_size_fraction"));
    flow_error::remove_bad(&mut labels, &flows, case.number("flow_threshold")).unwrap();
    fill_holes::fill_holes_and_remove_small(&mut labels, case.number("min_size").max(0.0) as usize);
    labels
}

/// The reference's masks are not always connected; ours must have as many components.
#[test]
fn dynamics_have_the_components_of_the_reference() {
    let mut in_parts = 0;
    for case in cases("dynamics", "cases.json") {
        let Some(expected) = case.complete().then(|| case.expected("final")).flatten() else { continue };
        let (ours, theirs) = (components(&labels_of(&case)), components(&expected.labels()));
        assert_eq!(ours, theirs, "{}", case.name());
        in_parts += theirs.iter().filter(|&&count| count > 1).count();
    }
    assert!(in_parts > 0, "no label of the reference has several components, so the comparison tests nothing");
}

#[test]
fn components_are_counted() {
    let labels = |values: [u32; 12]| Labels::new(values.to_vec(), 3, 4).unwrap();
    assert_eq!(components(&labels([1, 0, 2, 2, 0, 1, 0, 2, 0, 0, 0, 0])), [1, 1], "corners connect");
    assert_eq!(components(&labels([1, 0, 2, 2, 1, 0, 0, 0, 0, 0, 2, 1])), [2, 2]);
}
