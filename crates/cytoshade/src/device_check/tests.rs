use cytoshade_core::arch::unet::UNet;
use cytoshade_core::{Control, Network};
use cytoshade_gpu::{Choice, DeviceOptions, FaultInjection, Gpu, Options, Precision};
use pollster::block_on;

use super::case::{CELLS, Case, HOLE, SIDE, noisy_network, small_network};
use super::{check, compare};
use crate::backend::Backend;
use crate::calibrate::{KernelChoices, Wanted};
use crate::pipeline::image;
use crate::{Error, Image, Model, Params, PrecisionChoice};

fn demo() -> Model {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/cytoshade-demo.safetensors");
    Model::open(file).unwrap()
}

/// A network with the published number of channels on its first three levels.
fn wide() -> Network {
    noisy_network(&UNet::new(vec![2, 32, 64, 128], 3).unwrap()).unwrap()
}

/// The best adapter with faults; `None` without an adapter.
fn open(faults: FaultInjection) -> Option<Gpu> {
    let mut options = DeviceOptions::default();
    options.faults = faults;
    block_on(Gpu::open_with(Choice::Any, &options)).ok()
}

fn sound() -> Option<Gpu> {
    open(FaultInjection::default())
}

/// The precisions of a device.
fn precisions(gpu: &Gpu) -> Vec<Precision> {
    [Precision::F32, Precision::F16].into_iter().filter(|&p| p == Precision::F32 || gpu.capabilities().f16).collect()
}

fn case(like: &Network) -> Case {
    block_on(Case::new(small_network(like).unwrap())).unwrap()
}

/// The results that the check finds wrong.
fn wrong(gpu: &Gpu, case: &Case) -> &'static str {
    match block_on(compare(gpu, Options::default(), case)) {
        Err(Error::WrongResults { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_case_has_masks_a_hole_that_is_filled_and_one_cell_that_is_too_small() {
    let case = case(demo().network());
    let label = |row: f32, column: f32| case.labels.as_slice()[row as usize * SIDE + column as usize];
    let found = CELLS.map(|[row, column, _]| label(row, column));
    assert_eq!((found, case.labels.max()), ([1, 2, 3, 0], 3));
    assert!(case.flows.plane(2)[HOLE[0] * SIDE + HOLE[1]] < 0.0);
    assert_eq!(case.labels.as_slice()[HOLE[0] * SIDE + HOLE[1]], 3);
    assert!(case.outputs.unwrap().as_slice().iter().any(|&value| value.abs() > 0.1));
}

#[test]
fn a_sound_device_passes_in_each_precision() {
    let Some(gpu) = sound() else { return };
    for network in [demo().network(), &wide()] {
        for precision in precisions(&gpu) {
            let wanted = Wanted { precision: precision.into(), ..Wanted::default() };
            block_on(check(&gpu, network, &wanted)).unwrap();
        }
    }
    assert!(gpu.phases().iter().any(|phase| phase.name == "check"), "{:?}", gpu.phases());
}

/// Each comparison fails if the CPU's result is another one.
#[test]
fn every_result_is_compared() {
    let Some(gpu) = sound() else { return };
    let case = || case(demo().network());
    let mut other = case();
    other.outputs.iter_mut().for_each(|outputs| outputs.as_mut_slice()[0] += 0.1);
    assert_eq!(wrong(&gpu, &other), "the outputs of a network");
    let mut other = case();
    other.ends.y[0] += 0.1;
    assert_eq!(wrong(&gpu, &other), "the end points of flows");
    let mut other = case();
    other.ends.pixels[0] += 1;
    assert_eq!(wrong(&gpu, &other), "the end points of flows");
    let mut other = case();
    other.labels.as_mut_slice()[0] = 1;
    assert_eq!(wrong(&gpu, &other), "the masks of flows");
}

#[test]
fn a_wrong_stage_is_found() {
    type Source = fn(String) -> String;
    let faults: [(&str, Source); 3] = [
        ("the outputs of a network", |source| source.replace("squares += dot(", "squares -= dot(")),
        ("the end points of flows", |source| source.replace("clamp(p + step_at", "clamp(p - step_at")),
        ("the masks of flows", |source| source.replace("atomicMax(&grown", "atomicMin(&grown")),
    ];
    let case = case(demo().network());
    for (what, source) in faults {
        let Some(gpu) = open(FaultInjection::with_shaders(source)) else { return };
        assert_eq!(wrong(&gpu, &case), what);
    }
}

#[test]
fn a_device_that_computes_nothing_or_wrongly_is_found() {
    for faults in [FaultInjection::computes_nothing(), FaultInjection::computes_wrongly()] {
        let Some(gpu) = open(faults) else { return };
        for precision in precisions(&gpu).into_iter().map(PrecisionChoice::from).chain([PrecisionChoice::Auto]) {
            let wanted = Wanted { precision, ..Wanted::default() };
            let error = block_on(check(&gpu, demo().network(), &wanted)).unwrap_err();
            assert!(matches!(error, Error::WrongResults { what: "the outputs of a network", .. }), "{error}");
        }
    }
}

/// The pipelines of the check are among those of a segmentation.
#[test]
fn no_pipeline_is_built_for_the_check_alone() {
    let Some(gpu) = sound() else { return };
    let wide = wide();
    for network in [demo().network(), &wide] {
        for precision in precisions(&gpu) {
            let built = |checks: bool| {
                let gpu = sound().unwrap();
                if checks {
                    let wanted = Wanted { precision: precision.into(), ..Wanted::default() };
                    block_on(check(&gpu, network, &wanted)).unwrap();
                }
                let options = Options { precision, ..Options::default() };
                let backend = block_on(Backend::open(gpu.clone(), network, options, &KernelChoices::new())).unwrap();
                let image = Image::new(vec![0u8; 2 * 32 * 32], 2, 32, 32).unwrap();
                let (params, control) =
                    (Params::default().diameter(30.0).normalize(crate::Normalize::Off), Control::new());
                block_on(image::segment(&backend, network, None, image.view(), &params, &control)).unwrap();
                gpu.pipelines()
            };
            assert_eq!(built(true), built(false), "{precision:?}");
        }
    }
}
