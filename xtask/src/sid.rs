//! A root of Debian sid with its Vulkan drivers, beside the machine's own system.
//!
//! Mesa's newest drivers need a newer C library than stable systems have. The root is kept in cargo's target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian;
use crate::shell::{Outcome, lines, run, succeeds, target_folder};

/// Packages in the root besides Debian's minimal set.
const PACKAGES: &str = "mesa-vulkan-drivers,libvulkan1";

/// Whether this machine can set up the root: it runs Debian or a derivative, and this process is root.
pub(crate) fn possible() -> bool {
    cfg!(target_os = "linux") && succeeds("apt-get", &["--version"]) && is_root()
}

fn is_root() -> bool {
    succeeds("sh", &["-c", "test $(id -u) = 0"])
}

/// The root's folder; sets the root up if it is missing.
pub(crate) fn set_up() -> Result<PathBuf, String> {
    let root = target_folder().join("sid");
    let done = root.join("complete");
    if done.exists() {
        return Ok(root);
    }
    if !succeeds("debootstrap", &["--version"]) {
        debian::install(&["debootstrap"], "no debootstrap found", "skip this step with --may-skip")?;
    }
    if root.exists() {
        // An earlier run was interrupted.
        std::fs::remove_dir_all(&root).map_err(|error| format!("cannot remove {}: {error}", root.display()))?;
    }
    let include = format!("--include={PACKAGES}");
    run(Command::new("debootstrap").args(["--variant=minbase", &include, "sid"]).arg(&root).args(mirror()))?;
    std::fs::write(&done, "").map_err(|error| format!("cannot write {}: {error}", done.display()))?;
    Ok(root)
}

/// The mirror of Debian in the machine's own package sources; `None` on a derivative.
pub(crate) fn mirror() -> Option<String> {
    let mut command = Command::new("apt-get");
    command.args(["indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Label: Debian"]);
    lines(command).ok()?.into_iter().next()
}

/// Runs a command line in the root.
pub(crate) fn chroot(root: &Path, line: &str) -> Outcome {
    run(Command::new("chroot").arg(root).args(["sh", "-ec", line]).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// A program of this machine, to be run with the root's loader and libraries.
pub(crate) fn inside(root: &Path, program: &Path) -> Result<Command, String> {
    let libraries = root.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
    let files = std::fs::read_dir(&libraries).map_err(|error| format!("{}: {error}", libraries.display()))?;
    let is_loader =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux"));
    let loader = files.flatten().map(|file| file.path()).find(is_loader);
    let mut command = Command::new(loader.ok_or_else(|| format!("{} has no loader", libraries.display()))?);
    command.arg("--library-path").arg(&libraries).arg(program);
    Ok(command)
}
