//! Every pipeline compiles for AMD's GPUs within the limits. Ignored without RADV, which needs no GPU for it.

use std::path::PathBuf;

use cytoshade_gpu_lab::devices::{Device, Setup, Tier};
use cytoshade_gpu_lab::lab::Lab;
use cytoshade_gpu_lab::limits;
use libtest_mimic::{Arguments, Failed, Trial};

fn compiles(device: Device) -> Result<(), Failed> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_cytoshade-gpu-lab"));
    let lab = Lab { program, setup: Setup::default(), shader: None, texts: None };
    let results = lab.run(&[device]).into_iter().collect::<Result<Vec<_>, _>>()?;
    let findings = limits::check(&results);
    if findings.is_empty() && !results[0].pipelines.is_empty() { Ok(()) } else { Err(findings.join("\n").into()) }
}

fn main() {
    let devices = Device::select(&[Tier::A], None).unwrap_or_default();
    let trials = devices.into_iter().map(|device| {
        // A command exists only with the driver's manifest.
        let absent = device.commands(&Setup::default(), "".as_ref()).is_err();
        let name = format!("every_pipeline_compiles_on_{}", device.name.replace(' ', "_"));
        Trial::test(name, move || compiles(device)).with_ignored_flag(absent)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}
