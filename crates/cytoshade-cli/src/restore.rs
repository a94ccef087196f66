//! `cytoshade restore`, and the restoration before a segmentation.

use std::path::Path;

use cytoshade::{Control, LoadOptions, RestoreOptions, Restorer, RestorerBuilder, Stack};
use cytoshade_formats::{Pages, ReadOptions};

use crate::args::{BackendArgs, PagesArg, Restore};
use crate::failure::Failure;
use crate::model::Source;
use crate::output::{Files, RESTORED, folder, print_line};
use crate::progress::Bar;
use crate::segment::stems;

/// A restoration network on a device, and the builder that makes another.
pub(crate) struct Restoration {
    pub(crate) restorer: Restorer,
    builder: RestorerBuilder,
}

impl Restoration {
    /// Opens the restoration network in a file. The file's name implies the purpose that it was trained for.
    pub(crate) fn open(path: &Path, options: &LoadOptions, runs: &BackendArgs) -> Result<Self, Failure> {
        let model = Source::network(path, options)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let options = RestoreOptions::from_name(&name);
        let builder = runs.apply(Restorer::builder(&model).options(options));
        let restorer = builder.clone().build().map_err(|error| Failure::at(path, error))?;
        Ok(Self { restorer, builder })
    }

    /// Opens the device again if it is lost, so that only the current image fails.
    pub(crate) fn revive(&mut self) {
        if self.restorer.is_lost()
            && let Ok(restorer) = self.builder.clone().build()
        {
            eprintln!("cytoshade: going on with {}", restorer.device());
            self.restorer = restorer;
        }
    }
}

pub(crate) fn run(args: &Restore) -> Result<(), Failure> {
    args.params().check().map_err(Failure::usage)?;
    let stems = stems(&args.inputs, RESTORED)?;
    let options = LoadOptions { sha256: args.sha256, ..LoadOptions::default() };
    let mut restoration = Restoration::open(&args.model, &options, &args.runs)?;
    folder(&args.output)?;
    let mut failed = 0;
    for (input, stem) in args.inputs.iter().zip(&stems) {
        restoration.revive();
        if let Err(failure) = file(args, &restoration.restorer, input, stem) {
            failure.print();
            failed += 1;
        }
    }
    if failed > 0 { Err(Failure::Some { failed, of: args.inputs.len() }) } else { Ok(()) }
}

fn file(args: &Restore, restorer: &Restorer, input: &Path, stem: &str) -> Result<(), Failure> {
    let pages = match args.pages {
        PagesArg::Auto if args.stack => Pages::Stack,
        pages => pages.into(),
    };
    let options = ReadOptions { pages, ..ReadOptions::default() };
    let images = cytoshade_formats::read(input, &options).map_err(|error| Failure::at(input, error))?;
    let bar = Bar::new(&input.display().to_string());
    let show = |progress| bar.show(progress);
    let control = Control::new().progress(&show);
    let is_list = images.len() > 1 && !args.stack;
    let groups: Vec<_> = if args.stack { vec![images] } else { images.into_iter().map(|image| vec![image]).collect() };
    for (index, layers) in groups.into_iter().enumerate() {
        let at = |error: cytoshade::Error| Failure::at(input, error);
        let stack = Stack::new(layers).map_err(|error| at(error.into()))?;
        let restored = restorer.restore_stack_with(&stack, &args.params(), &control).map_err(at)?;
        let files = Files::new(&args.output, stem, is_list.then_some(index + 1));
        files.save_restored(restored.image.slices())?;
        print_line(&format!("{} -> {}", input.display(), files.restored().display()))?;
    }
    Ok(())
}
