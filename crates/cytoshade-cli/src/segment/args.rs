//! The arguments of `cytoshade segment`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cytoshade::{Outputs, Params, Sha256};

use crate::backend_args::BackendArgs;
use crate::diameter::DiameterArg;
use crate::input_args::InputArgs;
use crate::inputs::ReadArgs;
use crate::isolate::IsolateArgs;
use crate::label_format::LabelFormat;

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
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) isolate: IsolateArgs,
    /// Mean diameter of the cells in pixels; without it, that of the network's training. `auto` estimates it for each
    /// image with a size model: the one that --size-model names, or the one beside the network (NAME_size.npy,
    /// size_NAME.npy); where there is none, that of the network's training
    #[arg(long, value_name = "PX|auto", allow_negative_numbers = true)]
    pub(crate) diameter: Option<DiameterArg>,
    /// Size model of the network (size_cyto3.npy): estimates the diameter of each image
    #[arg(long, value_name = "FILE")]
    pub(crate) size_model: Option<PathBuf>,
    /// SHA-256 that the size model must have: the one that --size-model names, or the one that `--diameter auto` finds
    #[arg(long, value_name = "HEX")]
    pub(crate) size_model_sha256: Option<Sha256>,
    /// Drop masks whose flows differ from the network's by a mean squared error above this; 0 keeps all
    #[arg(long, value_name = "F", default_value_t = 0.4, allow_negative_numbers = true)]
    flow_threshold: f64,
    /// Pixels with a cell probability (a logit, about -6 to 6) above this belong to cells; lower finds more
    #[arg(long, value_name = "F", default_value_t = 0.0, allow_negative_numbers = true)]
    cellprob_threshold: f32,
    /// Steps of the Euler integration; without it, 200 scaled by the resize
    #[arg(long, value_name = "N")]
    niter: Option<u32>,
    /// Drop masks of fewer pixels than this; 0, and -1 as in Cellpose, keep all
    #[arg(long, value_name = "N", default_value_t = 15, allow_negative_numbers = true)]
    min_size: i64,
    /// Drop masks that cover more than this fraction of the image
    #[arg(long, value_name = "F", default_value_t = 0.4, allow_negative_numbers = true)]
    max_size_fraction: f64,
    /// Drop masks that touch the image's border; in a stack also those that touch its first or last z-slice
    #[arg(long)]
    pub(crate) exclude_on_edges: bool,
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
    /// SHA-256 that the restoration network must have
    #[arg(long, value_name = "HEX", requires = "restore")]
    pub(crate) restore_sha256: Option<Sha256>,
    /// Formats to write beside STEM_cp_masks.tif, separated by commas; a stack has no png and outlines
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMATS")]
    save: Vec<LabelFormat>,
    /// Also write DIR/STEM_seg.npy: masks, outlines, flows and image, for Cellpose's graphical program
    #[arg(long)]
    save_seg: bool,
    /// Replace a STEM_seg.npy that exists; without it the image fails, since the file may hold corrections by hand
    #[arg(long)]
    pub(crate) replace_seg: bool,
    /// Also write DIR/STEM_flows.npy: f32 [3, H, W], dY, dX and cell probability; of a stack [4, Z, H, W] with dZ first,
    /// or [3, Z, H, W] where it was segmented layer by layer
    #[arg(long)]
    pub(crate) save_flows: bool,
    /// Also write DIR/STEM_overlay.png: the image with the cells outlined; of a stack STEM_overlay.tif, a page a z-slice
    #[arg(long)]
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

impl Segment {
    /// True where a file is one stack.
    pub(crate) fn is_stack(&self) -> bool {
        self.do_3d || self.stitch_threshold > 0.0
    }

    /// The formats to write, without the masks' TIFF, each once.
    pub(crate) fn formats(&self) -> impl Iterator<Item = LabelFormat> {
        let mut formats = self.save.clone();
        if self.save_seg {
            formats.push(LabelFormat::Seg);
        }
        LabelFormat::value_variants().iter().copied().filter(move |format| formats.contains(format))
    }

    /// True if a `_seg.npy` is written.
    pub(crate) fn saves_seg(&self) -> bool {
        self.save_seg || self.save.contains(&LabelFormat::Seg)
    }

    pub(crate) fn params(&self) -> Params {
        let flows = self.save_flows || self.saves_seg();
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
            .min_size(usize::try_from(self.min_size).unwrap_or(0))
            .do_3d(self.do_3d)
            .anisotropy(self.anisotropy)
            .flow3d_smooth(self.flow3d_smooth)
            .stitch_threshold(self.stitch_threshold)
            .outputs(Outputs::new().flows(flows).cellprob(flows))
            .max_pixels(self.read.max_pixels())
    }
}
