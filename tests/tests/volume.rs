//! Stacks against the reference's fixtures: whole, and the 3-D stages by themselves.

use cytoshade::{Device, Model, Segmenter};
use cytoshade_cpu::volume::{fill_holes, follow_flows, masks, stitch};
use cytoshade_tests::fixtures::{Array, Case, NEEDS_TEST_DATA, cases};
use cytoshade_tests::gpu::NEEDS_ADAPTER;
use cytoshade_tests::{agree, both_ways, eval, trial};
use libtest_mimic::{Arguments, Failed, Trial};

/// Allowed for the outputs of a whole pipeline in f32 against the reference's f32: rounding of every stage before.
const OUTPUTS: f64 = 1e-5;

/// Cases, and bindings that hold their tiles but not the 3-D dynamics, 16 bytes a voxel; not the stack, 8 bytes a voxel;
/// and the stack but not what it is resized to.
const LIMITED: [(&str, u64); 3] = [
    ("embryo_do_3D", 16 * 18 * 64 * 68 - 4),
    ("embryo_stitch_threshold_0.3", 8 * 18 * 64 * 68 - 4),
    ("embryo_do_3D_anisotropy_1.7", 8 * 18 * 64 * 68),
];

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
    for case in cases("volume", "cases.json") {
        let limit = LIMITED.iter().find(|(name, _)| *name == case.name());
        trials.extend(limit.map(|&(_, bytes)| limited(case, bytes)));
    }
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
        let theirs = points.points();
        agree::points_both_ways(&ends.points, &theirs)?;
        ends.points = theirs;
    }
    let mut labels = masks::masks(&ends, flows.size(), case.number("max_size_fraction"));
    agree::masks_both_ways(labels.as_slice(), &expected(case, "masks")?.u32())?;
    fill_holes::fill_holes_and_remove_small(&mut labels, case.number("min_size").max(0.0) as usize);
    agree::masks_both_ways(labels.as_slice(), &expected(case, "final")?.u32())
}

/// What the device has no room for is left to the host.
fn limited(case: Case, bytes: u64) -> Trial {
    let name = case.name().to_string();
    let device = eval::gpu_device();
    let missing = device.is_none().then_some(NEEDS_ADAPTER);
    trial(format!("gpu, bindings of {bytes} bytes: {name}"), missing, move || {
        let builder = Segmenter::builder().device(device.ok_or(NEEDS_ADAPTER)?).largest_binding(bytes);
        let model = Model::open(case.input_path("model").ok_or("no model")?)?;
        eval::cells_agree_with(&case, &builder.build(&model)?)
    })
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
