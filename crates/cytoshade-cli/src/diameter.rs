//! `--diameter` and `--size-model`: pixels, the model's own, or an estimate from each image.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use cytoshade::{LoadOptions, SizeModel};

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

/// The size model to estimate diameters with: the one that is named, or for `--diameter auto` the one that lies beside
/// the network, if one does.
pub(crate) fn size_model(
    diameter: Option<DiameterArg>,
    named: Option<&Path>,
    network: &Path,
) -> Result<Option<SizeModel>, Failure> {
    let path = match (diameter, named) {
        (Some(DiameterArg::Pixels(_)), Some(_)) => {
            return Err(Failure::usage(
                "--size-model estimates the diameter that --diameter gives; leave one of them out",
            ));
        }
        (_, Some(path)) => path.to_path_buf(),
        (Some(DiameterArg::Auto), None) => match beside(network) {
            Ok(path) => path,
            Err(names) => {
                eprintln!(
                    "cytoshade: no size model beside {} ({}): taking the diameter that the network was trained on",
                    network.display(),
                    names.join(", ")
                );
                return Ok(None);
            }
        },
        _ => return Ok(None),
    };
    let model = cytoshade::open_size_model(&path, &LoadOptions::default());
    model.map(Some).map_err(|error| Failure::at(&path, error))
}

/// Where Cellpose puts a network's size model: `size_NAME.npy` for the published ones, `NAME_size.npy` for those that
/// people train. The names that are not there, where none is.
fn beside(network: &Path) -> Result<PathBuf, Vec<String>> {
    let text =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
    let mut names = Vec::new();
    for name in [text(network.file_name()), text(network.file_stem())] {
        for name in [format!("{name}_size.npy"), format!("size_{name}.npy")] {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let paths = names.iter().map(|name| network.with_file_name(name));
    paths.into_iter().find(|path| path.is_file()).ok_or(names)
}
