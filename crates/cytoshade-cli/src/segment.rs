//! `cytoshade segment`.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cytoshade::{Control, Identity, Image, LoadOptions, Params, Segmenter, Span, Stack, Timings};
use cytoshade_formats::{Pages, ReadOptions};

use crate::args::{PagesArg, Segment};
use crate::diameter::size_model;
use crate::failure::Failure;
use crate::label_format::LabelFormat;
use crate::model::Source;
use crate::output::{Files, Report, folder, print_line};
use crate::profile::Profiler;
use crate::progress::Bar;
use crate::restore::Restoration;

pub(crate) fn run(args: &Segment, start: Instant) -> Result<(), Failure> {
    let params = args.params();
    params.check().map_err(Failure::usage)?;
    if let Some(format) = args.save.iter().find(|format| args.is_stack() && !format.holds_stacks()) {
        return Err(Failure::usage(format!(
            "a stack's labels are not written as {}; take tif or npy",
            format.ending()
        )));
    }
    let stems = stems(&args.inputs, LabelFormat::Tif.ending())?;
    let options = LoadOptions { sha256: args.sha256, ..LoadOptions::default() };
    let mut profiler = Profiler::new(args.profile, args.trace.as_deref(), start);
    let span = Span::begin("model");
    let model = Source::network(&args.model, &options)?;
    let span = span.end();
    if let Some(Identity::Unverified(published)) = model.origin().map(|origin| origin.identity) {
        eprintln!("cytoshade: no hash of {} is known, so the file of that name may be any network", published.name);
    }
    share_work(args.threads)?;
    let mut builder = args.runs.apply(Segmenter::builder(&model));
    if let Some(size_model) = size_model(args.diameter, args.size_model.as_deref(), &args.model)? {
        builder = builder.size_model(size_model);
    }
    let segmenter = builder.clone().build().map_err(Failure::run)?;
    if let Some(profiler) = &mut profiler {
        profiler.startup(span, &segmenter);
    }
    let open = |path| Restoration::open(path, &LoadOptions::default(), &args.runs);
    let restoration = args.restore.as_deref().map(open).transpose()?;
    folder(&args.output)?;

    let mut run = Run { args, params, segmenter, restoration, written: HashSet::new(), profiler };
    let mut failed = 0;
    for (input, stem) in args.inputs.iter().zip(&stems) {
        // What took the device from one image shall not cost the others theirs.
        if run.segmenter.is_lost()
            && let Ok(segmenter) = builder.clone().build()
        {
            eprintln!("cytoshade: going on with {}", segmenter.device());
            run.segmenter = segmenter;
        }
        run.restoration.iter_mut().for_each(Restoration::revive);
        if let Err(failure) = run.file(input, stem) {
            failure.print();
            failed += 1;
        }
    }
    if let Some(profiler) = run.profiler {
        profiler.finish()?;
    }
    if failed > 0 { Err(Failure::Some { failed, of: args.inputs.len() }) } else { Ok(()) }
}

/// Sets the number of threads before anything starts them.
fn share_work(threads: Option<NonZeroUsize>) -> Result<(), Failure> {
    let Some(threads) = threads else { return Ok(()) };
    rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global().map_err(Failure::run)
}

/// The stem of each input, whose result is written as the stem and `ending`. Two inputs of one stem would overwrite each
/// other's results, so they are refused.
pub(crate) fn stems(inputs: &[PathBuf], ending: &str) -> Result<Vec<String>, Failure> {
    let mut seen: HashMap<String, &Path> = HashMap::new();
    let mut stems = Vec::with_capacity(inputs.len());
    for input in inputs {
        let Some(stem) = input.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else {
            return Err(Failure::usage(format!("{} names no file", input.display())));
        };
        if let Some(other) = seen.insert(stem.clone(), input) {
            return Err(Failure::usage(format!(
                "{} and {} would both be written as {stem}{ending}; write them to different folders",
                other.display(),
                input.display()
            )));
        }
        stems.push(stem);
    }
    Ok(stems)
}

/// What every input is segmented with, and what has been written so far.
struct Run<'a> {
    args: &'a Segment,
    params: Params,
    segmenter: Segmenter,
    restoration: Option<Restoration>,
    written: HashSet<Files>,
    profiler: Option<Profiler>,
}

impl Run<'_> {
    fn file(&mut self, input: &Path, stem: &str) -> Result<(), Failure> {
        let pages = match self.args.pages {
            PagesArg::Auto if self.args.is_stack() => Pages::Stack,
            pages => pages.into(),
        };
        let options = ReadOptions { pages, ..ReadOptions::default() };
        let span = Span::begin("read");
        let images = cytoshade_formats::read(input, &options).map_err(|error| Failure::at(input, error))?;
        self.profile_file(input, span);
        if self.args.is_stack() {
            return self.stack(input, images, stem);
        }
        let is_list = images.len() > 1;
        for (index, image) in images.iter().enumerate() {
            self.image((input, is_list.then_some(index + 1)), image, stem)?;
        }
        Ok(())
    }

    fn image(&mut self, (input, page): (&Path, Option<usize>), image: &Image, stem: &str) -> Result<(), Failure> {
        let args = self.args;
        let files = self.files(input, stem, page)?;
        if args.save_seg && !args.replace_seg && files.seg().exists() {
            let what = format!(
                "{} is there and may hold corrections by hand; use another folder, or --replace-seg to lose them",
                files.seg().display()
            );
            return Err(Failure::at(input, what));
        }
        let bar = Bar::new(&input.display().to_string());
        let show = |progress| bar.show(progress);
        let control = self.control().progress(&show);
        let at = |error| Failure::at(input, error);
        let (restored, segmentation) = match &self.restoration {
            Some(Restoration { restorer, .. }) => {
                let restored =
                    restorer.restore_with(image, &self.params, &Control::new().progress(&show)).map_err(at)?;
                let params = restorer.segmentation_params(&self.params, &restored);
                (Some(restored.timings), self.segmenter.segment_with(&restored.image, &params, &control))
            }
            None => (None, self.segmenter.segment_with(image, &self.params, &control)),
        };
        let segmentation = segmentation.map_err(at)?;
        drop(bar);
        self.profile(input, restored.as_ref(), &segmentation.timings)?;
        let span = Span::begin("write");
        files.save_masks(&segmentation)?;
        for format in args.save.iter().filter(|&&format| format != LabelFormat::Tif) {
            files.save_labels(*format, &segmentation.labels)?;
        }
        if args.save_seg {
            // A page's image is not the file's: what opens it is to take the one inside.
            let filename = if page.is_some() { String::new() } else { input.display().to_string() };
            files.save_seg(image, &segmentation, &filename, self.params.channels)?;
        }
        if args.save_flows {
            files.save_flows(&segmentation)?;
        }
        if args.save_overlay {
            files.save_overlay(image, &segmentation)?;
        }
        self.profile_file(input, span);
        self.report(&Report::new(input, page, &files, &segmentation))
    }

    /// All images of a file as the layers of one stack.
    fn stack(&mut self, input: &Path, layers: Vec<Image>, stem: &str) -> Result<(), Failure> {
        let args = self.args;
        let stack = Stack::new(layers).map_err(|error| Failure::at(input, error))?;
        let files = self.files(input, stem, None)?;
        let bar = Bar::new(&input.display().to_string());
        let show = |progress| bar.show(progress);
        let control = self.control().progress(&show);
        let at = |error| Failure::at(input, error);
        let (restored, segmentation) = match &self.restoration {
            Some(Restoration { restorer, .. }) => {
                let restored =
                    restorer.restore_stack_with(&stack, &self.params, &Control::new().progress(&show)).map_err(at)?;
                let params = restorer.segmentation_params(&self.params, &restored);
                (Some(restored.timings), self.segmenter.segment_stack_with(&restored.image, &params, &control))
            }
            None => (None, self.segmenter.segment_stack_with(&stack, &self.params, &control)),
        };
        let segmentation = segmentation.map_err(at)?;
        drop(bar);
        self.profile(input, restored.as_ref(), &segmentation.timings)?;
        let span = Span::begin("write");
        files.save_stack_masks(&segmentation)?;
        if args.save_flows {
            files.save_stack_flows(&segmentation)?;
        }
        if args.save.contains(&LabelFormat::Npy) {
            files.save_stack_npy(&segmentation.labels)?;
        }
        self.profile_file(input, span);
        self.report(&Report::from_stack(input, &files, &segmentation))
    }

    /// Where the results go, which must not be where others of this run went: the pages of a list get numbers, which
    /// another input's name may end with.
    fn files(&mut self, input: &Path, stem: &str, page: Option<usize>) -> Result<Files, Failure> {
        let files = Files::new(&self.args.output, stem, page);
        if self.written.insert(files.clone()) {
            return Ok(files);
        }
        let what = format!("{} holds another input's result of this run; use another folder", files.masks().display());
        Err(Failure::at(input, what))
    }

    fn profile_file(&mut self, file: &Path, span: Span) {
        if let Some(profiler) = &mut self.profiler {
            profiler.file(file, span.end());
        }
    }

    /// Of a restoration the stages are told, of the segmentation the layers too.
    fn profile(&mut self, file: &Path, restored: Option<&Timings>, segmented: &Timings) -> Result<(), Failure> {
        let Some(profiler) = &mut self.profiler else { return Ok(()) };
        if let Some(restored) = restored {
            profiler.stages("restoration of", file, restored)?;
        }
        profiler.computed(file, segmented)
    }

    /// Watches for the profile, where there is one.
    fn control(&self) -> Control<'_> {
        self.profiler.iter().fold(Control::new(), |control, profiler| control.record(&profiler.recorder))
    }

    fn report(&self, report: &Report) -> Result<(), Failure> {
        if self.args.json {
            let line = serde_json::to_string(report).map_err(Failure::run)?;
            return print_line(&line);
        }
        let page = report.page.map_or_else(String::new, |page| format!(" page {page}"));
        print_line(&format!("{}{page}: {} cells -> {}", report.input, report.cells, report.output))
    }
}
