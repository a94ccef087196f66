//! Tint, the compiler of Chrome, accepts every shader. Ignored if the program `tint` is not installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use cytoshade_shaders::{Needs, Precision};
use libtest_mimic::{Arguments, Failed, Trial};

fn accepts(file: &Path) -> Result<(), Failed> {
    let output = Command::new("tint").args(["--format", "wgsl"]).arg(file).output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}

/// Writes a source to a temporary file.
fn written(name: &str, source: &str) -> Result<PathBuf, Failed> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.wgsl"));
    std::fs::write(&file, source)?;
    Ok(file)
}

fn main() {
    let absent = Command::new("tint").arg("--help").output().is_err();
    let mut trials = Vec::new();
    // Tint has another dialect of subgroup matrices; only naga compiles the shaders that use them.
    for shader in cytoshade_shaders::ALL.into_iter().filter(|shader| shader.needs != Needs::Matrices) {
        for precision in [Precision::F32, Precision::F16] {
            let name = format!("{}_{}", shader.name, precision.name());
            // naga has no such extension; Tint requires it.
            let enable = if shader.needs == Needs::Subgroups { "enable subgroups;\n" } else { "" };
            let source = format!("{enable}{}", shader.source(precision));
            let test = move || accepts(&written(&name, &source)?);
            let name = format!("tint_accepts_{}_{}", shader.name, precision.name());
            trials.push(Trial::test(name, test).with_ignored_flag(absent));
        }
    }
    // The twin: a wrong shader is refused.
    let refused = || {
        let file = written("wrong", "@compute @workgroup_size(1) fn main() { let a: u32 = 1.5; }")?;
        if accepts(&file).is_ok() { Err("tint accepted a wrong shader".into()) } else { Ok(()) }
    };
    trials.push(Trial::test("tint_refuses_what_is_wrong", refused).with_ignored_flag(absent));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
