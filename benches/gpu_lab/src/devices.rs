//! The devices of the lab, and how to start a process that finds one.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// The maker of a device, which decides the compiler and the form of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// AMD: ACO in RADV.
    Amd,
    /// NVIDIA: NAK in NVK.
    Nvidia,
    /// Intel: the compiler of ANV.
    Intel,
    /// Apple: the compiler of Honeykrisp.
    Apple,
}

impl Family {
    /// All families, in the order of the tables.
    pub const ALL: [Family; 4] = [Family::Amd, Family::Nvidia, Family::Intel, Family::Apple];

    /// The maker and the driver.
    pub fn title(self) -> &'static str {
        match self {
            Family::Amd => "AMD (RADV)",
            Family::Nvidia => "NVIDIA (NVK)",
            Family::Intel => "Intel (ANV)",
            Family::Apple => "Apple (Honeykrisp)",
        }
    }
}

/// What a device needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Tier {
    /// RADV's null device of the installed Mesa. Compiles only: wgpu does not open it.
    A,
    /// A root of Debian sid with the drivers, and the no-op kernel drivers. The product runs on it.
    B,
}

/// A device that is not there.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    /// The name in tables and options.
    pub name: &'static str,
    /// The maker.
    pub family: Family,
    /// What it needs.
    pub tier: Tier,
    /// The driver's manifest is `<driver>_icd.json`, with the architecture before the ending in older versions.
    driver: &'static str,
    /// The no-op kernel driver is `lib<shim>_noop_drm_shim.so`.
    shim: &'static str,
    /// Selects the device in the driver or the kernel driver. The first that opens is taken: names change.
    environments: &'static [(&'static str, &'static str)],
    /// The kernels of the published network's 3x3 convolutions, in f32 and in f16.
    pub kernels: [&'static str; 2],
}

const fn null(name: &'static str, environments: &'static [(&'static str, &'static str)]) -> Device {
    // The product does not open it.
    Device { name, family: Family::Amd, tier: Tier::A, driver: "radeon", shim: "", environments, kernels: ["", ""] }
}

const fn amd(
    name: &'static str,
    environments: &'static [(&'static str, &'static str)],
    kernels: [&'static str; 2],
) -> Device {
    Device { name, family: Family::Amd, tier: Tier::B, driver: "radeon", shim: "amdgpu", environments, kernels }
}

const fn nvidia(name: &'static str, environments: &'static [(&'static str, &'static str)]) -> Device {
    let kernels = ["gemm", "matrix"];
    Device { name, family: Family::Nvidia, tier: Tier::B, driver: "nouveau", shim: "nouveau", environments, kernels }
}

const fn intel(name: &'static str, environments: &'static [(&'static str, &'static str)]) -> Device {
    // No square subgroup matrices.
    let kernels = ["gemm", "gemm"];
    Device { name, family: Family::Intel, tier: Tier::B, driver: "intel", shim: "intel", environments, kernels }
}

const fn apple(name: &'static str, environments: &'static [(&'static str, &'static str)]) -> Device {
    // Honeykrisp has no subgroup matrices; Apple's own driver has.
    let kernels = ["gemm", "gemm"];
    Device { name, family: Family::Apple, tier: Tier::B, driver: "asahi", shim: "asahi", environments, kernels }
}

/// Every device of the lab.
pub const DEVICES: [Device; 17] = [
    null("RDNA1 null", &[("RADV_FORCE_FAMILY", "navi10")]),
    null("RDNA2 null", &[("RADV_FORCE_FAMILY", "navi21")]),
    null("RDNA3 null", &[("RADV_FORCE_FAMILY", "navi31"), ("RADV_FORCE_FAMILY", "gfx1100")]),
    amd("RDNA1", &[("AMDGPU_GPU_ID", "navi10")], ["gemm", "gemm"]),
    amd("RDNA2", &[("AMDGPU_GPU_ID", "navi21")], ["gemm", "gemm"]),
    amd("RDNA3", &[("AMDGPU_GPU_ID", "navi31")], ["gemm", "matrix"]),
    amd("RDNA4", &[("AMDGPU_GPU_ID", "gfx1201")], ["gemm", "matrix"]),
    nvidia("Turing", &[("NOUVEAU_CHIPSET", "164")]),
    nvidia("Ampere", &[("NOUVEAU_CHIPSET", "172")]),
    nvidia("Ada", &[("NOUVEAU_CHIPSET", "196")]),
    nvidia("Hopper", &[("NOUVEAU_CHIPSET", "180")]),
    nvidia("Blackwell", &[("NOUVEAU_CHIPSET", "1b3")]),
    intel("Arc", &[("INTEL_STUB_GPU_PLATFORM", "dg2")]),
    intel("Battlemage", &[("INTEL_STUB_GPU_PLATFORM", "bmg")]),
    intel("Panther Lake", &[("INTEL_STUB_GPU_PLATFORM", "ptl")]),
    apple("M1", &[("ASAHI_GENERATION", "13")]),
    apple("M2", &[("ASAHI_GENERATION", "14")]),
];

/// Folders in which Linux distributions register Vulkan drivers.
const MANIFESTS: &str = "usr/share/vulkan/icd.d";

/// Where the drivers are.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The root with the drivers of tier B.
    pub root: PathBuf,
    /// The folder of the no-op kernel drivers.
    pub shims: PathBuf,
}

impl Device {
    /// The devices of some tiers; of one name, if it is given.
    ///
    /// # Errors
    /// [`Error::Unknown`] if none has the name.
    pub fn select(tiers: &[Tier], name: Option<&str>) -> Result<Vec<Device>, Error> {
        let of_tiers = DEVICES.into_iter().filter(|device| tiers.contains(&device.tier));
        let named = |device: &Device| name.is_none_or(|name| device.name.eq_ignore_ascii_case(name));
        let found: Vec<Device> = of_tiers.clone().filter(named).collect();
        if found.is_empty() {
            let names: Vec<&str> = of_tiers.map(|device| device.name).collect();
            let name = name.unwrap_or_default().into();
            return Err(Error::Unknown { what: "device", name, names: names.join(", ") });
        }
        Ok(found)
    }

    /// The commands that run a program of this machine on the device, one for each name of the device.
    ///
    /// # Errors
    /// [`Error::File`] if the driver is not there.
    pub fn commands(&self, setup: &Setup, program: &Path) -> Result<Vec<Command>, Error> {
        let command = |variable: &(&str, &str)| {
            let mut command = match self.tier {
                Tier::A => Command::new(program),
                Tier::B => inside(&setup.root, program)?,
            };
            let root = if self.tier == Tier::A { Path::new("/") } else { &setup.root };
            let suits = |name: &str| {
                let ending = name.strip_prefix(self.driver).and_then(|rest| rest.strip_prefix("_icd."));
                ending.is_some_and(|ending| ending == "json" || ending == format!("{}.json", std::env::consts::ARCH))
            };
            let manifest = find(&root.join(MANIFESTS), suits)?;
            // The second is for loaders before 1.3.207.
            command.env("VK_DRIVER_FILES", &manifest).env("VK_ICD_FILENAMES", &manifest);
            command.env("MESA_SHADER_CACHE_DISABLE", "true").env("XDG_RUNTIME_DIR", "/tmp");
            command.env(variable.0, variable.1);
            if self.tier == Tier::B {
                let shim = format!("lib{}_noop_drm_shim.so", self.shim);
                command.env("LD_PRELOAD", setup.shims.join(shim));
            }
            match self.family {
                // NVK is not certified for every GPU: it hides some itself, and wgpu hides others, such as Hopper.
                Family::Nvidia => command
                    .env("NVK_I_WANT_A_BROKEN_VULKAN_DRIVER", "1")
                    .env("WGPU_ALLOW_UNDERLYING_NONCOMPLIANT_ADAPTER", "1"),
                // Honeykrisp prints instructions, and has no other way to return them.
                Family::Apple => command.env("AGX_MESA_DEBUG", "shaders"),
                Family::Amd | Family::Intel => &mut command,
            };
            Ok(command)
        };
        self.environments.iter().map(command).collect()
    }
}

/// A program of this machine, to be run with the loader and the libraries of a root.
fn inside(root: &Path, program: &Path) -> Result<Command, Error> {
    let libraries = root.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
    let mut command = Command::new(find(&libraries, |name| name.starts_with("ld-linux"))?);
    command.arg("--library-path").arg(libraries).arg(program);
    Ok(command)
}

/// The file of a folder whose name suits.
fn find(folder: &Path, suits: impl Fn(&str) -> bool) -> Result<PathBuf, Error> {
    let failed = |source| Error::File { path: folder.into(), source };
    let files = std::fs::read_dir(folder).map_err(failed)?.flatten().map(|file| file.path());
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| suits(&name.to_string_lossy()));
    files.into_iter().find(named).ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))
}
