//! The model of a command whose `--model` is left out.

use std::path::{Path, PathBuf};

use cytoshade::{ModelDirs, Sha256};
use cytoshade_safe_io::printable_path;

use super::source::DEMO;
use crate::failure::Failure;
use crate::report::warn;

/// Cellpose's default network.
const DEFAULT: &str = "cyto3";

/// The beginnings of the names of Cellpose's restoration networks.
const RESTORATIONS: [&str; 4] = ["denoise_", "deblur_", "upsample_", "oneclick_"];

/// The network to segment with: the given one, else `cyto3` if a model folder has it, else the bundled one.
///
/// Prints which network it chooses.
///
/// # Errors
/// Fails if a hash is required, no model is given and no folder has `cyto3`: the hash cannot be the bundled network's.
pub(crate) fn segmentation_model(given: Option<&Path>, sha256: Option<Sha256>) -> Result<PathBuf, Failure> {
    if let Some(given) = given {
        return Ok(given.to_path_buf());
    }
    let folders = ModelDirs::from_env();
    let default = folders.resolve(Path::new(DEFAULT));
    if let Some(path) = default.paths().iter().find(|path| path.exists()) {
        warn(format_args!("using the network {DEFAULT} ({}); --model selects another", printable_path(path)));
        return Ok(DEFAULT.into());
    }
    let searched = default.paths().iter().map(printable_path).collect::<Vec<_>>().join(" or ");
    if sha256.is_some() {
        return Err(Failure::usage(format!(
            "--sha256 requires a network: found no {searched}; pass --model, or fetch {DEFAULT} with `cytoshade model \
             fetch {DEFAULT}`"
        )));
    }
    warn(format_args!(
        "found no {searched}: using the small bundled network, which is for demonstrations, not for science; \
         `cytoshade model fetch {DEFAULT}` downloads Cellpose's default network, and --model selects another"
    ));
    Ok(DEMO.into())
}

/// The given restoration network.
///
/// # Errors
/// Fails if none is given: there is no default. The message lists the restoration networks in the model folders.
pub(crate) fn restoration_model(given: Option<&Path>) -> Result<&Path, Failure> {
    given.ok_or_else(|| {
        let mut present: Vec<String> = ModelDirs::from_env().list().into_iter().map(|file| file.name).collect();
        present.retain(|name| RESTORATIONS.iter().any(|start| name.starts_with(start)));
        present.sort();
        present.dedup();
        let which = if present.is_empty() {
            "the path of a restoration network of Cellpose 3, such as denoise_cyto3, which Cellpose downloads to \
             ~/.cellpose/models when it restores an image"
                .to_owned()
        } else {
            format!("one of the restoration networks in the model folders: {}", present.join(", "))
        };
        Failure::usage(format!("--model is missing; pass {which}"))
    })
}
