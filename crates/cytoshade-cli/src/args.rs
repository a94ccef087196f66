//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use cytoshade::{Channels, Device, Normalize, Outputs, Params, Sha256};
use cytoshade_formats::Pages;

use crate::diameter::DiameterArg;

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
    /// Reads TIFF (8, 16 and 32 bit, float; strips and tiles; one or several pages, see --pages), PNG, JPEG and NPY,
    /// told apart by their content. Writes DIR/STEM_cp_masks.tif: 0 is background, 1 to n are the cells (16 bit, or
    /// 32 bit past 65,535 cells). Where one of several inputs fails the others are still done, and the exit status is 1.
    Segment(Box<Segment>),
    /// List every adapter that could run the shaders, and say which one `--device auto` takes
    Devices,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Folder to write to; it is made where it is not there
    #[arg(long, value_name = "DIR", default_value = "cytoshade-demo")]
    pub(crate) output: PathBuf,
    /// What to run on
    #[arg(long, value_enum, default_value_t)]
    pub(crate) device: DeviceArg,
}

#[derive(Debug, Args)]
pub(crate) struct Segment {
    /// Image files
    #[arg(value_name = "INPUT", required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// Cellpose network (versions 1 to 3): a torch file as Cellpose saves it, safetensors, or an ONNX export, told apart
    /// by content; nothing in it is executed
    #[arg(long, value_name = "FILE")]
    pub(crate) model: PathBuf,
    /// SHA-256 that the model file must have
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<Sha256>,
    /// Folder to write to; it is made where it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Channel to segment: 0 for the mean of all, 1 to C for one of them
    #[arg(long, value_name = "N", default_value_t = 0)]
    chan: usize,
    /// Second (nuclear) channel: 0 for none, 1 to C for one of them; not used where --chan is 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    chan2: usize,
    /// What the pages of a multi-page TIFF are: the channels of one image, or a list of images, of which each is
    /// segmented and written as STEM_0001_cp_masks.tif and so on. `auto` takes up to 5 pages of one size for channels
    /// unless the file says otherwise
    #[arg(long, value_enum, default_value_t)]
    pub(crate) pages: PagesArg,
    /// Mean diameter of the cells in pixels; without it, that of the network's training. `auto` estimates it for each
    /// image with a size model: the one that --size-model names, or the one beside the network (NAME_size.npy,
    /// size_NAME.npy); where there is none, that of the network's training
    #[arg(long, value_name = "PX|auto", allow_negative_numbers = true)]
    pub(crate) diameter: Option<DiameterArg>,
    /// Size model of the network (size_cyto3.npy): estimates the diameter of each image
    #[arg(long, value_name = "FILE")]
    pub(crate) size_model: Option<PathBuf>,
    /// Drop masks whose flows differ from the network's by a mean squared error above this; 0 keeps all
    #[arg(long, value_name = "F", default_value_t = 0.4, allow_negative_numbers = true)]
    flow_threshold: f64,
    /// Pixels with a cell probability (a logit, about -6 to 6) above this belong to cells; lower finds more
    #[arg(long, value_name = "F", default_value_t = 0.0, allow_negative_numbers = true)]
    cellprob_threshold: f32,
    /// Steps of the Euler integration; without it, 200 scaled by the resize
    #[arg(long, value_name = "N")]
    niter: Option<u32>,
    /// Drop masks of fewer pixels than this; 0 keeps all
    #[arg(long, value_name = "N", default_value_t = 15)]
    min_size: usize,
    /// Drop masks that cover more than this fraction of the image
    #[arg(long, value_name = "F", default_value_t = 0.4, allow_negative_numbers = true)]
    max_size_fraction: f64,
    /// Run the dynamics at the network's size and enlarge the masks, instead of at the image's size
    #[arg(long)]
    no_resample: bool,
    /// Follow the flows without interpolating between pixels
    #[arg(long)]
    no_interp: bool,
    /// Average over flipped, half-overlapping tiles: about four times the work
    #[arg(long)]
    augment: bool,
    /// Overlap of neighbouring tiles as a fraction of a tile, 0.05 to 0.5
    #[arg(long, value_name = "F", default_value_t = 0.1, allow_negative_numbers = true)]
    tile_overlap: f64,
    /// Side of a tile in pixels: a multiple of 16
    #[arg(long, value_name = "N", default_value_t = 224)]
    bsize: usize,
    /// Tiles that go through the network at once
    #[arg(long, value_name = "N", default_value_t = 8)]
    batch_size: usize,
    /// Take intensities as they are
    #[arg(long, conflicts_with_all = ["norm_percentile", "norm_range"])]
    no_norm: bool,
    /// Percentiles that become 0 and 1 in each channel; 1 and 99 without it
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"], allow_negative_numbers = true)]
    norm_percentile: Option<Vec<f32>>,
    /// Intensities that become 0 and 1, instead of percentiles; given twice, each of the network's channels has its own
    #[arg(
        long,
        num_args = 2,
        value_names = ["LOW", "HIGH"],
        allow_negative_numbers = true,
        conflicts_with_all = ["norm_percentile", "sharpen_radius", "smooth_radius", "tile_norm_blocksize"]
    )]
    norm_range: Option<Vec<f64>>,
    /// Take percentiles in tiles of this side, so that dark regions become as bright as others; larger than a cell, 0
    /// for off. --invert does nothing with it, as in Cellpose
    #[arg(long, value_name = "PX", default_value_t = 0)]
    tile_norm_blocksize: usize,
    /// How far the percentiles of tiles are smoothed, in tiles
    #[arg(long = "tile-norm-smooth3D", alias = "tile-norm-smooth3d", value_name = "F", default_value_t = 1.0)]
    tile_norm_smooth3d: f32,
    /// Subtract a Gaussian surround of this radius first: 1/8 to 1/4 of a diameter, 0 for off
    #[arg(long, value_name = "PX", default_value_t = 0.0, allow_negative_numbers = true)]
    sharpen_radius: f32,
    /// Smooth by a Gaussian of this radius first: 1/10 to 1/4 of a diameter, 0 for off
    #[arg(long, value_name = "PX", default_value_t = 0.0, allow_negative_numbers = true)]
    smooth_radius: f32,
    /// Dark cells on a bright ground
    #[arg(long)]
    invert: bool,
    /// What to run on
    #[arg(long, value_enum, default_value_t)]
    pub(crate) device: DeviceArg,
    /// Also write DIR/STEM_flows.npy: f32 [3, H, W], dY, dX and cell probability
    #[arg(long)]
    pub(crate) save_flows: bool,
    /// Also write DIR/STEM_overlay.png: the image with the cells outlined
    #[arg(long)]
    pub(crate) save_overlay: bool,
    /// Print one JSON object a line on standard output for each image
    #[arg(long)]
    pub(crate) json: bool,
}

impl Segment {
    pub(crate) fn params(&self) -> Params {
        let pair = |values: &Option<Vec<f32>>| match values.as_deref() {
            Some(&[low, high]) => Some((low, high)),
            _ => None,
        };
        let normalize = match (self.no_norm, self.norm_range.as_deref(), pair(&self.norm_percentile)) {
            (true, ..) => Normalize::Off,
            (_, Some(&[low, high]), _) => Normalize::Range { low, high },
            (_, Some(pairs), _) => {
                Normalize::Ranges(pairs.as_chunks().0.iter().map(|&[low, high]| (low, high)).collect())
            }
            (.., Some((low, high))) => Normalize::Percentile { low, high },
            _ => Params::default().normalize,
        };
        Params {
            channels: Channels { chan: self.chan, chan2: self.chan2 },
            normalize,
            invert: self.invert,
            sharpen_radius: self.sharpen_radius,
            smooth_radius: self.smooth_radius,
            tile_norm_blocksize: self.tile_norm_blocksize,
            tile_norm_smooth3d: self.tile_norm_smooth3d,
            norm3d: true,
            diameter: self.diameter.and_then(DiameterArg::pixels),
            resample: !self.no_resample,
            bsize: self.bsize,
            tile_overlap: self.tile_overlap,
            augment: self.augment,
            batch_size: self.batch_size,
            niter: self.niter,
            interp: !self.no_interp,
            cellprob_threshold: self.cellprob_threshold,
            flow_threshold: self.flow_threshold,
            max_size_fraction: self.max_size_fraction,
            min_size: self.min_size,
            outputs: Outputs { flows: self.save_flows, cellprob: self.save_flows, style: false },
        }
    }
}

/// What to run on.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum DeviceArg {
    /// A GPU where there is one that works, else the CPU
    #[default]
    Auto,
    /// A GPU, or an error
    Gpu,
    /// The CPU
    Cpu,
    /// A software adapter, for tests
    Software,
}

impl From<DeviceArg> for Device {
    fn from(device: DeviceArg) -> Self {
        match device {
            DeviceArg::Auto => Device::Auto,
            DeviceArg::Gpu => Device::Gpu,
            DeviceArg::Cpu => Device::Cpu,
            DeviceArg::Software => Device::Software,
        }
    }
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
