//! Tests whose names follow the stages: `follow_flows::gpu::random flows`.

use std::fmt::Display;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::fixtures::{Case, cases};
#[cfg(not(target_os = "wasi"))]
use crate::gpu;
use crate::trial;

/// All tests of a binary.
#[derive(Debug)]
pub struct Suite {
    trials: Vec<Trial>,
    /// The best adapter, software included.
    #[cfg(not(target_os = "wasi"))]
    gpu: Option<cytoshade_gpu::Gpu>,
}

/// Tests on the CPU whose names share a prefix.
#[derive(Debug)]
pub struct Group<'a> {
    trials: &'a mut Vec<Trial>,
    prefix: String,
}

/// Tests on the GPU whose names share a prefix. They are reported as ignored if there is no adapter.
#[cfg(not(target_os = "wasi"))]
#[derive(Debug)]
pub struct GpuGroup<'a> {
    trials: &'a mut Vec<Trial>,
    prefix: String,
    gpu: &'a Option<cytoshade_gpu::Gpu>,
}

impl Suite {
    /// A suite without tests. Opens the adapter.
    #[allow(clippy::new_without_default, reason = "opening an adapter is no default")]
    pub fn new() -> Self {
        Self {
            trials: Vec::new(),
            #[cfg(not(target_os = "wasi"))]
            gpu: gpu::open(),
        }
    }

    /// The tests of a stage on the CPU.
    pub fn cpu(&mut self, stage: &str) -> Group<'_> {
        Group { trials: &mut self.trials, prefix: format!("{stage}::cpu") }
    }

    /// The tests of a stage on the GPU.
    #[cfg(not(target_os = "wasi"))]
    pub fn gpu(&mut self, stage: &str) -> GpuGroup<'_> {
        GpuGroup { trials: &mut self.trials, prefix: format!("{stage}::gpu"), gpu: &self.gpu }
    }

    /// Runs the tests that the command line selects, and exits.
    pub fn run(self) -> ! {
        libtest_mimic::run(&Arguments::from_args(), self.trials).exit()
    }
}

impl Group<'_> {
    /// Adds a test.
    pub fn test(&mut self, name: impl Display, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) {
        self.test_with(name, None, test);
    }

    /// Adds a test that is reported as ignored if something is `missing`.
    pub fn test_with(
        &mut self,
        name: impl Display,
        missing: Option<&str>,
        test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
    ) {
        self.trials.push(trial(format!("{}::{name}", self.prefix), missing, test));
    }

    /// Adds a test for each case of a file of fixtures that expects one of these outputs.
    pub fn fixtures(&mut self, folder: &str, file: &str, outputs: &[&str], test: fn(&Case) -> Result<(), Failed>) {
        for case in cases_with(folder, file, outputs) {
            self.test_with(format!("fixture {}", case.name()), case.missing(), move || test(&case));
        }
    }
}

#[cfg(not(target_os = "wasi"))]
impl GpuGroup<'_> {
    /// The adapter, to decide which tests it can run.
    pub fn adapter(&self) -> Option<&cytoshade_gpu::Gpu> {
        self.gpu.as_ref()
    }

    /// Adds a test.
    pub fn test(
        &mut self,
        name: impl Display,
        test: impl FnOnce(&cytoshade_gpu::Gpu) -> Result<(), Failed> + Send + 'static,
    ) {
        self.test_with(name, None, test);
    }

    /// Adds a test that is reported as ignored if something else is `missing`.
    pub fn test_with(
        &mut self,
        name: impl Display,
        missing: Option<&str>,
        test: impl FnOnce(&cytoshade_gpu::Gpu) -> Result<(), Failed> + Send + 'static,
    ) {
        self.trials.push(gpu::trial(self.gpu, format!("{}::{name}", self.prefix), missing, test));
    }

    /// Adds a test for each case of a file of fixtures that expects one of these outputs.
    pub fn fixtures(
        &mut self,
        folder: &str,
        file: &str,
        outputs: &[&str],
        test: fn(&cytoshade_gpu::Gpu, &Case) -> Result<(), Failed>,
    ) {
        for case in cases_with(folder, file, outputs) {
            self.test_with(format!("fixture {}", case.name()), case.missing(), move |gpu| test(gpu, &case));
        }
    }
}

/// The cases of a file that expect one of these outputs: at least one, or comparisons would be lost.
fn cases_with(folder: &str, file: &str, outputs: &[&str]) -> Vec<Case> {
    let expects = |case: &Case| outputs.iter().any(|output| !case.expected_json(output).is_null());
    let found: Vec<Case> = cases(folder, file).into_iter().filter(expects).collect();
    assert!(!found.is_empty(), "no case of {folder}/{file} expects {outputs:?}");
    found
}
