//! The software Vulkan driver that the GPU tests run on where there is no device.

use std::path::Path;

use crate::debian;
use crate::shell::Outcome;

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
    debian::install(&PACKAGES, "no Vulkan driver found", "leave the GPU tests out with --no-install")
}

fn has_driver() -> bool {
    let named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].iter().any(|name| std::env::var_os(name).is_some());
    named || DRIVER_FOLDERS.iter().any(|folder| has_manifest(Path::new(folder)))
}

fn has_manifest(folder: &Path) -> bool {
    std::fs::read_dir(folder)
        .is_ok_and(|files| files.flatten().any(|file| file.path().extension().is_some_and(|e| e == "json")))
}
