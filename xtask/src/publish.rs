//! Packages and publishes the crates on crates.io.

use clap::Args;

use crate::shell::{Outcome, cargo, run};

/// Package every published crate, in the order of their dependencies, and compile each from its package
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// Upload nothing. Without this the packages are published, for good
    #[arg(long)]
    dry_run: bool,
    /// Package changes that are not committed
    #[arg(long, requires = "dry_run")]
    allow_dirty: bool,
    /// Do not compile the packages
    #[arg(long, requires = "dry_run")]
    no_verify: bool,
}

pub(crate) fn publish(options: &Publish) -> Outcome {
    let flags =
        [("--dry-run", options.dry_run), ("--allow-dirty", options.allow_dirty), ("--no-verify", options.no_verify)];
    let mut publish = cargo(&["publish", "--workspace", "--locked"]);
    publish.args(flags.iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| flag));
    run(publish)
}
