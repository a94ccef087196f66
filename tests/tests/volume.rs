//! Stacks against the reference's fixtures: whole, and the 3-D stages by themselves.

use cytoshade::Device;
use cytoshade_cpu::volume::{fill_holes, follow_flows, masks, stitch};
use cytoshade_tests::fixtures::{Array, Case, NEEDS_TEST_DATA, cases};
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
    trials.extend(cases("volume", "cases.json").iter().flat_map(|case| eval::trials(case, whole)));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn expected(case: &Case, name: &str) -> Result<Array, Failed> {
    case.expected(name).ok_or_else(|| format!("the case expects no {name}").into())
}

fn stitch_case(case: &Case) -> Result<(), Failed> {
    let mut labels = case.input("labels").label_volume();
    stitch::stitch(&mut labels, case.number("stitch_threshold"));
    agree::equal_both_ways(labels.as_slice(), &expected(case, "stitched")?.u32(), "stitched labels")
}

fn fill_case(case: &Case) -> Result<(), Failed> {
    let mut labels = case.input("labels").label_volume();
    fill_holes::fill_holes_and_remove_small(&mut labels, case.number("min_size").max(0.0) as usize);
    agree::masks_both_ways(labels.as_slice(), &expected(case, "final")?.u32())
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
    agree::masks_both_ways(labels.as_slice(), &expected(case, "masks")?.u32())?;
    fill_holes::fill_holes_and_remove_small(&mut labels, case.number("min_size").max(0.0) as usize);
    agree::masks_both_ways(labels.as_slice(), &expected(case, "final")?.u32())
}

fn whole(case: &Case, device: Device) -> Result<(), Failed> {
    if ["flows", "cellprob"].iter().any(|name| case.expected(name).is_some()) {
        outputs(case, device)?;
    }
    eval::cells_agree(case, device)
}

fn outputs(case: &Case, device: Device) -> Result<(), Failed> {
    let found = eval::segmenter(case, device)?.segment_stack(&eval::stack(case)?, &eval::params(case))?;
    for (name, ours) in [("flows", &found.flows), ("cellprob", &found.cellprob)] {
        let ours = ours.as_ref().ok_or("not given")?.as_slice().to_vec();
        let expected = expected(case, name)?.f32();
        let perturb = |values: &mut Vec<f32>| values.iter_mut().for_each(|value| *value *= 1.001);
        both_ways(&ours, perturb, |ours| agree::l2_within(ours, &expected, OUTPUTS))
            .map_err(|failed| Failed::from(format!("{name}: {}", failed.message().unwrap_or_default())))?;
    }
    Ok(())
}
