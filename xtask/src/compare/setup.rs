//! Sets up the peers: Python packages, programs, the network in every format, tiles and images.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Compare, Measure};
use crate::shell::{Outcome, cargo, root, run, target_folder};

/// Files and programs of the peers.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) python: PathBuf,
    /// Folder of the networks, tiles and images that benches/peers/prepare.py writes.
    pub(super) files: PathBuf,
    /// The model file.
    pub(super) model: PathBuf,
    /// Whether the network has the published width, the only one that Cellpose's own programs support.
    pub(super) published_width: bool,
}

impl Setup {
    pub(super) fn new(options: &Compare) -> Result<Self, String> {
        let python = interpreter(options)?;
        let given = options.model.clone().or_else(|| {
            let data = PathBuf::from(std::env::var_os("CYTOSHADE_TEST_DATA")?);
            Some(data.join("models/cpnet_full.safetensors"))
        });
        let published_width = given.is_some();
        let model = given.unwrap_or_else(|| root().join("models/cytoshade-demo.safetensors"));
        let files = root().join("target/compare");
        let setup = Self { python, files, model, published_width };
        build(options)?;
        run(setup.python("prepare.py").args([&setup.model, &setup.files]))?;
        Ok(setup)
    }

    /// Python with a script of benches/peers.
    pub(super) fn python(&self, script: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(root().join("benches/peers").join(script));
        command
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.files.join(name)
    }

    /// A program of benches/peers; `None` if it did not build.
    pub(super) fn peer(&self, name: &str) -> Option<PathBuf> {
        Some(peers_target().join("release").join(name)).filter(|path| path.exists())
    }
}

fn peers_target() -> PathBuf {
    root().join("target/peers")
}

/// The release build of the program `cytoshade`.
pub(super) fn program() -> PathBuf {
    target_folder().join("release/cytoshade")
}

/// The Python of `--python`, else that of our own environment.
pub(super) fn interpreter(options: &Compare) -> Result<PathBuf, String> {
    options.python.clone().map_or_else(environment, Ok)
}

fn environment() -> Result<PathBuf, String> {
    let folder = root().join("target/compare/python");
    run(Command::new("bash").arg("tests/oracle/setup.sh").arg(&folder))?;
    let python = folder.join("bin/python");
    let requirements = Path::new("benches/peers/requirements.txt");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements))?;
    Ok(python)
}

fn build(options: &Compare) -> Outcome {
    run(cargo(&["build", "--release", "--package", "cytoshade-cli"]))?;
    // A folder is only compared with Cellpose's own program.
    if ![Measure::Network, Measure::Shaders, Measure::Pipeline].iter().any(|&measure| options.measures(measure)) {
        return Ok(());
    }
    let peers =
        cargo(&["build", "--release", "--keep-going", "--manifest-path", "benches/peers/Cargo.toml", "--target-dir"]);
    // A peer that does not build is skipped, with a note in the table.
    let built = run({ peers }.arg(peers_target()));
    if let Err(what) = built {
        eprintln!("{what}");
    }
    Ok(())
}
