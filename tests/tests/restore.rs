//! Restoration against the reference's fixtures, alone and before a segmentation.

use cytoshade::{Device, Image, LoadOptions, Model, RestoreOptions, Restored, Restorer, Stack};
use cytoshade_tests::fixtures::{Case, cases};
use cytoshade_tests::{agree, eval, must_fail_when_perturbed};
use libtest_mimic::{Arguments, Failed};

/// Allowed for what a network in f32 makes of an image that was normalized and resized, against the reference's f32.
const OUTPUTS: f64 = 1e-5;

fn main() {
    let cases = cases("restore", "cases.json");
    let trials = cases.iter().flat_map(|case| eval::trials(case, run)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn restorer(case: &Case, device: Device) -> Result<Restorer, Failed> {
    let model = Model::open_with(case.input_path("restore").ok_or("no network")?, &LoadOptions::default())?;
    let options = RestoreOptions::from_name(case.param("purpose").as_str().unwrap_or_default());
    Ok(Restorer::builder(&model).options(options).device(device).build()?)
}

/// The restored values, channel by channel as the reference's.
fn values(layers: &[Image]) -> Result<Vec<f32>, Failed> {
    let mut all = Vec::new();
    for channel in 0..layers.first().map_or(0, Image::channels) {
        for layer in layers {
            all.extend(layer.to_planes(channel)?.into_vec());
        }
    }
    Ok(all)
}

fn compare<T>(case: &Case, restored: &Restored<T>, layers: &[Image]) -> Result<(), Failed> {
    let expected = case.expected("restored").ok_or("nothing restored")?;
    let perturb = |values: &mut Vec<f32>| values.iter_mut().for_each(|value| *value *= 1.001);
    must_fail_when_perturbed(&values(layers)?, perturb, |ours| agree::l2_within(ours, &expected.f32(), OUTPUTS))?;
    let ratio = case.expected_json("ratio").as_f64().ok_or("no ratio")?;
    if (restored.ratio - ratio).abs() < 1e-9 { Ok(()) } else { Err(format!("ratio {}", restored.ratio).into()) }
}

fn run(case: &Case, device: Device) -> Result<(), Failed> {
    let (restorer, segmenter) = (restorer(case, device)?, eval::segmenter(case, device)?);
    let params = eval::params(case);
    let labels = if case.has_input("stack") {
        let stack: Stack = eval::stack(case)?;
        let restored = restorer.restore_stack(&stack, &params)?;
        compare(case, &restored, restored.image.slices())?;
        let params = restorer.segmentation_params(&params, &restored);
        segmenter.segment_stack(&restored.image, &params)?.labels.into_vec()
    } else {
        let restored = restorer.restore(&eval::image(case)?, &params)?;
        compare(case, &restored, std::slice::from_ref(&restored.image))?;
        let params = restorer.segmentation_params(&params, &restored);
        segmenter.segment(&restored.image, &params)?.labels.into_vec()
    };
    let expected = case.expected("labels").ok_or("no labels")?.u32();
    if case.has_input("stack") && !params.do_3d && params.stitch_threshold == 0.0 {
        // Each layer has labels of its own.
        let layer = expected.len() / eval::stack(case)?.depth();
        for (ours, expected) in labels.chunks_exact(layer).zip(expected.chunks_exact(layer)) {
            agree::masks(ours, expected)?;
        }
        return Ok(());
    }
    Ok(agree::masks(&labels, &expected)?)
}
