//! Input files: their stems and their pages.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use cytoshade_formats::Pages;

use crate::failure::Failure;

/// The stem of each input. Two inputs of one stem would overwrite each other's results, so they are refused.
pub(crate) fn stems(inputs: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let mut seen: HashMap<String, &Path> = HashMap::new();
    let mut stems = Vec::with_capacity(inputs.len());
    for input in inputs {
        let Some(stem) = input.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else {
            return Err(Failure::usage(format!("{} names no file", input.display())));
        };
        if let Some(other) = seen.insert(stem.clone(), input) {
            return Err(Failure::usage(format!(
                "{} and {} would both be written as {stem}_cp_masks.tif; segment them into different folders",
                other.display(),
                input.display()
            )));
        }
        stems.push(stem);
    }
    Ok(stems)
}

/// What the pages of a multi-page TIFF are.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum PagesArg {
    /// As the file says, else channels where there are few pages of one size
    #[default]
    Auto,
    /// The channels of one image
    Channels,
    /// A list of images
    List,
}

impl From<PagesArg> for Pages {
    fn from(pages: PagesArg) -> Self {
        match pages {
            PagesArg::Auto => Pages::Auto,
            PagesArg::Channels => Pages::Channels,
            PagesArg::List => Pages::List,
        }
    }
}
