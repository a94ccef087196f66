//! `cytoshade doctor`: describes this machine and tests every kernel.

mod advice;
mod places;
mod report;

use std::path::{Path, PathBuf};

use clap::Args;
use cytoshade::{LoadOptions, self_test};

use crate::failure::Failure;
use crate::model::{DEMO, Source};
use crate::report::print_line;
use places::PathRedactor;
use report::Report;

/// Describe the devices, models and caches of this machine, test every kernel, and give advice
///
/// The test runs a network and the stages around it on each GPU and each instruction set of the CPU, and compares them
/// with plain code on the CPU. The output has no names of users, hosts, folders and own models, so it can be pasted into
/// a public issue; --full prints them. The exit status is 1 if a test fails.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Network to test with; default: the bundled one, which is small
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<PathBuf>,
    /// Also test software adapters
    #[arg(long)]
    software: bool,
    /// Print the paths of folders and the names of own models
    #[arg(long)]
    full: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Doctor) -> Result<(), Failure> {
    let model = args.model.as_deref().unwrap_or(Path::new(DEMO));
    let model = Source::network(model, &LoadOptions::default())?;
    let tests = self_test(&model, args.software).map_err(Failure::run)?;
    let report = Report::new(&PathRedactor::from_env(args.full), tests);
    if args.json {
        print_line(serde_json::to_string(&report).map_err(Failure::run)?);
    } else {
        print_line(report.text());
    }
    if report.has_passed() { Ok(()) } else { Err(Failure::run("the self-test failed; see the advice above")) }
}
