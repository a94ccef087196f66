//! The program `cytoshade`: segments cells in image files.
#![forbid(unsafe_code)]

mod args;
mod demo;
mod devices;
mod diameter;
mod failure;
mod output;
mod progress;
mod restore;
mod seen;
mod segment;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let result = match cli.command {
        args::Command::Demo(demo) => demo::run(&demo),
        args::Command::Segment(segment) => segment::run(&segment),
        args::Command::Restore(restore) => restore::run(&restore),
        args::Command::Devices => devices::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.status())
        }
    }
}
