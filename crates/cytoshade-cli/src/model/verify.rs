//! `cytoshade model verify`.

use std::path::PathBuf;

use clap::Args;
use cytoshade::{LoadOptions, Published, Sha256};
use cytoshade_model::AnyModel;
use cytoshade_safe_io::printable_path;

use super::Source;
use crate::failure::Failure;
use crate::report::print_line;

/// Check a model's SHA-256, against the published models' or one that is given, and that it opens
///
/// The exit status is 0 where both hold, and 1 where they do not or no hash is known to compare with.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A network or a size model: a file, or the name of one
    #[arg(value_name = "FILE|NAME")]
    model: PathBuf,
    /// The SHA-256 that the file must have, in place of a published one
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
        (Some(_), None) => "the hash that was given".into(),
        (None, None) => {
            let what = format!(
                "its SHA-256 is {found}, which is no published model's, so nothing says whose it is; give --sha256 to \
                 compare it with another"
            );
            return Err(Failure::at(&path, what));
        }
    };
    print_line(format_args!("{}: SHA-256 {found} is right ({of}), and it opens", printable_path(path)));
    Ok(())
}
