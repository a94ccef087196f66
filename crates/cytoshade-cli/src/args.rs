//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use cytoshade::{
    Builder, ConvKernel, Device, FaultInjection, Isa, Outputs, Params, PrecisionChoice, Sha256, cache_folder,
};
use cytoshade_formats::Pages;

use crate::convert::Convert;
use crate::diameter::DiameterArg;
use crate::input_args::InputArgs;
use crate::label_format::LabelFormat;

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
    /// Denoise, deblur or upsample image files with a restoration network of Cellpose 3
    ///
    /// Writes DIR/STEM_restored.tif: 32-bit floats, one page for the channel to segment, and one for the second where
    /// there is one. `segment --restore` restores and segments in one step.
    Restore(Box<Restore>),
    /// Write what other programs saved in other formats
    Convert(Convert),
    /// List every adapter that could run the shaders, and say which one `--device auto` takes
    Devices,
    /// Work with model files: inspect, convert, verify, fetch, list, remove
    Model(crate::model::Model),
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
    /// by content; nothing in it is executed. Or a name: `cyto3`, or that of a file in Cytoshade's or Cellpose's folder
    /// (see `cytoshade model list`)
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) model: PathBuf,
    /// SHA-256 that the model file must have
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<Sha256>,
    /// Folder to write to; it is made where it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    seen: InputArgs,
    /// What the pages of a multi-page TIFF are: the channels of one image, or a list of images, of which each is
    /// segmented and written as STEM_0001_cp_masks.tif and so on. `auto` takes up to 5 pages of one size for channels
    /// unless the file says otherwise; with --do-3d and --stitch-threshold every file is one stack, whose layers are the
    /// pages (TIFF) or the first axis (NPY: [Z, H, W], [Z, C, H, W])
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
    /// Segment each file as one stack in 3-D: the network sees its planes along Z, Y and X, and masks are volumes
    #[arg(long, visible_alias = "do-3D")]
    pub(crate) do_3d: bool,
    /// In 3-D: how much farther apart layers are than pixels; 2 where Z is sampled half as densely
    #[arg(long, value_name = "F", default_value_t = 1.0, allow_negative_numbers = true)]
    anisotropy: f64,
    /// In 3-D: smooth the flows by a Gaussian of this standard deviation in voxels; 0 for off
    #[arg(long, value_name = "F", default_value_t = 0.0, allow_negative_numbers = true, alias = "flow3D-smooth")]
    flow3d_smooth: f64,
    /// Segment each file as one stack, layer by layer, and make one cell of those of neighbouring layers whose
    /// intersection over union is at least this; 0 for off
    #[arg(long, value_name = "F", default_value_t = 0.0, allow_negative_numbers = true)]
    stitch_threshold: f64,
    #[command(flatten)]
    pub(crate) runs: BackendArgs,
    /// Threads that share the work of the CPU; without it, one for each core
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Restore each image with this restoration network of Cellpose 3 first (see `cytoshade restore`). Its channels are
    /// then segmented; what normalizes intensities applies to the restoration, and --diameter to both. An upsampled
    /// image's labels are of its enlarged size
    #[arg(long, value_name = "FILE|NAME", conflicts_with_all = ["size_model", "save_overlay", "save_seg"])]
    pub(crate) restore: Option<PathBuf>,
    /// Formats to write beside STEM_cp_masks.tif, with commas between them; of a stack, tif and npy [Z, H, W] alone
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMATS")]
    pub(crate) save: Vec<LabelFormat>,
    /// Also write DIR/STEM_seg.npy: masks, outlines, flows and image, for Cellpose's graphical program
    #[arg(long, conflicts_with_all = ["do_3d", "stitch_threshold"])]
    pub(crate) save_seg: bool,
    /// Replace a STEM_seg.npy that is there; without it the image is left undone, since a person's corrections may be in it
    #[arg(long, requires = "save_seg")]
    pub(crate) replace_seg: bool,
    /// Also write DIR/STEM_flows.npy: f32 [3, H, W], dY, dX and cell probability; of a stack [4, Z, H, W] with dZ first,
    /// or [3, Z, H, W] where it was segmented layer by layer
    #[arg(long)]
    pub(crate) save_flows: bool,
    /// Also write DIR/STEM_overlay.png: the image with the cells outlined
    #[arg(long, conflicts_with_all = ["do_3d", "stitch_threshold"])]
    pub(crate) save_overlay: bool,
    /// Print one JSON object a line on standard output for each image
    #[arg(long)]
    pub(crate) json: bool,
    /// Print on standard error where the time of each image went: each stage, and each layer of the network (a GPU's by
    /// its own clock) with its operations and bytes a second; for the first image also what it took to get there
    #[arg(long)]
    pub(crate) profile: bool,
    /// Write the same, one event for each time that anything ran, as a trace for Perfetto (ui.perfetto.dev) or
    /// chrome://tracing
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
}

/// What a network runs on, and how.
#[derive(Debug, Args)]
pub(crate) struct BackendArgs {
    /// What to run on
    #[arg(long, value_enum, default_value_t)]
    pub(crate) device: DeviceArg,
    /// Kernel of the 3x3 convolutions on a GPU; without it, the one that suits the device best
    #[arg(long, value_name = "NAME", value_parser = kernel_parser())]
    kernel: Option<ConvKernel>,
    /// What a GPU stores the network's activations in; f16 takes half the memory, and is for GPUs that offer SHADER_F16
    #[arg(long, value_enum, default_value_t)]
    precision: PrecisionArg,
    /// Choose the GPU's kernels of the 3x3 convolutions by a short measurement, layer by layer, and remember the choice
    #[arg(long, conflicts_with = "kernel")]
    tune: bool,
    /// Keep nothing for the next run: what a GPU's driver made of the shaders is otherwise kept in the user's cache
    /// folder, or in the folder that CYTOSHADE_CACHE names
    #[arg(long)]
    no_cache: bool,
    /// The CPU network's instruction set, for tests
    #[arg(long, hide = true)]
    cpu_isa: Option<Isa>,
    /// What shall go wrong on a GPU, for tests
    #[arg(long, hide = true, value_name = "memory=BYTES|hang|lose")]
    inject_fault: Option<FaultArg>,
}

impl BackendArgs {
    /// Applies the arguments to the builder of a segmenter or a restorer.
    pub(crate) fn apply<T>(&self, builder: Builder<T>) -> Builder<T> {
        let builder = builder.device(self.device.into()).precision(self.precision).tune(self.tune);
        let builder = self.kernel.into_iter().fold(builder, Builder::kernel);
        let builder = cache_folder().filter(|_| !self.no_cache).into_iter().fold(builder, Builder::cache);
        let builder = self
            .inject_fault
            .iter()
            .cloned()
            .fold(builder, |builder, inject_fault| builder.inject_faults(inject_fault.0));
        self.cpu_isa.into_iter().fold(builder, Builder::cpu_isa)
    }
}

/// What shall go wrong on a GPU.
#[derive(Clone, Debug)]
struct FaultArg(FaultInjection);

impl std::str::FromStr for FaultArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut faults = FaultInjection::default();
        match text.split_once('=') {
            Some(("memory", bytes)) => faults.memory = Some(bytes.parse().map_err(|_| "no number of bytes")?),
            None if text == "hang" => faults.hang.store(true, Ordering::Relaxed),
            None if text == "lose" => faults.lose.store(true, Ordering::Relaxed),
            _ => return Err("neither memory=BYTES, hang nor lose"),
        }
        Ok(Self(faults))
    }
}

impl Segment {
    /// True where a file is one stack.
    pub(crate) fn is_stack(&self) -> bool {
        self.do_3d || self.stitch_threshold > 0.0
    }

    pub(crate) fn params(&self) -> Params {
        let flows = self.save_flows || self.save_seg;
        self.seen
            .params()
            .diameter(self.diameter.and_then(DiameterArg::pixels))
            .resample(!self.no_resample)
            .augment(self.augment)
            .niter(self.niter)
            .interp(!self.no_interp)
            .cellprob_threshold(self.cellprob_threshold)
            .flow_threshold(self.flow_threshold)
            .max_size_fraction(self.max_size_fraction)
            .min_size(self.min_size)
            .do_3d(self.do_3d)
            .anisotropy(self.anisotropy)
            .flow3d_smooth(self.flow3d_smooth)
            .stitch_threshold(self.stitch_threshold)
            .outputs(Outputs::new().flows(flows).cellprob(flows))
    }
}

/// Takes the kernels' names, and lists them in the help.
fn kernel_parser() -> impl TypedValueParser<Value = ConvKernel> {
    PossibleValuesParser::new(ConvKernel::ALL.map(ConvKernel::name)).try_map(|name| name.parse::<ConvKernel>())
}

/// What a GPU stores the network's activations in.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum PrecisionArg {
    /// 4 bytes a value
    #[default]
    F32,
    /// 2 bytes a value; sums are still in f32
    F16,
    /// f16 where the GPU can and a trial finds the same cells as in f32, else f32; remembered for each model and GPU
    Auto,
}

impl From<PrecisionArg> for PrecisionChoice {
    fn from(precision: PrecisionArg) -> Self {
        match precision {
            PrecisionArg::F32 => PrecisionChoice::F32,
            PrecisionArg::F16 => PrecisionChoice::F16,
            PrecisionArg::Auto => PrecisionChoice::Auto,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// Image files
    #[arg(value_name = "INPUT", required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// Restoration network of Cellpose 3. Its name says what it was trained for, as in Cellpose: with `upsample` in it,
    /// images of cells smaller than the network's are enlarged and stay so; with `nuclei` in it, objects are taken to be
    /// of 17 pixels and not of 30
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) model: PathBuf,
    /// SHA-256 that the model file must have
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<Sha256>,
    /// Folder to write to; it is made where it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    seen: InputArgs,
    /// What the pages of a multi-page TIFF are, as for `segment`
    #[arg(long, value_enum, default_value_t)]
    pub(crate) pages: PagesArg,
    /// Each file is one stack, whose layers are normalized together
    #[arg(long)]
    pub(crate) stack: bool,
    /// Mean diameter of the cells in pixels; without it, images are not resized
    #[arg(long, value_name = "PX", allow_negative_numbers = true)]
    diameter: Option<f32>,
    #[command(flatten)]
    pub(crate) runs: BackendArgs,
}

impl Restore {
    pub(crate) fn params(&self) -> Params {
        self.seen.params().diameter(self.diameter)
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
