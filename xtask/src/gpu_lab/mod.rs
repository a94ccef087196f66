//! `cargo xtask gpu-lab`: every pipeline on the compilers of GPUs that are not there (`benches/gpu_lab`).

mod shims;

use std::path::PathBuf;
use std::process::Command;

use clap::ValueEnum;

use crate::shell::{Outcome, cargo, lines, root, run, target_folder};
use crate::sid;

/// Compile every pipeline on GPUs that are not there, check limits, and write tables to benches/results
#[derive(Debug, clap::Args)]
pub(crate) struct GpuLab {
    /// Only these devices. The tables of a part are written to target/gpu-lab
    #[arg(long, value_enum)]
    tier: Option<Tier>,
    /// Only the device of this name
    #[arg(long)]
    device: Option<String>,
    /// Only shaders with this text in their names
    #[arg(long)]
    shader: Option<String>,
    /// Write the instructions of every pipeline to this folder
    #[arg(long, value_name = "FOLDER")]
    isa: Option<PathBuf>,
    /// If tier B cannot be set up, print why and succeed: Debian sid changes every day
    #[arg(long)]
    may_skip: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tier {
    /// AMD, by the null device of the installed Mesa: no download
    A,
    /// AMD, NVIDIA, Intel and Apple, in a root of Debian sid (Debian, as root; 1.5 GB), and the product on each
    B,
}

/// Folder of the machine's Vulkan drivers.
const DRIVERS: &str = "/usr/share/vulkan/icd.d";

/// Runs the lab.
pub(crate) fn gpu_lab(options: &GpuLab) -> Outcome {
    let wants = |tier| options.tier.is_none_or(|only| only == tier);
    let mut tiers: Vec<String> = Vec::new();
    if wants(Tier::A) {
        if has_radv() {
            tiers.push("--tier=a".into());
        } else {
            eprintln!("xtask: tier A of the lab is skipped: RADV is not installed (mesa-vulkan-drivers in Debian)");
        }
    }
    if wants(Tier::B) {
        match tier_b() {
            Ok(arguments) => tiers.extend(arguments),
            Err(why) if options.may_skip => {
                eprintln!("xtask: tier B of the lab is skipped, it cannot be set up: {why}");
            }
            Err(why) => return Err(why),
        }
    }
    if tiers.is_empty() {
        return Ok(());
    }
    let date = lines(date())?.concat();
    let results = root().join("benches/results");
    let mut command = Command::new(built("cytoshade-gpu-lab")?);
    command.arg("run").args(&tiers).arg("--date").arg(&date).arg("--results").arg(&results);
    for (name, value) in [("--device", &options.device), ("--shader", &options.shader)] {
        command.args(value.iter().flat_map(|value| [name, value]));
    }
    if let Some(folder) = &options.isa {
        command.arg("--isa").arg(root().join(folder));
    }
    let has_both = tiers.len() > 1 && options.tier.is_none();
    let whole = has_both && options.device.is_none() && options.shader.is_none();
    let folder = if whole { results } else { target_folder().join("gpu-lab") };
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    command.arg("--output").arg(folder.join(format!("{date}-gpu-lab.md")));
    run(command)
}

fn date() -> Command {
    let mut command = Command::new("date");
    command.arg("+%F");
    command
}

/// Whether the machine has the manifest of RADV.
fn has_radv() -> bool {
    let files = std::fs::read_dir(DRIVERS).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.file_name().to_string_lossy().starts_with("radeon_icd."))
}

/// Sets tier B up, and returns the arguments that name its parts.
fn tier_b() -> Result<Vec<String>, String> {
    if !sid::possible() {
        return Err("it needs Debian or a derivative, and root privileges for debootstrap and chroot: run `sudo \
                    --preserve-env=PATH cargo xtask gpu-lab` there, or only tier A with `--tier a`"
            .into());
    }
    let root = sid::set_up()?;
    let shims = shims::set_up(&root)?;
    let product = built("gpu-lab-product")?;
    let argument = |name: &str, path: PathBuf| format!("--{name}={}", path.display());
    Ok(vec!["--tier=b".into(), argument("root", root), argument("shims", shims), argument("product", product)])
}

/// Builds a program of the lab, and returns its path.
fn built(program: &str) -> Result<PathBuf, String> {
    // The workspace's choice of features, so that dependencies are those that the tests have built.
    run(cargo(&["build", "--workspace", "--bin", program]))?;
    Ok(target_folder().join("debug").join(program))
}
