//! Installs the software Vulkan driver, for GPU tests without a GPU.

use std::path::Path;

use crate::debian;
use crate::shell::Outcome;

/// Folders in which Linux distributions register Vulkan drivers.
const DRIVER_FOLDERS: [&str; 3] = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

const PACKAGES: [&str; 2] = ["libvulkan1", "mesa-vulkan-drivers"];

/// Makes sure that some adapter can run the shaders.
///
/// macOS and Windows bring a driver with their GPU. On Linux without a driver, this installs Mesa's llvmpipe.
///
/// # Errors
/// A message with the packages to install, if the system is not based on Debian or this process lacks privileges.
pub(crate) fn install() -> Outcome {
    if !cfg!(target_os = "linux") || has_driver() {
        return Ok(());
    }
    debian::install(&PACKAGES, "no Vulkan driver found", "pass --no-install to skip the GPU tests")
}

fn has_driver() -> bool {
    let named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].iter().any(|name| std::env::var_os(name).is_some());
    named || DRIVER_FOLDERS.iter().any(|folder| has_manifest(Path::new(folder)))
}

fn has_manifest(folder: &Path) -> bool {
    std::fs::read_dir(folder)
        .is_ok_and(|files| files.flatten().any(|file| file.path().extension().is_some_and(|e| e == "json")))
}
