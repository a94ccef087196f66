//! Checks the public API against the last release.

use clap::Args;

use crate::shell::{Outcome, cargo, lines, run, succeeds};

/// Check that the public API changed as the version number says (needs cargo-semver-checks)
#[derive(Debug, Args)]
pub(crate) struct Semver {
    /// The revision to compare with; the last tag `v*` by default
    #[arg(long, value_name = "REVISION")]
    baseline: Option<String>,
}

/// Crates whose public API programs depend on.
const PACKAGES: [&str; 5] =
    ["cytoshade", "cytoshade-core", "cytoshade-formats", "cytoshade-measure", "cytoshade-model"];

pub(crate) fn semver(options: &Semver) -> Outcome {
    if !succeeds("cargo", &["semver-checks", "--version"]) {
        return Err("cargo-semver-checks is missing; `cargo install --locked cargo-semver-checks` installs it".into());
    }
    let baseline = options.baseline.clone().map_or_else(last_release, Ok)?;
    let mut check = cargo(&["semver-checks", "--baseline-rev", &baseline]);
    check.args(PACKAGES.iter().flat_map(|package| ["--package", package]));
    run(check)
}

/// The last tag of a release.
fn last_release() -> Result<String, String> {
    let mut describe = std::process::Command::new("git");
    describe.args(["describe", "--tags", "--abbrev=0", "--match", "v*"]);
    let found = lines(describe).map_err(|error| format!("{error}; name a revision with --baseline"))?;
    found.into_iter().next().ok_or_else(|| "there is no tag v*; name a revision with --baseline".into())
}
