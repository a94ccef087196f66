//! The arguments of `cytoshade segment`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cytoshade::{Outputs, Params, Sha256};
use serde_json::{Value, json};

use crate::backend_args::BackendArgs;
use crate::diameter::DiameterArg;
use crate::discover::FolderArgs;
use crate::failure::Failure;
use crate::input_args::{InputArgs, help};
use crate::inputs::ReadArgs;
use crate::isolate::IsolateArgs;
use crate::label_format::LabelFormat;
use crate::measurements::TableFormat;
use crate::picture_kind::PictureKind;

#[derive(Debug, Args)]
pub(crate) struct Segment {
    /// Image files, folders, or patterns such as 'plate?/*_ch1.tif'
    ///
    /// Patterns are in quotes, so that the program and not the shell expands them.
    #[arg(value_name = "INPUT", required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) folders: FolderArgs,
    /// Cellpose network: a file, or a name such as cyto3
    ///
    /// A network of versions 1 to 3: a torch file of Cellpose, safetensors or an ONNX export, or a name listed by
    /// `cytoshade model list`. The content decides the format, and nothing in it is executed. Default: cyto3 if a model
    /// folder has it, else the small bundled network.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) model: Option<PathBuf>,
    /// Required SHA-256 of the model file
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<Sha256>,
    /// Output folder; default: beside each image
    ///
    /// Created if missing. Results of images in folders keep the structure of the folders. Default: beside each image.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Skip the inputs that are complete by cytoshade-run.json, the manifest of earlier runs
    ///
    /// Input, models, options and version are unchanged, and all outputs exist. Outputs that were changed since, such as
    /// labels corrected by hand, are kept.
    #[arg(long)]
    pub(crate) skip_done: bool,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) isolate: IsolateArgs,
    /// Mean diameter of the cells; default: the network's
    ///
    /// In pixels. Default: that of the network's training images. `auto` estimates it for each image with the size model of
    /// --size-model or, without that option, with the one beside the network (NAME_size.npy, size_NAME.npy). If none
    /// exists, `auto` uses the default.
    #[arg(long, value_name = "PX|auto", allow_negative_numbers = true)]
    pub(crate) diameter: Option<DiameterArg>,
    /// Size model of the network (e.g. size_cyto3.npy), which estimates the diameter of each image
    #[arg(long, value_name = "FILE")]
    pub(crate) size_model: Option<PathBuf>,
    /// Required SHA-256 of the size model, whether from --size-model or found by `--diameter auto`
    #[arg(long, value_name = "HEX")]
    pub(crate) size_model_sha256: Option<Sha256>,
    #[arg(
        long,
        help = help("flow_threshold"),
        value_name = "F",
        default_value_t = Params::new().flow_threshold,
        allow_negative_numbers = true
    )]
    flow_threshold: f64,
    #[arg(
        long,
        help = help("cellprob_threshold"),
        value_name = "F",
        default_value_t = Params::new().cellprob_threshold,
        allow_negative_numbers = true
    )]
    cellprob_threshold: f32,
    #[arg(long, help = help("niter"), value_name = "N")]
    niter: Option<u32>,
    /// Drop masks of fewer pixels than this; 0 or, as in Cellpose, -1 keeps all
    #[arg(long, value_name = "N", default_value_t = Params::new().min_size as i64, allow_negative_numbers = true)]
    min_size: i64,
    #[arg(
        long,
        help = help("max_size_fraction"),
        value_name = "F",
        default_value_t = Params::new().max_size_fraction,
        allow_negative_numbers = true
    )]
    max_size_fraction: f64,
    /// Drop masks that touch the border of the image, or the first or last z-slice of a stack
    #[arg(long)]
    pub(crate) exclude_on_edges: bool,
    /// Run the dynamics at the network's size and enlarge the masks, instead of running them at the image's size
    #[arg(long)]
    no_resample: bool,
    /// Do not interpolate the flows between pixels during the integration
    #[arg(long)]
    no_interp: bool,
    #[arg(long, help = help("augment"))]
    augment: bool,
    #[arg(long, help = help("do_3d"), visible_alias = "do-3D")]
    pub(crate) do_3d: bool,
    #[arg(
        long,
        help = help("anisotropy"),
        value_name = "F",
        default_value_t = Params::new().anisotropy,
        allow_negative_numbers = true
    )]
    anisotropy: f64,
    #[arg(
        long,
        alias = "flow3D-smooth",
        help = help("flow3d_smooth"),
        value_name = "F",
        default_value_t = Params::new().flow3d_smooth,
        allow_negative_numbers = true
    )]
    flow3d_smooth: f64,
    #[arg(
        long,
        help = help("stitch_threshold"),
        value_name = "F",
        default_value_t = Params::new().stitch_threshold,
        allow_negative_numbers = true
    )]
    stitch_threshold: f64,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
    /// Threads on the CPU; default: one per core
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Restore each image first, with this restoration network
    ///
    /// A restoration network of Cellpose 3 (see `cytoshade restore`). The options of normalization apply to the
    /// restoration, --diameter to both networks. Labels of an upsampled image have its enlarged size.
    #[arg(long, value_name = "FILE|NAME", conflicts_with_all = ["size_model", "save_overlay", "save_seg"])]
    pub(crate) restore: Option<PathBuf>,
    /// Required SHA-256 of the restoration network
    #[arg(long, value_name = "HEX", requires = "restore")]
    pub(crate) restore_sha256: Option<Sha256>,
    /// Further formats, such as rois,csv
    ///
    /// Formats to write beside STEM_cp_masks.tif, separated by commas; png and outlines cannot hold stacks.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMATS")]
    save: Vec<LabelFormat>,
    /// Also write DIR/STEM_seg.npy for Cellpose's graphical program: masks, outlines, flows and image
    #[arg(long)]
    save_seg: bool,
    /// Replace existing label files that may hold corrections by hand
    ///
    /// These are STEM_seg.npy and, without --output, label files of every format, unless the manifest shows that nobody
    /// changed them since the run that wrote them. By default their image fails.
    #[arg(long, alias = "replace-seg")]
    pub(crate) replace: bool,
    /// Also write DIR/STEM_flows.npy: f32 [3, H, W] with dY, dX and cell probability; for a stack [4, Z, H, W] with dZ
    /// first, or [3, Z, H, W] if it is segmented slice by slice
    #[arg(long)]
    pub(crate) save_flows: bool,
    /// Also write the image with outlined cells
    ///
    /// Writes STEM_overlay.png; for a stack STEM_overlay.tif, a page per z-slice.
    #[arg(long)]
    pub(crate) save_overlay: bool,
    /// Also write pictures as PNG, separated by commas: outlines, colors and flows of images, a montage of stacks
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KINDS", conflicts_with = "restore")]
    save_pictures: Vec<PictureKind>,
    /// Also measure the cells: DIR/STEM_measurements.csv for each image, and cytoshade-measurements.csv (or .tsv,
    /// .parquet) of all images in the output folder. See `cytoshade measure`
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) measure: Option<TableFormat>,
    /// Print a line with a JSON object on standard output for each image. If an input is a folder or a pattern, a last
    /// line has the key `summary`
    #[arg(long)]
    pub(crate) json: bool,
    /// Print warnings and failures only
    #[arg(long, conflicts_with = "json")]
    pub(crate) quiet: bool,
    /// Print the time of each stage and of each layer of the network on standard error, with operations and bytes per
    /// second (on a GPU by its own clock). For the first image, also print the times of the startup
    #[arg(long)]
    pub(crate) profile: bool,
    /// Write these times as a trace for Perfetto (ui.perfetto.dev) or chrome://tracing, an event for each run of a
    /// stage or layer
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
}

impl Segment {
    /// Checks the options before any file is opened.
    ///
    /// # Errors
    /// Fails if a parameter is out of range or contradicts another option.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.params().check().map_err(Failure::usage)?;
        if let Some(kind) = self.pictures().find(|kind| kind.shows_stacks() != self.is_stack()) {
            let shown = if kind.shows_stacks() { "a stack" } else { "an image" };
            return Err(Failure::usage(format!("{} shows {shown}; leave it out of --save-pictures", kind.ending())));
        }
        match self.formats().find(|format| self.is_stack() && !format.holds_stacks()) {
            Some(format) => Err(Failure::usage(format!(
                "{} cannot hold a stack; use tif, npy, rois, geojson, csv or seg",
                format.ending()
            ))),
            None => Ok(()),
        }
    }

    /// True if images are read, segmented and written one after the other: with a restoration, whose size decides
    /// about the segmentation, and for the times of a profile, which would overlap.
    pub(crate) fn is_sequential(&self) -> bool {
        self.restore.is_some() || self.profile || self.trace.is_some()
    }

    /// True if a result shows the image.
    pub(crate) fn keeps_images(&self) -> bool {
        self.save_overlay || self.saves_seg() || self.measure.is_some() || !self.save_pictures.is_empty()
    }

    /// True if an existing file of this format may hold corrections by hand, so that only a result that nobody changed
    /// since is replaced.
    ///
    /// In a folder that the user named for results, this is only the file of Cellpose's graphical program.
    pub(crate) fn keeps(&self, format: LabelFormat) -> bool {
        let is_kept = if self.output.is_none() { format.can_be_corrected() } else { format == LabelFormat::Seg };
        is_kept && !self.replace
    }

    /// The values that decide about the results, beside the models, for the manifest.
    ///
    /// Limits and the size of batches are left out.
    pub(crate) fn settings(&self) -> Value {
        let names = |format: LabelFormat| format.to_possible_value().map(|value| value.get_name().to_owned());
        let mut outputs: Vec<String> = self.formats().filter_map(names).collect();
        outputs.extend(self.save_flows.then(|| "flows".into()));
        outputs.extend(self.save_overlay.then(|| "overlay".into()));
        outputs.extend(self.measure.map(|_| "measurements".into()));
        outputs.extend(self.pictures().map(|kind| kind.ending().into()));
        let defaults = Params::new();
        let params = self.params().batch_size(defaults.batch_size).max_pixels(defaults.max_pixels);
        let read: Vec<String> = self.read.words().into_iter().filter(|word| !word.starts_with("--limits")).collect();
        json!({
            "params": params,
            "read": read,
            "outputs": outputs,
            "exclude_on_edges": self.exclude_on_edges,
            "precision": self.backend.precision_name(),
        })
    }

    /// True if each file is one stack.
    pub(crate) fn is_stack(&self) -> bool {
        self.do_3d || self.stitch_threshold > 0.0
    }

    /// The formats to write beside the masks' TIFF, without duplicates.
    pub(crate) fn formats(&self) -> impl Iterator<Item = LabelFormat> {
        let mut formats = self.save.clone();
        if self.save_seg {
            formats.push(LabelFormat::Seg);
        }
        LabelFormat::value_variants().iter().copied().filter(move |format| formats.contains(format))
    }

    /// The pictures to write, without duplicates.
    pub(crate) fn pictures(&self) -> impl Iterator<Item = PictureKind> {
        PictureKind::value_variants().iter().copied().filter(|kind| self.save_pictures.contains(kind))
    }

    /// True if a `_seg.npy` is written.
    pub(crate) fn saves_seg(&self) -> bool {
        self.save_seg || self.save.contains(&LabelFormat::Seg)
    }

    pub(crate) fn params(&self) -> Params {
        let shows_flows = self.save_pictures.contains(&PictureKind::Flows);
        let flows = self.save_flows || self.saves_seg() || self.measure.is_some() || shows_flows;
        self.input
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
