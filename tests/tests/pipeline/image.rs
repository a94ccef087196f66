//! Whole images against the reference's fixtures.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cytoshade::{Cancel, Control, Device, Model, Progress, Segmenter, Stage};
use cytoshade_tests::fixtures::{Case, cases};
use cytoshade_tests::gpu::NEEDS_ADAPTER;
use cytoshade_tests::{agree, eval, must_fail_when_perturbed, trial};
use libtest_mimic::{Failed, Trial};

/// Allowed error of the outputs of a whole pipeline in f32 against the reference's f32: the rounding of all stages.
const OUTPUTS: f64 = 1e-5;

/// Allowed error of an estimated diameter: one pixel in the cell of median size.
const DIAMETER: f64 = 1e-3;

/// Cases of more than one tile, with bindings of decreasing size: too small for the outputs at either size, too small for the
/// outputs at the image's size only, too small even for the network's input.
const LIMITED: [(&str, u64); 4] = [
    ("nuclei_bsize_128_diameter_25.0", 1_500_000),
    ("nuclei_bsize_128_diameter_25.0", 1_060_000),
    ("dense_diameter_10.0_bsize_96", 2_000_000),
    ("dense_diameter_10.0_bsize_96", 600_000),
];

pub(crate) fn trials() -> Vec<Trial> {
    let all = ["pipeline", "classes", "diameter"].into_iter().flat_map(|stage| cases(stage, "cases.json"));
    let mut trials: Vec<_> = all.flat_map(|case| eval::trials("image", &case, run)).collect();
    let adapter = eval::gpu_device();
    let missing = adapter.is_none().then_some(NEEDS_ADAPTER);
    let device = adapter.unwrap_or(Device::Gpu);
    for (name, bytes) in LIMITED {
        for case in cases("pipeline", "cases.json").into_iter().filter(|case| case.name() == name) {
            let test = move || {
                let model = Model::open(case.input_path("model").ok_or("no model")?)?;
                check(&case, &Segmenter::builder(&model).device(device).largest_binding(bytes).build()?)
            };
            trials.push(trial(format!("image::gpu::bindings of {bytes} bytes: {name}"), missing, test));
        }
    }
    for case in cases("pipeline", "cases.json").into_iter().filter(|case| case.name() == LIMITED[0].0) {
        trials.push(trial("image::gpu::progress and cancellation", missing, move || cancellation(&case, device)));
    }
    trials
}

/// Every batch is reported in order, and none after the cancelling one.
fn cancellation(case: &Case, device: Device) -> Result<(), Failed> {
    let segmenter = eval::segmenter(case, device)?;
    let (image, params) = (eval::image(case)?, eval::params(case).batch_size(2));
    let reported = Mutex::new(Vec::new());
    let report = |progress: Progress| {
        if progress.stage == Stage::Network {
            reported.lock().unwrap().push(progress.done);
        }
    };
    segmenter.segment_with(&image, &params, &Control::new().progress(&report))?;
    let all = reported.into_inner().unwrap();
    let total = all.last().copied().unwrap_or_default();
    let mut expected: Vec<usize> = (0..total).step_by(2).collect();
    expected.push(total);
    assert_eq!(all, expected);
    assert!(total > 8, "{total} tiles");
    for at in [0, 2, 6] {
        let cancel = Cancel::new();
        let last = AtomicUsize::new(0);
        let report = |progress: Progress| {
            if progress.stage == Stage::Network {
                last.store(progress.done, Ordering::Relaxed);
                if progress.done == at {
                    cancel.cancel();
                }
            }
            assert!(progress.stage <= Stage::Network, "{progress:?} after the cancellation");
        };
        let control = Control::new().progress(&report).cancel(&cancel);
        let found = segmenter.segment_with(&image, &params, &control);
        assert!(matches!(found, Err(cytoshade::Error::Cancelled)), "{found:?}");
        assert_eq!(last.load(Ordering::Relaxed), at);
    }
    check(case, &segmenter)
}

fn run(case: &Case, device: Device) -> Result<(), Failed> {
    let segmenter = eval::segmenter(case, device)?;
    check(case, &segmenter)
}

/// Compares all outputs of a segmentation with those of the case.
fn check(case: &Case, segmenter: &Segmenter) -> Result<(), Failed> {
    let segmentation = segmenter.segment(&eval::image(case)?, &eval::params(case))?;

    if case.name().ends_with("constant") {
        // The reference keeps a constant channel; here it becomes zero. Neither finds a cell.
        let nothing = segmentation.cells() == 0 && case.expected_json("cells") == 0;
        return if nothing { Ok(()) } else { Err("cells in a constant image".into()) };
    }
    if let Some(expected) = case.expected("style") {
        let style = segmentation.style.clone().ok_or("no style")?;
        must_fail_when_perturbed(&style, |s| s[0] += 0.01, |s| agree::l2_within(s, &expected.f32(), OUTPUTS))?;
    }
    for (name, ours) in [("flows", &segmentation.flows), ("cellprob", &segmentation.cellprob)] {
        if let Some(expected) = case.expected(name) {
            let ours = ours.as_ref().ok_or("not given")?.as_slice().to_vec();
            let perturb = |values: &mut Vec<f32>| values.iter_mut().for_each(|value| *value *= 1.001);
            must_fail_when_perturbed(&ours, perturb, |o| agree::l2_within(o, &expected.f32(), OUTPUTS))
                .map_err(|failed| Failed::from(format!("{name}: {}", failed.message().unwrap_or_default())))?;
        }
    }
    let expected = case.expected("labels").ok_or("no labels")?.u32();
    if let Some(diameter) = case.expected_json("diameter").as_f64() {
        let near = |found: &f32| match f64::from(*found) / diameter - 1.0 {
            off if off.abs() <= DIAMETER => Ok(()),
            off => Err(format!("diameter {found}, expected {diameter}, off by {off:.1e}")),
        };
        must_fail_when_perturbed(&segmentation.diameter, |found| *found *= 1.01, near)?;
    }
    let cells = case.cells()?;
    if segmentation.cells() != cells {
        return Err(format!("{} cells, expected {cells}", segmentation.cells()).into());
    }
    let labels = segmentation.labels.into_vec();
    if cells == 0 {
        return Ok(agree::masks(&labels, &expected)?);
    }
    must_fail_when_perturbed(
        &labels,
        |l| l.iter_mut().for_each(|v| *v = (*v == 1).into()),
        |l| {
            // With a single cell the perturbation changes nothing.
            agree::masks(l, &expected)
        },
    )
    .or_else(|failed| if cells == 1 { Ok(agree::masks(&labels, &expected)?) } else { Err(failed) })
}
