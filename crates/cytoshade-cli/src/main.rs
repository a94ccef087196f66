//! The program `cytoshade`: segments cells in image files.
#![forbid(unsafe_code)]

mod args;
mod backend_args;
mod batch;
mod bundled;
mod convert;
mod demo;
mod devices;
mod diameter;
mod discover;
mod eval;
mod failure;
mod flows_file;
mod hash;
mod input_args;
mod inputs;
mod inspect;
mod interrupt;
mod isolate;
mod label_file;
mod label_format;
mod manifest;
mod measure;
mod measurements;
mod model;
mod output;
mod outputs;
mod picture_kind;
mod profile;
mod progress;
mod report;
mod restore;
mod segment;
mod svg;
mod view;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use failure::Failure;

fn main() -> ExitCode {
    let start = std::time::Instant::now();
    let cli = args::Cli::parse();
    let result = match cli.command {
        args::Command::Demo(demo) => demo::run(&demo),
        args::Command::Segment(segment) => segment::run(*segment, start),
        args::Command::Watch(watch) => watch::run(*watch, start),
        args::Command::Restore(restore) => restore::run(&restore),
        args::Command::Inspect(inspect) => inspect::run(&inspect),
        args::Command::Convert(convert) => convert::run(&convert),
        args::Command::Measure(measure) => measure::run(&measure),
        args::Command::Eval(eval) => eval::run(&eval),
        args::Command::View(view) => view::run(&view),
        args::Command::Devices => devices::run(),
        args::Command::Model(model) => model::run(&model),
        args::Command::ReadIsolated(read) => isolate::run(&read),
    };
    match result {
        Ok(()) if report::is_output_lost() => ExitCode::from(Failure::OutputLost.status()),
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.status())
        }
    }
}
