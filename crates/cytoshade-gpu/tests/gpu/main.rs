//! Every stage on the GPU against the reference: its fixtures, and its formulas written down once more in f64.
//!
//! Runs on the best adapter there is, a software one too. On a machine with none every test that needs one is reported
//! as ignored.

mod adapters;
mod agree;
mod dynamics;
mod fixtures;
mod network;
mod random;
mod reference;

use cytoshade_gpu::{Choice, Gpu};
use libtest_mimic::{Arguments, Failed, Trial};

type Run = Box<dyn FnOnce(&Gpu) -> Result<(), Failed> + Send>;

/// A test that may need a device, and whatever else it misses.
pub(crate) struct Test {
    name: String,
    missing: bool,
    run: Run,
}

impl Test {
    fn new(name: impl Into<String>, run: impl FnOnce(&Gpu) -> Result<(), Failed> + Send + 'static) -> Self {
        Self { name: name.into(), missing: false, run: Box::new(run) }
    }

    fn missing(self, missing: bool) -> Self {
        Self { missing, ..self }
    }
}

fn main() {
    let gpu = pollster::block_on(Gpu::open(Choice::Any)).ok();
    if let Some(gpu) = &gpu {
        eprintln!("running on {} ({}, {})", gpu.info().name, gpu.info().backend, gpu.info().kind);
    }
    let mut trials = adapters::without_device();
    for test in adapters::tests().into_iter().chain(network::tests()).chain(dynamics::tests()) {
        let missing = test.missing || gpu.is_none();
        let gpu = gpu.clone();
        let run = move || match gpu {
            Some(gpu) => (test.run)(&gpu),
            None => Err("there is no adapter".into()),
        };
        trials.push(Trial::test(test.name, run).with_ignored_flag(missing));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
