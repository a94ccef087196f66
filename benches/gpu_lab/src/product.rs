//! Starts the product on a device: it opens, its pipelines build, and the rule picks the expected kernels.

use std::path::Path;
use std::process::Command;

use crate::devices::{Device, Setup};
use crate::error::Error;
use crate::pipelines::Pipeline;

/// Runs the program `gpu-lab-product` on a device, and returns what differs from the expectation.
///
/// `pipelines` are those of the lab for the device: the product must build no other.
///
/// # Errors
/// [`Error::File`] if the driver is not there.
pub fn check(setup: &Setup, device: &Device, program: &Path, pipelines: &[Pipeline]) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    for mut command in device.commands(setup, program)? {
        match output(&mut command) {
            Ok(lines) => return Ok(differences(device, &lines, pipelines)),
            Err(reason) => findings = vec![format!("{}: the product does not run: {reason}", device.name)],
        }
    }
    Ok(findings)
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let errors = text(&output.stderr);
    Err(format!("{}: {}", output.status, errors.lines().next_back().unwrap_or_default()))
}

/// The kernels and pipelines of the program's output that are not expected.
fn differences(device: &Device, output: &str, pipelines: &[Pipeline]) -> Vec<String> {
    let mut findings = Vec::new();
    let known: Vec<String> = pipelines.iter().map(ToString::to_string).collect();
    let (mut kernels, mut built) = (0, 0);
    for line in output.lines() {
        match line.split_once(' ') {
            Some(("kernel", kernel)) => {
                kernels += 1;
                let expected = device.kernels[usize::from(kernel.starts_with("f16"))];
                if !kernel.ends_with(&format!(" {expected}")) {
                    findings.push(format!("{}: the rule picks {kernel}, expected {expected}", device.name));
                }
            }
            Some(("pipeline", pipeline)) => {
                built += 1;
                if !known.iter().any(|known| known == pipeline) {
                    findings.push(format!("{}: the list of pipelines lacks {pipeline}", device.name));
                }
            }
            _ => {}
        }
    }
    if kernels == 0 || built == 0 {
        findings.push(format!("{}: the product names {kernels} kernels and {built} pipelines", device.name));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::DEVICES;
    use crate::pipelines;
    use crate::report::Traits;

    #[test]
    fn kernels_and_pipelines_are_compared() {
        let ada = DEVICES.into_iter().find(|device| device.name == "Ada").unwrap();
        let traits = Traits { subgroups: vec![32], matrices: vec![16], ..Traits::default() };
        let all = pipelines::all(&traits).unwrap();
        let output = "adapter NVK\nkernel f32 3x3 2->32 gemm\nkernel f16 3x3 2->32 matrix\npipeline pack f16\n";
        assert_eq!(differences(&ada, output, &all), [] as [String; 0]);
        let other = output.replace("->32 matrix", "->32 gemm").replace("pack f16", "pack f16 LANES=1");
        let found = differences(&ada, &other, &all);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("expected matrix") && found[1].contains("pack f16 LANES=1"), "{found:?}");
        assert_eq!(differences(&ada, "adapter NVK\n", &all).len(), 1);
    }
}
