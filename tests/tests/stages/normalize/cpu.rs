//! Stage `normalize` on the CPU, images and stacks.

use cytoshade_core::{Normalize, Params, Volume};
use cytoshade_cpu::normalize;
use cytoshade_tests::agree::{self, ROUNDING};
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;
use serde_json::Value;

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("normalize", "cases.json", &["planes", "samples"], fixture);
}

/// The normalization parameters of a case.
fn normalization(case: &Case) -> Params {
    let list = |name: &str| case.param(name).as_array().cloned().unwrap_or_default();
    let pair = |value: &Value| Some((value[0].as_f64()?, value[1].as_f64()?));
    let each: Option<Vec<(f64, f64)>> = list("lowhigh").iter().map(pair).collect();
    let normalize = match (pair(case.param("lowhigh")), each) {
        _ if !case.flag("normalize") => Normalize::Off,
        (Some((low, high)), _) => Normalize::Range { low, high },
        (_, Some(each)) if !each.is_empty() => Normalize::Ranges(each),
        _ => {
            let (low, high) = pair(case.param("percentile")).unwrap_or((1.0, 99.0));
            Normalize::Percentile { low: low as f32, high: high as f32 }
        }
    };
    let number = |name: &str, default: f64| case.param(name).as_f64().unwrap_or(default);
    Params::new()
        .normalize(normalize)
        .invert(case.flag("invert"))
        .sharpen_radius(number("sharpen_radius", 0.0) as f32)
        .smooth_radius(number("smooth_radius", 0.0) as f32)
        .tile_norm_blocksize(number("tile_norm_blocksize", 0.0) as usize)
        .tile_norm_smooth3d(number("tile_norm_smooth3D", 1.0) as f32)
        .norm3d(case.param("norm3D").as_bool().unwrap_or(true))
}

fn fixture(case: &Case) -> Result<(), Failed> {
    let params = normalization(case);
    let formula = case.extra("formula");
    if let (Some(height), Some(width)) = (formula["height"].as_u64(), formula["width"].as_u64()) {
        return formula_fixture(case, &params, height as usize, width as usize);
    }
    let input = case.input("planes").volume();
    let mut volume = input.clone();
    normalize::normalize(&mut volume, &params)?;
    let expected = case.require("planes")?.volume();
    let percentiles = matches!(params.normalize, Normalize::Percentile { .. }) && params.tile_norm_blocksize == 0;
    for channel in 0..volume.channels() {
        let (ours, theirs) = (volume.channel(channel), expected.channel(channel));
        let constant = input.channel(channel).windows(2).all(|w| w[0] == w[1]);
        if constant && percentiles {
            // The reference keeps a constant channel; here it becomes zero.
            if ours.iter().any(|&v| v != 0.0) {
                return Err("a constant channel is not zero".into());
            }
            continue;
        }
        agree::close_with_twin(ours, theirs, ROUNDING)?;
    }
    Ok(())
}

fn formula_fixture(case: &Case, params: &Params, height: usize, width: usize) -> Result<(), Failed> {
    let value = |y: usize, x: usize| (((y as u64 * 73_856_093) ^ (x as u64 * 19_349_663)) % 4093) as f32;
    let plane: Vec<f32> = (0..height * width).map(|at| value(at / width, at % width)).collect();
    let mut volume = Volume::new(plane, 1, 1, height, width)?;
    normalize::normalize(&mut volume, params)?;
    let samples = case.expected_json("samples").as_array().ok_or("no samples")?;
    let at = |sample: &Value, i: usize| sample[i].as_f64().unwrap_or(f64::NAN);
    let expected: Vec<f32> = samples.iter().map(|s| at(s, 2) as f32).collect();
    let ours: Vec<f32> =
        samples.iter().map(|s| volume.channel(0)[at(s, 0) as usize * width + at(s, 1) as usize]).collect();
    agree::close_with_twin(&ours, &expected, ROUNDING)
}
