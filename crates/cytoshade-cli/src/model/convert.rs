//! `cytoshade model convert`: writes a network as safetensors.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use cytoshade_model::SaveOptions;
use cytoshade_safe_io::{Existing, printable_path};

use super::Source;
use crate::failure::Failure;
use crate::outputs::Outputs;
use crate::report::print_line;

/// Convert a network to safetensors, with the source's hash, name and diameters as metadata
///
/// The tensors of a torch or safetensors file are converted to f32 without loss. An ONNX graph has no state dict: each
/// of its BatchNorms is written folded into two of the four tensors, so the result can run but not be trained further.
#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// Network: a file, or the name of one
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// File to write; its name must end in .safetensors
    #[arg(value_name = "OUT.safetensors")]
    output: PathBuf,
    /// Write the weights of convolutions and linear layers as f16: half the size, 11 bits of precision
    #[arg(long)]
    f16: bool,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Convert) -> Result<(), Failure> {
    let Convert { input, output, f16, force } = args;
    if output.extension().is_none_or(|ending| ending != "safetensors") {
        return Err(Failure::usage(format!(
            "{} does not end in .safetensors; pass a name that does",
            printable_path(output)
        )));
    }
    refuse_same(input, output)?;
    if !force && fs::symlink_metadata(output).is_ok() {
        return Err(Failure::usage(format!("{} already exists; pass --force to replace it", printable_path(output))));
    }
    let save = SaveOptions { half: *f16, ..SaveOptions::default() };
    let (converted, path) = Source::new(input).convert(&save)?;
    refuse_same(&path, output)?;
    let existing = if *force { Existing::Replace } else { Existing::Keep };
    let mut outputs = Outputs::default();
    outputs.save(output, existing, |out| out.write_all(&converted.bytes).map_err(cytoshade_formats::Error::Write))?;
    let of = converted.origin.sha256;
    let (to, bytes, from) = (printable_path(output), converted.bytes.len(), printable_path(path));
    print_line(format_args!("{to}: {bytes} bytes, from {from} (SHA-256 {of})"));
    Ok(())
}

/// Fails if the output is the source, since a failed write would destroy it.
fn refuse_same(input: &Path, output: &Path) -> Result<(), Failure> {
    match (fs::canonicalize(input), fs::canonicalize(output)) {
        (Ok(a), Ok(b)) if a == b => {
            Err(Failure::usage(format!("{} is the source itself; write to another file", printable_path(output))))
        }
        _ => Ok(()),
    }
}
