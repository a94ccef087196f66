//! The stages of stacks on the CPU against the reference's fixtures.

use cytoshade_cpu::volume::{fill_holes, follow_flows, masks, stitch};
use cytoshade_tests::fixtures::{Array, Case, NEEDS_TEST_DATA, cases};
use cytoshade_tests::{agree, trial};
use libtest_mimic::{Arguments, Failed};

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
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn expected(case: &Case, name: &str) -> Result<Array, Failed> {
    case.expected(name).ok_or_else(|| format!("the case expects no {name}").into())
}

fn stitch_case(case: &Case) -> Result<(), Failed> {
    let mut labels = case.input("labels").label_volume();
    stitch::stitch(&mut labels, case.number("stitch_threshold"));
    agree::equal_with_twin(labels.as_slice(), &expected(case, "stitched")?.u32(), "stitched labels")
}

fn fill_case(case: &Case) -> Result<(), Failed> {
    let mut labels = case.input("labels").label_volume();
    fill_holes::fill_holes_and_remove_small(&mut labels, case.number("min_size").max(0.0) as usize);
    agree::masks_with_twin(labels.as_slice(), &expected(case, "final")?.u32())
}

/// Each intermediate from the reference's own input to it.
fn dynamics_case(case: &Case) -> Result<(), Failed> {
    let flows = case.input("flows").volume();
    let cellprob = case.input("cellprob").f32();
    let threshold = case.number("cellprob_threshold") as f32;
    let niter = case.number("niter") as u32;
    let mut ends = follow_flows::follow_flows(&flows, &cellprob, threshold, niter, case.flag("interp"))?;
    if let Some(points) = case.expected("endpoints") {
        let theirs = points.points();
        agree::points_with_twin(&ends.points, &theirs)?;
        ends.points = theirs;
    }
    let mut labels = masks::masks(&ends, flows.size(), case.number("max_size_fraction"));
    agree::masks_with_twin(labels.as_slice(), &expected(case, "masks")?.u32())?;
    fill_holes::fill_holes_and_remove_small(&mut labels, case.number("min_size").max(0.0) as usize);
    agree::masks_with_twin(labels.as_slice(), &expected(case, "final")?.u32())
}
