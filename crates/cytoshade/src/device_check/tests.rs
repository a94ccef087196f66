use std::sync::{Mutex, MutexGuard, PoisonError};

use cytoshade_core::arch::unet::UNet;
use cytoshade_core::{Control, Network, Planes};
use cytoshade_gpu::{Choice, DeviceOptions, FaultInjection, Gpu, Options, Precision};
use pollster::block_on;

use super::flows::{CELLS, HOLE, SIDE, flows_and_labels};
use super::network::{check, check_outputs, cpu, outputs};
use super::small_network::{noisy_network, planes, small_network};
use super::{agree, check_dynamics, masks};
use crate::backend::Backend;
use crate::calibrate::{KernelChoices, Subject, Wanted};
use crate::pipeline::image;
use crate::{Error, Image, Model, Params, PrecisionChoice};

fn demo() -> Model {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/cytoshade-demo.safetensors");
    Model::open(file).unwrap()
}

/// A network with the published number of channels on its first three levels.
fn wide() -> Model {
    Model::from_network(noisy_network(&UNet::new(vec![2, 32, 64, 128], 3).unwrap()).unwrap())
}

/// The check for a precision, of segmentation networks.
fn check_in(gpu: &Gpu, model: &Model, precision: impl Into<PrecisionChoice>) -> Result<(), Error> {
    let wanted = Wanted { precision: precision.into(), ..Wanted::default() };
    block_on(check(gpu, &Subject { model, restores: false }, &wanted))
}

/// Lets the tests run one after another: each builds pipelines on all cores.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
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

/// The small network for the bundled one.
fn small() -> Network {
    small_network(demo().network()).unwrap()
}

/// A network on a GPU.
fn backend(gpu: &Gpu, network: &Network) -> Backend {
    block_on(Backend::open(gpu.clone(), network, Options::default(), &KernelChoices::new())).unwrap()
}

/// The results that a comparison finds wrong.
fn wrong(result: Result<(), Error>) -> &'static str {
    match result {
        Err(Error::WrongResults { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

/// A warning about the device that another one replaces must name it.
#[test]
fn a_device_that_is_lost_in_its_check_is_named() {
    let _turn = turn();
    let faults = FaultInjection::default();
    let Some(gpu) = open(faults.clone()) else { return };
    faults.lose.store(true, std::sync::atomic::Ordering::Relaxed);
    let error = check_in(&gpu, &demo(), Precision::F32).unwrap_err().to_string();
    assert!(error.contains("lost") && error.contains(&gpu.info().name), "{error}");
}

#[test]
fn the_cpu_finds_the_masks_of_the_formula() {
    let network = small();
    let (flows, labels) = flows_and_labels();
    let found = block_on(masks(&cpu(&network).unwrap().unwrap(), &network, flows.clone())).unwrap();
    assert_eq!(found, labels);
    let label = |[row, column, ..]: [f32; 4]| labels.as_slice()[row as usize * SIDE + column as usize];
    assert_eq!(CELLS.map(label), CELLS.map(|cell| cell[3] as u32));
    assert_eq!((flows.plane(2)[HOLE], labels.as_slice()[HOLE]), (-1.0, 3));
}

#[test]
fn a_sound_device_passes_in_each_precision() {
    let _turn = turn();
    let Some(gpu) = sound() else { return };
    for model in [demo(), wide()] {
        for precision in precisions(&gpu) {
            check_in(&gpu, &model, precision).unwrap();
        }
    }
    assert!(gpu.phases().iter().any(|phase| phase.name == "check"), "{:?}", gpu.phases());
}

/// The comparison fails if the CPU's outputs are others.
#[test]
fn the_outputs_are_compared() {
    let _turn = turn();
    let Some(gpu) = sound() else { return };
    let (network, planes) = (small(), planes().unwrap());
    let mut expected = block_on(outputs(&cpu(&network).unwrap().unwrap(), &network, &planes)).unwrap();
    let backend = backend(&gpu, &network);
    let compare = |expected: &Planes| block_on(check_outputs(&backend, &network, &planes, expected));
    compare(&expected).unwrap();
    expected.as_mut_slice()[0] += 0.1;
    assert_eq!(wrong(compare(&expected)), "the outputs of a network");
    assert!(agree(&gpu, "", f64::NAN, 1.0).is_err());
}

#[test]
fn a_wrong_stage_is_found() {
    let _turn = turn();
    type Source = fn(String) -> String;
    let faults: [(&str, Source); 3] = [
        ("the outputs of a network", |source| source.replace("squares += dot(", "squares -= dot(")),
        ("the masks of flows", |source| source.replace("clamp(p + step_at", "clamp(p - step_at")),
        ("the masks of flows", |source| source.replace("atomicMax(&grown", "atomicMin(&grown")),
    ];
    for (what, source) in faults {
        let Some(gpu) = open(FaultInjection::with_shaders(source)) else { return };
        assert_eq!(wrong(check_in(&gpu, &demo(), Precision::F32)), what);
    }
}

/// The dynamics alone find a device that computes nothing, as in browsers.
#[test]
fn the_dynamics_alone_find_a_device_that_computes_nothing() {
    let _turn = turn();
    let (Some(idle), Some(sound)) = (open(FaultInjection::computes_nothing()), sound()) else { return };
    let network = small();
    let check = |gpu| block_on(check_dynamics(&backend(gpu, &network), &network));
    assert_eq!(wrong(check(&idle)), "the masks of flows");
    check(&sound).unwrap();
}

#[test]
fn a_device_that_computes_nothing_or_wrongly_is_found() {
    let _turn = turn();
    for faults in [FaultInjection::computes_nothing(), FaultInjection::computes_wrongly()] {
        let Some(gpu) = open(faults) else { return };
        for precision in precisions(&gpu).into_iter().map(PrecisionChoice::from).chain([PrecisionChoice::Auto]) {
            let error = check_in(&gpu, &demo(), precision).unwrap_err();
            assert!(matches!(error, Error::WrongResults { what: "the outputs of a network", .. }), "{error}");
        }
    }
}

/// The dynamics of a device do not matter to restoration networks, and their pipelines are not built.
#[test]
fn restoration_networks_are_checked_without_the_dynamics() {
    let _turn = turn();
    let shaders = FaultInjection::with_shaders(|source| source.replace("clamp(p + step_at", "clamp(p - step_at"));
    let Some(gpu) = open(shaders) else { return };
    let model = demo();
    let check = |restores| block_on(check(&gpu, &Subject { model: &model, restores }, &Wanted::default()));
    check(true).unwrap();
    assert!(matches!(check(false), Err(Error::WrongResults { what: "the masks of flows", .. })));
}

/// The pipelines of the check are among those of a segmentation.
#[test]
fn no_pipeline_is_built_for_the_check_alone() {
    let _turn = turn();
    let Some(gpu) = sound() else { return };
    for model in [demo(), wide()] {
        for precision in precisions(&gpu) {
            let built = |is_checked: bool| {
                let (gpu, network) = (sound().unwrap(), model.network());
                if is_checked {
                    check_in(&gpu, &model, precision).unwrap();
                }
                let options = Options { precision, ..Options::default() };
                let backend = block_on(Backend::open(gpu.clone(), network, options, &KernelChoices::new())).unwrap();
                let image = Image::new(vec![0u8; 2 * 32 * 32], 2, 32, 32).unwrap();
                let (params, control) = (Params::default().diameter(30.0), Control::new());
                block_on(image::segment(&backend, network, None, image.view(), &params, &control)).unwrap();
                gpu.pipelines()
            };
            assert_eq!(built(true), built(false), "{precision:?}");
        }
    }
}
