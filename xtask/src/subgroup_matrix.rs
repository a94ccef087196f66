//! Tests the kernels on subgroup matrices without a GPU, in a Debian sid root whose driver has such matrices.
//!
//! Mesa's llvmpipe has them from version 26 on, which needs a newer C library than stable systems have. It is therefore
//! installed in a separate root, into which the test binaries are copied.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian;
use crate::shell::{Outcome, cargo, root as repository, run, succeeds, target_folder};

/// Packages in the root besides Debian's minimal set.
const PACKAGES: &str = "mesa-vulkan-drivers,libvulkan1";

/// The driver's manifest in the root.
const DRIVER: &str = "/usr/share/vulkan/icd.d/lvp_icd.json";

/// The test binaries that need an adapter, and which of their tests.
const TESTS: [(&str, &str); 3] = [("stages", "::gpu::"), ("device", "::"), ("pipeline", "image::gpu::")];

/// Whether this machine can set up such a root: it runs Debian or a derivative, and this process is root.
pub(crate) fn possible() -> bool {
    cfg!(target_os = "linux") && succeeds("apt-get", &["--version"]) && is_root()
}

fn is_root() -> bool {
    succeeds("sh", &["-c", "test $(id -u) = 0"])
}

/// Sets up the root if it is missing, and runs every GPU test in it.
///
/// With `may_skip`, a root that cannot be set up is reported, but is no failure: sid changes every day.
pub(crate) fn test(may_skip: bool, rest: &[String]) -> Outcome {
    if !possible() {
        return Err(
            "the tests on subgroup matrices need Debian or a derivative, and root privileges for debootstrap and chroot: \
                    run `sudo --preserve-env=PATH cargo xtask test --subgroup-matrix` there"
                .into(),
        );
    }
    let root = match set_up() {
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
    let root = set_up()?;
    let libraries = root.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
    let files = std::fs::read_dir(&libraries).map_err(|error| format!("{}: {error}", libraries.display()))?;
    let is_loader =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux"));
    let loader = files.flatten().map(|file| file.path()).find(is_loader);
    let mut command = Command::new(loader.ok_or_else(|| format!("{} has no loader", libraries.display()))?);
    command.arg("--library-path").arg(&libraries).arg(program);
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

/// The root's folder, kept between runs in cargo's target folder.
fn set_up() -> Result<PathBuf, String> {
    let root = target_folder().join("sid");
    let done = root.join("complete");
    if done.exists() {
        return Ok(root);
    }
    if !succeeds("debootstrap", &["--version"]) {
        debian::install(&["debootstrap"], "no debootstrap found", "skip these tests with --may-skip")?;
    }
    if root.exists() {
        // An earlier run was interrupted.
        std::fs::remove_dir_all(&root).map_err(|error| format!("cannot remove {}: {error}", root.display()))?;
    }
    let include = format!("--include={PACKAGES}");
    run(Command::new("debootstrap").args(["--variant=minbase", &include, "sid"]).arg(&root))?;
    std::fs::write(&done, "").map_err(|error| format!("cannot write {}: {error}", done.display()))?;
    Ok(root)
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
