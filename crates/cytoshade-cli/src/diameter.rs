//! `--diameter` and `--size-model`: pixels, the network's own diameter, or an estimate from each image.

use std::path::Path;
use std::str::FromStr;

use cytoshade::{LoadOptions, ModelDirs, Sha256, SizeModel};
use cytoshade_model::load_size_model_path;
use cytoshade_safe_io::printable_path;

use crate::failure::Failure;

/// What `--diameter` says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum DiameterArg {
    /// Estimated from each image.
    Auto,
    /// In pixels.
    Pixels(f32),
}

impl FromStr for DiameterArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(DiameterArg::Auto),
            _ => text.parse().map(DiameterArg::Pixels).map_err(|_| "expected a number of pixels, or auto".into()),
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

/// The size model to estimate diameters with: the one that is named, or for `--diameter auto` the one that belongs to the
/// network, if there is one. It must have the hash, if one is given.
pub(crate) fn size_model(
    diameter: Option<DiameterArg>,
    named: Option<&Path>,
    sha256: Option<Sha256>,
    network: &Path,
) -> Result<Option<SizeModel>, Failure> {
    let folders = ModelDirs::from_env();
    let reference = match (diameter, named) {
        (Some(DiameterArg::Pixels(_)), Some(_)) => {
            return Err(Failure::usage(
                "--size-model estimates the diameter that --diameter gives; leave one of them out",
            ));
        }
        (_, Some(named)) => folders.resolve(named),
        (Some(DiameterArg::Auto), None) => match folders.find_size_model(network) {
            Some(reference) => {
                eprintln!("cytoshade: estimating diameters with {}", printable_path(reference.text()));
                reference
            }
            None if sha256.is_some() => {
                return Err(Failure::usage(
                    "--size-model-sha256 is given, but there is no size model beside the network",
                ));
            }
            None => {
                eprintln!(
                    "cytoshade: no size model (size_NAME.npy, NAME_size.npy) beside {}: taking the diameter that the \
                     network was trained on",
                    printable_path(network)
                );
                return Ok(None);
            }
        },
        _ => return Ok(None),
    };
    let options = LoadOptions { sha256, ..LoadOptions::default() };
    reference.open(&options, load_size_model_path).map(Some).map_err(Failure::run)
}
