//! The self-test of a machine: every kernel and stage beside the CPU's.

mod gpu;
mod scene;

use std::time::{Duration, Instant};

use cytoshade_cpu::network::Isa;
use cytoshade_gpu::AdapterKind;

use crate::{DeviceInfo, Error, Model, Segmenter};
use scene::Scene;

/// The self-test of one device.
#[derive(Debug)]
#[non_exhaustive]
pub struct SelfTest {
    /// The device.
    pub device: DeviceInfo,
    /// The comparisons, in the order of the pipeline.
    pub checks: Vec<SelfTestCheck>,
}

impl SelfTest {
    /// True if no comparison failed.
    pub fn has_passed(&self) -> bool {
        self.checks.iter().all(|check| matches!(check.outcome, CheckOutcome::Agrees { .. } | CheckOutcome::Skipped(_)))
    }
}

/// One comparison of a [`SelfTest`].
#[derive(Debug)]
#[non_exhaustive]
pub struct SelfTestCheck {
    /// The stage; for the network also the kernel and the precision, or the instruction set.
    pub name: String,
    /// The outcome.
    pub outcome: CheckOutcome,
    /// The time of the comparison, with the compilation of its shaders.
    pub time: Duration,
}

/// The outcome of a comparison.
#[derive(Debug)]
#[non_exhaustive]
pub enum CheckOutcome {
    /// The results agree.
    Agrees {
        /// The error, in the unit of the check: a relative L2 error, or the share of values that differ.
        error: f64,
        /// The largest error that counts as agreement.
        allowed: f64,
    },
    /// The results differ.
    Differs {
        /// As for [`CheckOutcome::Agrees`].
        error: f64,
        /// As for [`CheckOutcome::Agrees`].
        allowed: f64,
    },
    /// The device has no such kernel, for this reason.
    Skipped(String),
    /// The device failed.
    Failed(Error),
}

impl CheckOutcome {
    fn new(error: f64, allowed: f64) -> Self {
        // A difference that is not a number is no agreement.
        if error <= allowed {
            CheckOutcome::Agrees { error, allowed }
        } else {
            CheckOutcome::Differs { error, allowed }
        }
    }
}

/// Relative L2 error of the network in f32 that counts as agreement; Winograd's is the largest.
const NETWORK_F32: f64 = 2e-5;

/// Compares every instruction set of the CPU and every kernel and stage of the adapters with plain code on the CPU.
///
/// Runs `model` on tiles of a synthetic image, and the stages around it on that image. Software adapters are tested only
/// with `software`. Adapters of the same name are tested once. Stages of stacks in 3-D are not compared.
///
/// # Errors
/// Fails if the model is no network for segmentation. A device that fails is part of the result.
pub fn self_test(model: &Model, software: bool) -> Result<Vec<SelfTest>, Error> {
    let scene = Scene::new(model.network())?;
    let mut tests = vec![cpu(model, &scene)];
    let mut names = Vec::new();
    for adapter in crate::adapters() {
        if names.contains(&adapter.name) || adapter.kind == AdapterKind::Software && !software {
            continue;
        }
        names.push(adapter.name.clone());
        let checks = pollster::block_on(gpu::checks(&adapter, model.network(), &scene));
        tests.push(SelfTest { device: DeviceInfo::Gpu(adapter), checks });
    }
    Ok(tests)
}

/// Compares the network on each instruction set of the CPU with plain Rust.
fn cpu(model: &Model, scene: &Scene) -> SelfTest {
    let sets = Isa::available().into_iter().filter(|isa| *isa != Isa::Portable);
    let checks = sets.map(|isa| {
        let start = Instant::now();
        let outcome = match scene.tile.run(model.network(), isa) {
            Ok(outputs) => CheckOutcome::new(scene::distance(&outputs, &scene.tile.outputs), NETWORK_F32),
            Err(error) => CheckOutcome::Failed(error),
        };
        SelfTestCheck { name: format!("network {isa}"), outcome, time: start.elapsed() }
    });
    SelfTest { device: Segmenter::cpu_info(), checks: checks.collect() }
}
