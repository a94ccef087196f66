//! Restoration against the reference's fixtures, alone and before a segmentation.

use cytoshade::{Device, Image, LoadOptions, Model, RestoreOptions, Restored, Restorer, Stack};
use cytoshade_tests::fixtures::{Case, cases};
use cytoshade_tests::{agree, eval, must_fail_when_perturbed};
use libtest_mimic::{Failed, Trial};

/// Allowed error of a network's outputs in f32 after normalization and resizing, against the reference's f32.
const OUTPUTS: f64 = 1e-5;

pub(crate) fn trials() -> Vec<Trial> {
    cases("restore", "cases.json").iter().flat_map(|case| eval::trials("restore", case, run)).collect()
}

fn restorer(case: &Case, device: Device) -> Result<Restorer, Failed> {
    let model = Model::open_with(case.input_path("restore").ok_or("no network")?, &LoadOptions::default())?;
    let options = RestoreOptions::from_name(case.param("purpose").as_str().unwrap_or_default());
    Ok(Restorer::builder(&model).options(options).device(device).build()?)
}

/// The restored values of an image or of z-slices, channel by channel as the reference orders them.
fn values(slices: &[Image]) -> Result<Vec<f32>, Failed> {
    let mut all = Vec::new();
    for channel in 0..slices.first().map_or(0, Image::channels) {
        for slice in slices {
            all.extend(slice.to_planes(channel)?.into_vec());
        }
    }
    Ok(all)
}

fn compare<T>(case: &Case, restored: &Restored<T>, slices: &[Image]) -> Result<(), Failed> {
    let expected = case.expected("restored").ok_or("nothing restored")?;
    let perturb = |values: &mut Vec<f32>| values.iter_mut().for_each(|value| *value *= 1.001);
    must_fail_when_perturbed(&values(slices)?, perturb, |ours| agree::l2_within(ours, &expected.f32(), OUTPUTS))?;
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
        // Each z-slice is numbered separately.
        let slice = expected.len() / eval::stack(case)?.depth();
        for (ours, expected) in labels.chunks_exact(slice).zip(expected.chunks_exact(slice)) {
            agree::masks(ours, expected)?;
        }
        return Ok(());
    }
    Ok(agree::masks(&labels, &expected)?)
}
