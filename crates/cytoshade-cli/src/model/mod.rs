//! `cytoshade model`: inspects, converts and manages model files.

mod choice;
mod convert;
mod fetch;
mod hint;
mod inspect;
mod list;
mod remove;
mod source;
#[cfg(feature = "fetch")]
mod transfer;
mod verify;

use clap::{Args, Subcommand};

use crate::failure::Failure;

pub(crate) use choice::{restoration_model, segmentation_model};
pub(crate) use source::{DEMO, Source};

#[derive(Debug, Args)]
pub(crate) struct Model {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Inspect(inspect::Inspect),
    Convert(convert::Convert),
    Verify(verify::Verify),
    Fetch(fetch::Fetch),
    List(list::List),
    Remove(remove::Remove),
}

pub(crate) fn run(model: &Model) -> Result<(), Failure> {
    match &model.command {
        Command::Inspect(args) => inspect::run(args),
        Command::Convert(args) => convert::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Fetch(args) => fetch::run(args),
        Command::List(args) => list::run(args),
        Command::Remove(args) => remove::run(args),
    }
}
