//! Tint, the compiler of Chrome, accepts every shader. Ignored where the program `tint` is not installed.

use std::path::Path;
use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};

fn accepts(file: &Path) -> Result<(), Failed> {
    let output = Command::new("tint").args(["--format", "wgsl"]).arg(file).output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}

fn main() {
    let absent = Command::new("tint").arg("--help").output().is_err();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wgsl");
    let mut trials: Vec<Trial> = cytoshade_shaders::ALL
        .map(|shader| {
            let file = folder.join(format!("{}.wgsl", shader.name));
            Trial::test(format!("tint_accepts_{}", shader.name), move || accepts(&file)).with_ignored_flag(absent)
        })
        .into();
    // The twin: a shader that is wrong is refused.
    let refused = || {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong.wgsl");
        std::fs::write(&file, "@compute @workgroup_size(1) fn main() { let a: u32 = 1.5; }")?;
        if accepts(&file).is_ok() { Err("tint accepted a wrong shader".into()) } else { Ok(()) }
    };
    trials.push(Trial::test("tint_refuses_what_is_wrong", refused).with_ignored_flag(absent));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
