//! What must hold of every segmentation, whatever the reference says.

use std::collections::{BTreeSet, HashMap};

use cytoshade::{Device, Image, Model, Params, Segmenter, Stack};
use cytoshade_core::{Labels, Planes, Volume};
use cytoshade_cpu::{fill_holes, follow_flows, histogram, masks, volume};
use proptest::prelude::*;

fn segmenter() -> Segmenter {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/cytoshade-demo.safetensors");
    Segmenter::builder().device(Device::Cpu).build(&Model::open(file).unwrap()).unwrap()
}

/// Values that change smoothly from -1 to 1, different ones for each seed.
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
    fn labels_have_no_gaps_and_stay_where_cells_are(
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
    fn so_do_those_of_stacks(seed: u32, depth in 2usize..7, side in 6usize..20, threshold in -0.5f32..0.5) {
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

const SIDE: usize = 144;

/// Bright domes at (y, x) on a dark square.
fn domes(centers: &[(i32, i32)]) -> Image {
    let pixel = |at: usize| {
        let (y, x) = ((at / SIDE) as i32, (at % SIDE) as i32);
        let height = |&(cy, cx): &(i32, i32)| 900 - 4 * ((y - cy).pow(2) + (x - cx).pow(2));
        100 + centers.iter().map(height).max().unwrap_or(0).max(0) as u16
    };
    Image::new((0..SIDE * SIDE).map(pixel).collect(), 1, SIDE, SIDE).unwrap()
}

const CENTERS: [(i32, i32); 4] = [(30, 34), (38, 80), (76, 42), (80, 84)];

/// Every cell of `moved` lies where `place` takes a cell of `labels`, at an intersection over union of 0.8.
fn same_cells(labels: &Labels, moved: &Labels, place: impl Fn(usize, usize) -> (usize, usize)) {
    assert_eq!((labels.max(), moved.max()), (CENTERS.len() as u32, CENTERS.len() as u32));
    let taken: Vec<u32> = (0..SIDE * SIDE)
        .map(|at| place(at / SIDE, at % SIDE))
        .map(|(y, x)| if y < SIDE && x < SIDE { labels.as_slice()[y * SIDE + x] } else { 0 })
        .collect();
    for cell in 1..=moved.max() {
        let inside: Vec<usize> = (0..taken.len()).filter(|&at| moved.as_slice()[at] == cell).collect();
        let best = (1..=labels.max()).map(|other| {
            let both = inside.iter().filter(|&&at| taken[at] == other).count();
            let all = inside.len() + taken.iter().filter(|&&label| label == other).count() - both;
            both as f64 / all as f64
        });
        let best = best.fold(0.0, f64::max);
        assert!(best >= 0.8, "cell {cell}: {best}");
    }
}

#[test]
fn cells_move_and_turn_with_the_image() {
    let segmenter = segmenter();
    let labels = |centers: &[(i32, i32)]| segmenter.segment(&domes(centers), &Params::default()).unwrap().labels;
    let still = labels(&CENTERS);
    for (dy, dx) in [(16, 8), (5, 27), (33, 0)] {
        let moved = labels(&CENTERS.map(|(y, x)| (y + dy, x + dx)));
        // Where a place lay before; what lay outside wraps to no place.
        same_cells(&still, &moved, |y, x| (y.wrapping_sub(dy as usize), x.wrapping_sub(dx as usize)));
    }
    let last = SIDE as i32 - 1;
    let flipped = labels(&CENTERS.map(|(y, x)| (last - y, x)));
    same_cells(&still, &flipped, |y, x| (SIDE - 1 - y, x));
    let mirrored = labels(&CENTERS.map(|(y, x)| (y, last - x)));
    same_cells(&still, &mirrored, |y, x| (y, SIDE - 1 - x));
}

#[test]
fn a_stack_of_one_image_is_stitched_through_all_layers() {
    let stack = Stack::new(vec![domes(&CENTERS); 4]).unwrap();
    let params = Params { stitch_threshold: 0.5, ..Params::default() };
    let found = segmenter().segment_stack(&stack, &params).unwrap();
    assert_eq!(found.cells(), CENTERS.len());
    for z in 1..4 {
        assert_eq!(found.labels.layer(z), found.labels.layer(0));
    }
    // A volume's cells are those of its layers.
    let flat = segmenter().segment(&domes(&CENTERS), &Params::default()).unwrap();
    assert_eq!(flat.cells(), found.cells());
}
