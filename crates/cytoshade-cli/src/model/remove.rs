//! `cytoshade model remove`: removes a model file.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;
use cytoshade::{ModelDirs, Published, is_plain_name};
use cytoshade_safe_io::{printable_path, quoted};

use crate::failure::Failure;
use crate::report::print_line;

/// Remove a model from Cytoshade's folder; files in Cellpose's folder are never removed
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Name of a model, or of its file
    #[arg(value_name = "NAME")]
    name: String,
}

pub(crate) fn run(args: &Remove) -> Result<(), Failure> {
    let name = &args.name;
    if !is_plain_name(name) {
        return Err(Failure::usage(format!(
            "{} is not a plain name; only files in Cytoshade's folder can be removed",
            quoted(name)
        )));
    }
    let path =
        own_path(&ModelDirs::from_env(), Published::named(name).map_or(name.as_str(), |published| published.file))?;
    match fs::remove_file(&path) {
        Ok(()) => {
            print_line(format_args!("removed {}", printable_path(&path)));
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Failure::run(format!("there is no {}; `cytoshade model list` lists the models", printable_path(&path))))
        }
        Err(error) => Err(Failure::run(format!("cannot remove {}: {error}", printable_path(&path)))),
    }
}

/// The path of a file in Cytoshade's own folder.
pub(super) fn own_path(folders: &ModelDirs, file: &str) -> Result<PathBuf, Failure> {
    let folder = folders.own.as_ref();
    let folder = folder
        .ok_or_else(|| Failure::run("this system has no cache folder; set CYTOSHADE_MODELS to a folder for models"))?;
    Ok(folder.join(file))
}
