//! Every device agrees on the scene, and a change of the CPU's results is found in the stage that has it.

use super::*;
use cytoshade_gpu::{AdapterInfo, ConvKernel};

/// The comparisons of an adapter that are not of the network.
const STAGES: usize = 9;

fn model() -> Model {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/cytoshade-demo.safetensors");
    Model::open(file).unwrap()
}

/// The software adapter, if this machine has one.
fn software() -> Option<AdapterInfo> {
    crate::adapters().into_iter().find(|adapter| adapter.kind == AdapterKind::Software)
}

fn differing(checks: &[SelfTestCheck]) -> usize {
    checks.iter().filter(|check| matches!(check.outcome, CheckOutcome::Differs { .. })).count()
}

#[test]
fn the_scene_has_cells_and_every_device_agrees() {
    let model = model();
    let scene = Scene::new(model.network()).unwrap();
    assert!(scene.labels.max() > 20 && scene.flow_errors.len() > 20);
    let tests = self_test(&model, true).unwrap();
    assert_eq!(tests[0].device, Segmenter::cpu_info());
    assert!(tests.iter().all(SelfTest::has_passed), "{tests:#?}");
    let has_gpu = tests.iter().any(|test| test.checks.iter().any(|check| check.name == "network direct f32"));
    assert_eq!(has_gpu, !crate::adapters().is_empty());
}

/// Each instruction set but portable code differs, if the machine has such; portable code is what it is compared with.
#[test]
fn a_difference_is_found_on_every_instruction_set() {
    let model = model();
    let mut scene = Scene::new(model.network()).unwrap();
    scene.tile.outputs[0] += 1.0;
    let test = cpu(&model, &scene);
    assert_eq!(test.checks.len() + 1, Isa::available().len());
    assert_eq!(differing(&test.checks), test.checks.len(), "{test:#?}");
    assert!(!test.has_passed() || test.checks.is_empty());
}

/// Each comparison fails if the CPU's result is another one.
#[test]
fn a_difference_is_found_in_the_stage_that_has_it() {
    let Some(adapter) = software() else {
        eprintln!("nothing is compared: no software adapter");
        return;
    };
    let model = model();
    let mut scene = Scene::new(model.network()).unwrap();
    scene.normalized.as_mut_slice()[0] += 1.0;
    scene.resized.as_mut_slice()[0] += 1.0;
    scene.tiles[0] += 1.0;
    scene.tile.outputs[0] += 1.0;
    scene.blended.as_mut_slice()[0] += 1.0;
    scene.ends.y.iter_mut().take(200).for_each(|y| *y = (*y - 1.0).abs());
    scene.histogram.counts[0] += 1;
    scene.flow_errors[0] += 1.0;
    scene.labels = cytoshade_core::Labels::zeros(scene.labels.height(), scene.labels.width());
    let checks = pollster::block_on(gpu::checks(&adapter, model.network(), &scene));
    assert_eq!(checks.len(), STAGES + 2 * ConvKernel::ALL.len());
    // An adapter may lack a kernel of the network, but not the direct one in f32, and no stage.
    let may_be_skipped = |name: &str| name.starts_with("network ") && name != "network direct f32";
    let skipped = checks.iter().filter(|check| matches!(check.outcome, CheckOutcome::Skipped(_)));
    let skipped: Vec<&str> = skipped.map(|check| check.name.as_str()).collect();
    assert!(skipped.iter().all(|name| may_be_skipped(name)), "{skipped:?}");
    assert_eq!(differing(&checks), checks.len() - skipped.len(), "{checks:#?}");
}
