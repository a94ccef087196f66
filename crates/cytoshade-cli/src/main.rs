//! The program `cytoshade`: segments cells in image files.
#![forbid(unsafe_code)]

mod args;
mod backend_args;
mod batch;
mod bundled;
mod cellpose;
mod completions;
mod config;
mod convert;
mod demo;
mod devices;
mod diameter;
mod discover;
mod doctor;
mod endings;
mod eval;
mod failure;
mod flows_file;
mod hash;
mod help;
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
mod median;
mod model;
mod nearest;
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

use clap::FromArgMatches;

use failure::Failure;

fn main() -> ExitCode {
    let start = std::time::Instant::now();
    match parse().and_then(|cli| run(cli.command, start)) {
        Ok(()) if report::is_output_lost() => ExitCode::from(Failure::OutputLost.status()),
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.status())
        }
    }
}

/// Parses the arguments. Prints clap's errors, help and version, and ends the process after them.
fn parse() -> Result<args::Cli, Failure> {
    let command = args::command();
    let words = cellpose::translate(&command, std::env::args_os().collect())?;
    let words = config::apply(&command, words)?.words;
    let cli = command.try_get_matches_from(&words).and_then(|matches| args::Cli::from_arg_matches(&matches));
    cli.or_else(|error| match help::missing_command(&error, words.get(1)) {
        Some(message) => Err(Failure::usage(message)),
        None => error.exit(),
    })
}

fn run(command: args::Command, start: std::time::Instant) -> Result<(), Failure> {
    match command {
        args::Command::Demo(demo) => demo::run(&demo),
        args::Command::Segment(segment) => segment::run(*segment, start),
        args::Command::Watch(watch) => watch::run(*watch, start),
        args::Command::Restore(restore) => restore::run(&restore),
        args::Command::Inspect(inspect) => inspect::run(&inspect),
        args::Command::Convert(convert) => convert::run(&convert),
        args::Command::Measure(measure) => measure::run(&measure),
        args::Command::Eval(eval) => eval::run(&eval),
        args::Command::View(view) => view::run(&view),
        args::Command::Config(config) => config::run(&config),
        args::Command::Completions(args) => completions::completions(&args),
        args::Command::Man(args) => completions::man(&args),
        args::Command::Devices => devices::run(),
        args::Command::Doctor(doctor) => doctor::run(&doctor),
        args::Command::Model(model) => model::run(&model),
        args::Command::ReadIsolated(read) => isolate::run(&read),
    }
}
