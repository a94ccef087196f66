//! Stacks against the reference's fixtures: whole, and the 3-D stages by themselves.

use cytoshade::Device;
use cytoshade_cpu::volume::{fill_holes, follow_flows, masks, stitch};
use cytoshade_tests::fixtures::{Array, Case, NEEDS_TEST_DATA, cases};
use cytoshade_tests::gpu::NEEDS_ADAPTER;
use cytoshade_tests::{agree, both_ways, eval, trial};
use libtest_mimic::{Arguments, Failed};

/// Allowed for the outputs of a whole pipeline in f32 against the reference's f32: rounding of every stage before.
const OUTPUTS: f64 = 1e-5;

fn main() {
    let mut trials = Vec::new();
    let mut add = |file: &str, test: fn(&Case) -> Result<(), Failed>| {
        for case in cases("volume", file) {
            let missing = (!case.complete()).then_some(NEEDS_TEST_DATA);
            trials.push(trial(format!("{file}: {}", case.name()), missing, move || test(&case)));
        }
    };
    add("stitch_cases.json", stitch_case);
    add("fill_cases.json", fill_case);
    add("dynamics_cases.json", dynamics_case);
    add("cases.json", |case| whole(case, Device::Cpu));
    // A software adapter takes the stack of few layers only.
    let adapter = eval::gpu_device();
    for case in cases("volume", "cases.json") {
        if adapter != Some(Device::Gpu) && !case.name().starts_with("shallow") {
            continue;
        }
        let missing = (!case.complete()).then_some(NEEDS_TEST_DATA);
        let missing = missing.or(adapter.is_none().then_some(NEEDS_ADAPTER));
        let device = adapter.unwrap_or(Device::Gpu);
        trials.push(trial(format!("gpu: {}", case.name()), missing, move || whole(&case, device)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn expected(case: &Case, name: &str) -> Result<Array, Failed> {
    case.expected(name).ok_or_else(|| format!("the case expects no {name}").into())
}

/// The measure for masks, and that it sees masks that are gone.
fn same_masks(ours: &[u32], reference: &[u32]) -> Result<(), Failed> {
    if reference.iter().all(|&label| label == 0) {
        return Ok(agree::masks(ours, reference)?);
    }
    both_ways(&ours.to_vec(), |labels| labels.fill(0), |labels| agree::masks(labels, reference))
}

fn stitch_case(case: &Case) -> Result<(), Failed> {
    let mut labels = case.input("labels").label_volume();
    stitch::stitch(&mut labels, case.number("stitch_threshold"));
    agree::equal_both_ways(labels.as_slice(), &expected(case, "stitched")?.u32(), "stitched labels")
}

fn fill_case(case: &Case) -> Result<(), Failed> {
    let mut labels = case.input("labels").label_volume();
    fill_holes::fill_holes_and_remove_small(&mut labels, case.number("min_size").max(0.0) as usize);
    same_masks(labels.as_slice(), &expected(case, "final")?.u32())
}

/// Each intermediate from the reference's own input to it.
fn dynamics_case(case: &Case) -> Result<(), Failed> {
    let flows = case.input("flows").volume();
    let cellprob = case.input("cellprob").f32();
    let threshold = case.number("cellprob_threshold") as f32;
    let niter = case.number("niter") as u32;
    let mut ends = follow_flows::follow_flows(&flows, &cellprob, threshold, niter, case.flag("interp"))?;
    if let Some(points) = case.expected("endpoints") {
        let points = points.f32();
        let count = points.len() / 3;
        let theirs: Vec<[f32; 3]> = (0..count).map(|i| [0, 1, 2].map(|axis| points[axis * count + i])).collect();
        let near = |ours: &Vec<[f32; 3]>| {
            let far = |(a, b): &(&[f32; 3], &[f32; 3])| {
                let near = a.iter().zip(b.iter()).map(|(a, b)| (a - b).powi(2)).sum::<f32>() <= 1e-4;
                !near
            };
            let far = ours.iter().zip(&theirs).filter(far).count();
            let fits = ours.len() == count && far as f64 <= 1e-3 * count as f64;
            if fits { Ok(()) } else { Err(format!("{far} of {count} end points are further than 0.01 voxels")) }
        };
        let shift = |ours: &mut Vec<[f32; 3]>| ours.iter_mut().step_by(500).for_each(|point| point[0] += 0.02);
        both_ways(&ends.points, shift, near)?;
        ends.points = theirs;
    }
    let mut labels = masks::masks(&ends, flows.size(), case.number("max_size_fraction"));
    same_masks(labels.as_slice(), &expected(case, "masks")?.u32())?;
    fill_holes::fill_holes_and_remove_small(&mut labels, case.number("min_size").max(0.0) as usize);
    same_masks(labels.as_slice(), &expected(case, "final")?.u32())
}

fn whole(case: &Case, device: Device) -> Result<(), Failed> {
    let params = eval::params(case);
    let found = eval::segmenter(case, device)?.segment_stack(&eval::stack(case)?, &params)?;
    for (name, ours) in [("flows", &found.flows), ("cellprob", &found.cellprob)] {
        if let Some(expected) = case.expected(name) {
            let ours = ours.as_ref().ok_or("not given")?.as_slice().to_vec();
            let perturb = |values: &mut Vec<f32>| values.iter_mut().for_each(|value| *value *= 1.001);
            both_ways(&ours, perturb, |o| agree::l2_within(o, &expected.f32(), OUTPUTS))
                .map_err(|failed| Failed::from(format!("{name}: {}", failed.message().unwrap_or_default())))?;
        }
    }
    let expected = expected(case, "labels")?.label_volume();
    if params.do_3d || params.stitch_threshold > 0.0 {
        if found.cells() != case.cells()? {
            return Err(format!("{} cells, expected {}", found.cells(), case.cells()?).into());
        }
        return same_masks(found.labels.as_slice(), expected.as_slice());
    }
    // Each layer has labels of its own.
    for z in 0..expected.depth() {
        same_masks(found.labels.layer(z).as_slice(), expected.layer(z).as_slice())?;
    }
    Ok(())
}
