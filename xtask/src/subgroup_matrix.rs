//! Tests the kernels on subgroup matrices without a GPU, in a Debian sid root whose driver has such matrices.
//!
//! Mesa's llvmpipe has them from version 26 on, which needs a newer C library than stable systems have. It is therefore
//! installed in a separate root, into which the test binaries are copied.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{Outcome, cargo, root as repository, run};
use crate::sid;

/// The driver's manifest in the root.
const DRIVER: &str = "/usr/share/vulkan/icd.d/lvp_icd.json";

/// The test binaries that need an adapter, and which of their tests.
const TESTS: [(&str, &str); 3] = [("stages", "::gpu::"), ("device", "::"), ("pipeline", "image::gpu::")];

/// Sets up the root if it is missing, and runs every GPU test in it.
///
/// With `may_skip`, a root that cannot be set up is reported, but is no failure: sid changes every day.
pub(crate) fn test(may_skip: bool, rest: &[String]) -> Outcome {
    if !sid::possible() {
        return Err(
            "the tests on subgroup matrices need Debian or a derivative, and root privileges for debootstrap and chroot: \
                    run `sudo --preserve-env=PATH cargo xtask test --subgroup-matrix` there"
                .into(),
        );
    }
    let root = match sid::set_up() {
        Err(why) if may_skip => {
            eprintln!("xtask: subgroup matrices are not tested, their driver cannot be installed: {why}");
            return Ok(());
        }
        root => root?,
    };
    copy_fixtures(&root)?;
    let binaries = build()?;
    let folder = root.join("tests");
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    for (test, filter) in TESTS {
        let binary = binary(&binaries, test)?;
        let copy = folder.join(test);
        // Replace the file instead of writing into it: an old copy may still be running.
        let _ = std::fs::remove_file(&copy);
        std::fs::copy(&binary, &copy).map_err(|error| format!("cannot copy {}: {error}", binary.display()))?;
        let mut command = Command::new("chroot");
        command.arg(&root).args(["env", "--unset=CYTOSHADE_TEST_DATA", "XDG_RUNTIME_DIR=/tmp"]);
        command.arg(format!("VK_DRIVER_FILES={DRIVER}"));
        command.arg(format!("/tests/{test}"));
        if rest.is_empty() {
            command.arg(filter)
        } else {
            command.args(rest)
        };
        run(command)?;
    }
    Ok(())
}

/// A program of this machine, to be run with the root's loader, C library and driver.
pub(crate) fn inside(program: &Path) -> Result<Command, String> {
    let root = sid::set_up()?;
    let mut command = sid::inside(&root, program)?;
    command.env("VK_DRIVER_FILES", root.join(DRIVER.trim_start_matches('/'))).env("XDG_RUNTIME_DIR", "/tmp");
    Ok(command)
}

/// Copies the tests' input files into the root, to the repository's own path, where the tests look for them.
fn copy_fixtures(root: &Path) -> Outcome {
    let repository = repository();
    for folder in ["tests/fixtures", "models"] {
        let from = repository.join(folder);
        let inside = from.strip_prefix("/").unwrap_or(&from);
        let parent = root.join(inside);
        let parent = parent.parent().unwrap_or(root);
        std::fs::create_dir_all(parent).map_err(|error| format!("cannot make {}: {error}", parent.display()))?;
        run(Command::new("cp").arg("--recursive").arg(&from).arg(parent))?;
    }
    Ok(())
}

/// Builds the workspace's tests as `cargo xtask test` does, and returns cargo's messages.
fn build() -> Result<String, String> {
    let output = cargo(&["test", "--workspace", "--no-run", "--message-format", "json"])
        .current_dir(repository())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err("the tests do not build".into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The path of a test binary, from cargo's messages: one JSON object per line.
fn binary(messages: &str, test: &str) -> Result<PathBuf, String> {
    let name = format!("\"name\":\"{test}\"");
    messages
        .lines()
        .filter(|line| line.contains(&name))
        .filter_map(|line| line.split("\"executable\":\"").nth(1)?.split('"').next())
        .next_back()
        .map(PathBuf::from)
        .ok_or_else(|| format!("cargo reports no binary of the test {test}"))
}
