//! The software Vulkan driver that the GPU tests run on where there is no device.

use std::path::Path;
use std::process::Command;

use crate::shell::{Outcome, run, succeeds};

/// Where Linux distributions register Vulkan drivers.
const DRIVER_FOLDERS: [&str; 3] = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

const PACKAGES: [&str; 2] = ["libvulkan1", "mesa-vulkan-drivers"];

/// Sees to it that there is something to run the shaders on.
///
/// macOS and Windows bring a driver with their GPU. On Linux without one, Mesa's llvmpipe is installed where the
/// packages are Debian's and we may; elsewhere this says what to install.
pub(crate) fn install() -> Outcome {
    if !cfg!(target_os = "linux") || has_driver() {
        return Ok(());
    }
    if !succeeds("apt-get", &["--version"]) {
        return Err(
            "no Vulkan driver found: install Mesa's (the package is called mesa-vulkan-drivers, vulkan-swrast \
                    or similar) and the Vulkan loader, or leave the GPU tests out with --no-install"
                .into(),
        );
    }
    let words = format!("apt-get install -y {}", PACKAGES.join(" "));
    let prefix: &[&str] = if succeeds("sh", &["-c", "test $(id -u) = 0"]) {
        &["env"]
    } else if succeeds("sudo", &["-n", "true"]) {
        &["sudo"]
    } else {
        return Err(format!(
            "no Vulkan driver found, and no rights to install one: run `sudo {words}`, or leave the GPU tests out with \
             --no-install"
        ));
    };
    let apt = |args: &[&str]| {
        let mut command = Command::new(prefix[0]);
        command.args(&prefix[1..]).args(["apt-get", "--quiet", "--yes"]).args(args);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        run(command)
    };
    apt(&["update"])?;
    apt(&[&["install", "--no-install-recommends"][..], &PACKAGES[..]].concat())
}

fn has_driver() -> bool {
    let named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].iter().any(|name| std::env::var_os(name).is_some());
    named || DRIVER_FOLDERS.iter().any(|folder| has_manifest(Path::new(folder)))
}

fn has_manifest(folder: &Path) -> bool {
    std::fs::read_dir(folder)
        .is_ok_and(|files| files.flatten().any(|file| file.path().extension().is_some_and(|e| e == "json")))
}
