//! Whole stacks against the reference's fixtures.

use cytoshade::{Device, Model, Segmenter};
use cytoshade_tests::fixtures::{Case, cases};
use cytoshade_tests::gpu::NEEDS_ADAPTER;
use cytoshade_tests::{agree, eval, must_fail_when_perturbed, trial};
use libtest_mimic::{Failed, Trial};

/// Allowed error of the outputs of a whole pipeline in f32 against the reference's f32: the rounding of all stages.
const OUTPUTS: f64 = 1e-5;

/// Cases, and bindings in bytes that hold their tiles but not the 3-D dynamics (16 bytes per voxel), not the stack (8 bytes per
/// voxel), and the stack but not the resized one.
const LIMITED: [(&str, u64); 3] = [
    ("embryo_do_3D", 16 * 18 * 64 * 68 - 4),
    ("embryo_stitch_threshold_0.3", 8 * 18 * 64 * 68 - 4),
    ("embryo_do_3D_anisotropy_1.7", 8 * 18 * 64 * 68),
];

pub(crate) fn trials() -> Vec<Trial> {
    let cases = cases("volume", "cases.json");
    let mut trials: Vec<Trial> = cases.iter().flat_map(|case| eval::trials("stack", case, whole)).collect();
    for case in cases {
        let limit = LIMITED.iter().find(|(name, _)| *name == case.name());
        trials.extend(limit.map(|&(_, bytes)| limited(case, bytes)));
    }
    trials
}

/// Stages that do not fit the device run on the host.
fn limited(case: Case, bytes: u64) -> Trial {
    let name = case.name().to_string();
    let device = eval::gpu_device();
    let missing = device.is_none().then_some(NEEDS_ADAPTER);
    trial(format!("stack::gpu::bindings of {bytes} bytes: {name}"), missing, move || {
        let model = Model::open(case.input_path("model").ok_or("no model")?)?;
        let builder = Segmenter::builder(&model).device(device.ok_or(NEEDS_ADAPTER)?);
        eval::cells_agree_with(&case, &builder.largest_binding(bytes).build()?)
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
        let expected = case.expected(name).ok_or_else(|| format!("the case expects no {name}"))?.f32();
        let perturb = |values: &mut Vec<f32>| values.iter_mut().for_each(|value| *value *= 1.001);
        must_fail_when_perturbed(&ours, perturb, |ours| agree::l2_within(ours, &expected, OUTPUTS))
            .map_err(|failed| Failed::from(format!("{name}: {}", failed.message().unwrap_or_default())))?;
    }
    Ok(())
}
