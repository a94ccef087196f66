//! `cytoshade restore` and `segment --restore`: restoration of images.

use std::path::{Path, PathBuf};

use clap::Args;
use cytoshade::{Channels, Control, LoadOptions, Params, RestoreOptions, Restorer, RestorerBuilder, Sha256, Stack};
use cytoshade_safe_io::printable_path;
use serde_json::{Value, json};

use crate::backend_args::{BackendArgs, warn_refused};
use crate::batch::run_each;
use crate::endings;
use crate::failure::Failure;
use crate::input_args::InputArgs;
use crate::inputs::{ReadArgs, stems};
use crate::interrupt;
use crate::isolate::IsolateArgs;
use crate::model::{Source, restoration_model};
use crate::output::{Files, folder};
use crate::outputs::Outputs;
use crate::progress::Bar;
use crate::report::{print_line, warn};

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// Image files
    #[arg(value_name = "INPUT", required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// Restoration network of Cellpose 3. As in Cellpose, its name selects the purpose: `upsample` enlarges images
    /// whose cells are smaller than the network's; `nuclei` sets the network's diameter to 17 pixels instead of 30
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) model: Option<PathBuf>,
    /// Required SHA-256 of the model file
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<Sha256>,
    /// Output folder; created if missing
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    isolate: IsolateArgs,
    /// Read each file as one stack, whose z-slices are normalized together
    #[arg(long)]
    pub(crate) stack: bool,
    /// Mean diameter of the cells in pixels; default: images are not resized
    #[arg(long, value_name = "PX", allow_negative_numbers = true)]
    diameter: Option<f32>,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
}

impl Restore {
    pub(crate) fn params(&self) -> Params {
        self.input.params().diameter(self.diameter).max_pixels(self.read.max_pixels())
    }
}

/// A restoration network on a device, and its builder.
pub(crate) struct Restoration {
    pub(crate) restorer: Restorer,
    builder: RestorerBuilder,
    /// The values that decide about the restored image, for the manifest.
    pub(crate) settings: Value,
}

impl Restoration {
    /// Opens the restoration network in a file. The name of the file selects its purpose.
    pub(crate) fn open(
        path: &Path,
        options: &LoadOptions,
        backend: &BackendArgs,
        outputs: &mut Outputs,
    ) -> Result<Self, Failure> {
        outputs.keep_model(path);
        let model = Source::network(path, options)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let options = RestoreOptions::from_name(&name);
        let settings = json!({
            "model": Source::new(path).hashes(&model)?,
            "upsample": options.upsample,
            "diam_mean": options.diam_mean,
        });
        let builder = backend.apply(Restorer::builder(&model).options(options));
        let restorer = builder.clone().build().map_err(|error| Failure::at(path, error))?;
        warn_refused(restorer.refused());
        Ok(Self { restorer, builder, settings })
    }

    /// Reopens the device if it is lost, so that only the current image fails.
    pub(crate) fn revive(&mut self) {
        if self.restorer.is_lost()
            && let Ok(restorer) = self.builder.clone().build()
        {
            warn_refused(restorer.refused());
            warn(format_args!("continuing on {}", restorer.device()));
            self.restorer = restorer;
        }
    }
}

pub(crate) fn run(args: &Restore) -> Result<(), Failure> {
    args.params().check().map_err(Failure::usage)?;
    let model = restoration_model(args.model.as_deref())?;
    let inputs: Vec<&Path> = args.inputs.iter().map(PathBuf::as_path).collect();
    let stems = stems(&inputs, |_| args.output.clone(), endings::RESTORED)?;
    let options = LoadOptions { sha256: args.sha256, ..LoadOptions::default() };
    let mut outputs = Outputs::new(&args.inputs);
    interrupt::catch();
    let mut restoration = Restoration::open(model, &options, &args.backend, &mut outputs)?;
    folder(&args.output)?;
    cytoshade_safe_io::sweep_stale_files(&args.output);
    run_each(&args.inputs, |index, input| {
        restoration.revive();
        file(args, &restoration.restorer, (input, &stems[index]), &mut outputs)
    })
}

fn file(
    args: &Restore,
    restorer: &Restorer,
    (path, stem): (&Path, &str),
    outputs: &mut Outputs,
) -> Result<(), Failure> {
    let input = args.read.open(path, args.stack, &args.isolate)?;
    let bar = Bar::new(&printable_path(path));
    let show = |progress| bar.show(progress);
    let control = Control::new().progress(&show).cancel(interrupt::cancel());
    let at = |error: cytoshade::Error| Failure::at(path, error);
    for series in input.facts.time_series() {
        let files = Files::new(&args.output, &series.stem(stem), series.page());
        outputs.check(&files.restored()).map_err(|failure| failure.about(path))?;
        let mut images = Vec::new();
        for item in series.items() {
            let stack = Stack::new(input.read(path, item)?).map_err(|error| at(error.into()))?;
            images
                .extend(restorer.restore_stack_with(&stack, &args.params(), &control).map_err(at)?.image.into_slices());
        }
        let mut metadata = input.facts.metadata(&series);
        metadata.channel_names = restored_names(&metadata.channel_names, &args.params(), series.channels());
        files.save_restored(outputs, &images, &metadata)?;
        print_line(format_args!("{} -> {}", printable_path(path), printable_path(files.restored())));
    }
    Ok(())
}

/// The names of the restored channels, by those of the image's `channels` channels. The mean of several has none.
fn restored_names(names: &[String], params: &Params, channels: usize) -> Vec<String> {
    let Channels { chan, chan2 } = params.channels;
    let name = |chan: usize| chan.checked_sub(1).and_then(|at| names.get(at)).cloned().unwrap_or_default();
    match chan {
        _ if params.all_channels || channels == 1 => names.to_vec(),
        0 => Vec::new(),
        chan => vec![name(chan), name(chan2)],
    }
}
