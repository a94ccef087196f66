//! `cytoshade model verify`: checks the hash of a model.

use std::path::PathBuf;

use clap::Args;
use cytoshade::{LoadOptions, Published, Sha256};
use cytoshade_model::AnyModel;
use cytoshade_safe_io::printable_path;

use super::Source;
use crate::failure::Failure;
use crate::report::print_line;

/// Check that a model opens, and that its SHA-256 is a published or given one
///
/// The exit status is 0 if both hold; 1 if not, or if no hash is known.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Network or size model: a file, or the name of one
    #[arg(value_name = "FILE|NAME")]
    model: PathBuf,
    /// Required SHA-256 of the file; overrides the published hash
    #[arg(long, value_name = "HEX")]
    sha256: Option<Sha256>,
}

pub(crate) fn run(args: &Verify) -> Result<(), Failure> {
    let options = LoadOptions { sha256: args.sha256, ..LoadOptions::default() };
    let (model, path) = Source::new(&args.model).load(&options)?;
    let found = match &model {
        AnyModel::Network(_, origin) => origin.sha256,
        AnyModel::SizeModel(_, sha256) => *sha256,
    };
    let of = match (args.sha256, Published::with_hash(found)) {
        (_, Some(published)) => format!("{}, as published", published.name),
        (Some(_), None) => "as given".into(),
        (None, None) => {
            let message =
                format!("no published model has its SHA-256, {found}; pass --sha256 to compare it with another hash");
            return Err(Failure::at(&path, message));
        }
    };
    print_line(format_args!("{}: SHA-256 {found} is right ({of}), and the model opens", printable_path(path)));
    Ok(())
}
