//! The command line: its commands. Each command's arguments stand beside its `run`.

use clap::{Parser, Subcommand};

use crate::convert::Convert;
use crate::demo::Demo;
use crate::inspect::Inspect;
use crate::isolate::ReadIsolated;
use crate::model::Model;
use crate::restore::Restore;
use crate::segment::Segment;

/// Cell segmentation with Cellpose networks, on a GPU or without one.
#[derive(Debug, Parser)]
#[command(name = "cytoshade", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Segment a bundled photograph of nuclei with a bundled model, and write labels and an overlay to look at
    Demo(Demo),
    /// Segment the cells in image files
    ///
    /// Reads TIFF (OME-TIFF and those of ImageJ, MetaMorph and Zeiss LSM too; 8 to 64 bit, float; all common
    /// compressions), PNG, JPEG, NPY, BMP, PNM, WebP, JPEG 2000 and JPEG XL, told apart by their content; `cytoshade
    /// inspect` prints what it takes of a file. Writes DIR/STEM_cp_masks.tif: 0 is background, 1 to n are the cells (16 bit,
    /// or 32 bit if a label is above 65,535). If one of several inputs fails, the others are still done, and the exit
    /// status is 1.
    Segment(Box<Segment>),
    /// Denoise, deblur or upsample image files with a restoration network of Cellpose 3
    ///
    /// Writes DIR/STEM_restored.tif: 32-bit floats, one page for the channel to segment, and one for the second where
    /// there is one. `segment --restore` restores and segments in one step.
    Restore(Box<Restore>),
    /// Print what image files hold: series, axes, types, pixel sizes, channels, and what `segment` takes of them
    Inspect(Inspect),
    /// Write what other programs saved in other formats
    Convert(Convert),
    /// List every adapter that could run the shaders, and say which one `--device auto` takes
    Devices,
    /// Work with model files: inspect, convert, verify, fetch, list, remove
    Model(Model),
    #[command(name = crate::isolate::COMMAND, hide = true)]
    ReadIsolated(ReadIsolated),
}
