//! The commands of the program. Each command's arguments are declared beside its `run`.

use clap::{CommandFactory, Parser, Subcommand};

use crate::completions::{Completions, ManPages};
use crate::config::Config;
use crate::convert::Convert;
use crate::demo::Demo;
use crate::doctor::Doctor;
use crate::eval::Eval;
use crate::inspect::Inspect;
use crate::isolate::ReadIsolated;
use crate::measure::Measure;
use crate::model::Model;
use crate::restore::Restore;
use crate::segment::Segment;
use crate::view::View;
use crate::watch::Watch;

/// Cell segmentation with Cellpose networks, on a GPU or the CPU
#[derive(Debug, Parser)]
#[command(name = "cytoshade", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Segment a bundled photograph of nuclei with a bundled model; writes labels and an overlay
    Demo(Demo),
    /// Segment the cells in image files and folders
    ///
    /// Reads TIFF (including OME-TIFF, ImageJ, MetaMorph and Zeiss LSM; 8 to 64 bit, float; all common compressions),
    /// PNG, JPEG, NPY, BMP, PNM, WebP, JPEG 2000 and JPEG XL. The content of a file decides its format; `cytoshade
    /// inspect` prints the images that are read from it. Writes STEM_cp_masks.tif beside each image or below --output: 0 is
    /// background, 1 to n are the cells (16 bit, or 32 bit if a label is above 65,535). Also writes cytoshade-run.json,
    /// the manifest: settings, and hashes of the inputs and results. If an input fails, the others are still processed,
    /// and the exit status is 1.
    Segment(Box<Segment>),
    /// Segment the images that appear in folders, until interrupted
    ///
    /// Takes the options of `segment`, and its inputs are folders. An image is segmented once its file has stopped
    /// growing. Images that cytoshade-run.json lists as complete are skipped, as with `segment --skip-done`.
    Watch(Box<Watch>),
    /// Denoise, deblur or upsample image files with a restoration network of Cellpose 3
    ///
    /// Writes DIR/STEM_restored.tif: 32-bit floats, one page for the channel to segment, and one for the second channel
    /// if there is one. `segment --restore` restores and segments in one step.
    Restore(Box<Restore>),
    /// Print the series, axes, types, pixel sizes and channels of image files, and the images that `segment` reads
    Inspect(Inspect),
    /// Convert label images and _seg.npy files to other formats
    Convert(Convert),
    /// Measure the cells of a label image: size, shape, intensities
    ///
    /// The measurements have the names and values of scikit-image's `regionprops_table`.
    Measure(Box<Measure>),
    /// Compare segmentations with a ground truth: average precision, matches, Jaccard index, boundaries
    ///
    /// The scores are those of `cellpose.metrics`. AP is TP / (TP + FP + FN) at a threshold of the intersection over
    /// union (IoU).
    Eval(Box<Eval>),
    /// Write a contact sheet of a folder of results: one HTML file, the worst images first
    ///
    /// Each image has its outlines, its number of cells and a histogram of their sizes. The file needs no network and
    /// runs no script.
    View(View),
    Config(Config),
    /// List the adapters that can run the shaders, and the one that `--device auto` selects
    Devices,
    Doctor(Doctor),
    /// Inspect, convert, verify, download, list and remove model files
    Model(Model),
    Completions(Completions),
    Man(ManPages),
    #[command(name = crate::isolate::COMMAND, hide = true)]
    ReadIsolated(ReadIsolated),
}

/// The program's commands, with the options that come from elsewhere.
pub(crate) fn command() -> clap::Command {
    let command = Cli::command();
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    crate::help::arrange(crate::config::augment(command), &names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_helpful(command: &clap::Command) {
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty(), "{} {} has no help", command.get_name(), arg.get_id());
        }
        command.get_subcommands().filter(|command| !command.is_hide_set()).for_each(assert_helpful);
    }

    #[test]
    fn every_option_has_help() {
        let command = command();
        command.clone().debug_assert();
        assert_helpful(&command);
    }
}
