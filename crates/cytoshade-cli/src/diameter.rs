//! `--diameter` and `--size-model`: pixels, the network's own diameter, or an estimate from each image.

use std::path::Path;
use std::str::FromStr;

use cytoshade::{LoadOptions, ModelDirs, Sha256, SizeModel};
use cytoshade_model::load_size_model_path;
use cytoshade_safe_io::printable_path;

use crate::failure::Failure;
use crate::outputs::Outputs;
use crate::report::warn;

/// The value of `--diameter`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum DiameterArg {
    /// Estimate it from each image.
    Auto,
    /// A number of pixels.
    Pixels(f32),
}

impl FromStr for DiameterArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "auto" => Ok(DiameterArg::Auto),
            // Cellpose estimates the diameter for 0.
            Ok(0.0) => Err("expected a number of pixels above 0; pass --diameter auto to estimate it".into()),
            Ok(pixels) => Ok(DiameterArg::Pixels(pixels)),
            Err(_) => Err("expected a number of pixels or auto".into()),
        }
    }
}

impl DiameterArg {
    pub(crate) fn pixels(self) -> Option<f32> {
        match self {
            DiameterArg::Auto => None,
            DiameterArg::Pixels(pixels) => Some(pixels),
        }
    }
}

/// Opens the size model, with the hash of its file: the named one, or for `--diameter auto` the one beside the network, if it exists.
///
/// Protects its files from being overwritten by outputs.
///
/// # Errors
/// Fails if the model cannot be read, differs from `sha256`, or contradicts the other options.
pub(crate) fn size_model(
    diameter: Option<DiameterArg>,
    named: Option<&Path>,
    sha256: Option<Sha256>,
    network: &Path,
    outputs: &mut Outputs,
) -> Result<Option<(SizeModel, Sha256)>, Failure> {
    let folders = ModelDirs::from_env();
    let reference = match (diameter, named) {
        (Some(DiameterArg::Pixels(_)), Some(_)) => {
            return Err(Failure::usage(
                "--size-model estimates the diameter, but --diameter sets it; leave one of them out",
            ));
        }
        (_, Some(named)) => folders.resolve(named),
        (Some(DiameterArg::Auto), None) => match folders.find_size_model(network) {
            Some(reference) => {
                warn(format_args!("estimating diameters with {}", printable_path(reference.text())));
                reference
            }
            None if sha256.is_some() => {
                return Err(Failure::usage(
                    "--size-model-sha256 is set, but there is no size model beside the network; pass --size-model",
                ));
            }
            None => {
                warn(format_args!(
                    "no size model (size_NAME.npy, NAME_size.npy) beside {}: using the diameter of the network's \
                     training images",
                    printable_path(network)
                ));
                return Ok(None);
            }
        },
        _ => return Ok(None),
    };
    reference.paths().iter().for_each(|path| outputs.keep(path, "the size model"));
    let options = LoadOptions { sha256, ..LoadOptions::default() };
    let open = |path: &Path, options: &LoadOptions| Ok((load_size_model_path(path, options)?, path.to_path_buf()));
    let (model, path) = reference.open(&options, open).map_err(Failure::run)?;
    let hash = crate::hash::of_files([path.as_path()]).map_err(|error| Failure::at(&path, error))?;
    Ok(Some((model, hash)))
}
