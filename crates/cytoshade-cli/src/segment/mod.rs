//! `cytoshade segment`.

mod args;
mod report;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cytoshade::{Control, Identity, Image, LoadOptions, Params, Segmenter, Span, Stack, Timings};
use cytoshade_formats::{FlowView, LabelView, Pages, ReadOptions, SegParts, TiffMetadata};
use cytoshade_safe_io::Existing;

use crate::batch::run_each;
use crate::diameter::size_model;
use crate::failure::Failure;
use crate::inputs::{PagesArg, stems};
use crate::interrupt;
use crate::label_format::{Cells, LabelFormat};
use crate::model::Source;
use crate::output::{Files, folder};
use crate::outputs::Outputs;
use crate::profile::Profiler;
use crate::progress::Bar;
use crate::report::warn;
use crate::restore::Restoration;
use report::Report;

pub(crate) use args::Segment;

pub(crate) fn run(args: &Segment, start: Instant) -> Result<(), Failure> {
    let params = args.params();
    params.check().map_err(Failure::usage)?;
    if let Some(format) = args.formats().find(|format| args.is_stack() && !format.holds_stacks()) {
        return Err(Failure::usage(format!(
            "{} holds no stack; take tif, npy, rois, geojson, csv or seg",
            format.ending()
        )));
    }
    let stems = stems(&args.inputs)?;
    let options = LoadOptions { sha256: args.sha256, ..LoadOptions::default() };
    let mut profiler = Profiler::new(args.profile, args.trace.as_deref(), start);
    let mut outputs = Outputs::new(&args.inputs);
    outputs.keep_model(&args.model);
    interrupt::catch();
    let span = Span::begin("model");
    let model = Source::network(&args.model, &options)?;
    let span = span.end();
    if let Some(Identity::Unverified(published)) = model.origin().map(|origin| origin.identity) {
        warn(format_args!("no hash of {} is known, so the file of that name may be any network", published.name));
    }
    share_work(args.threads)?;
    let mut builder = args.runs.builder();
    if let Some(size_model) = size_model(args.diameter, args.size_model.as_deref(), &args.model, &mut outputs)? {
        builder = builder.size_model(size_model);
    }
    let segmenter = builder.clone().build(&model).map_err(Failure::run)?;
    if let Some(profiler) = &mut profiler {
        profiler.startup(span, &segmenter);
    }
    let open = |path: &PathBuf| Restoration::open(path, &LoadOptions::default(), args.runs.builder(), &mut outputs);
    let restoration = args.restore.as_ref().map(open).transpose()?;
    folder(&args.output)?;
    cytoshade_safe_io::sweep_stale_files(&args.output);
    args.trace.iter().try_for_each(|trace| outputs.check(trace))?;

    let mut run = Run { args, params, segmenter, restoration, outputs, profiler };
    let result = run_each(&args.inputs, |index, input| {
        // A lost device fails only the current image.
        if run.segmenter.is_lost()
            && let Ok(segmenter) = builder.clone().build(&model)
        {
            warn(format_args!("going on with {}", segmenter.device()));
            run.segmenter = segmenter;
        }
        run.restoration.iter_mut().for_each(Restoration::revive);
        run.file(input, &stems[index])
    });
    if let Some(profiler) = run.profiler {
        profiler.finish(&mut run.outputs)?;
    }
    result
}

/// Sets the number of threads before anything starts them.
fn share_work(threads: Option<NonZeroUsize>) -> Result<(), Failure> {
    let Some(threads) = threads else { return Ok(()) };
    rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global().map_err(Failure::run)
}

/// The state of a run over several inputs.
struct Run<'a> {
    args: &'a Segment,
    params: Params,
    segmenter: Segmenter,
    restoration: Option<Restoration>,
    outputs: Outputs,
    profiler: Option<Profiler>,
}

/// The cells of an image or a stack, and what they were found in.
struct Found<'a> {
    images: &'a [Image],
    labels: LabelView<'a>,
    flows: Option<FlowView<'a>>,
    diameter: f32,
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
        let files = Files::new(&self.args.output, stem, page);
        let at = |error| Failure::at(input, error);
        self.check_outputs(&files).map_err(|failure| failure.about(input))?;
        let bar = Bar::new(&input.display().to_string());
        let show = |progress| bar.show(progress);
        let control = self.control().progress(&show);
        let (restored, segmentation) = match &self.restoration {
            Some(Restoration { restorer, .. }) => {
                let control_restore = Control::new().progress(&show).cancel(interrupt::cancel());
                let restored = restorer.restore(image, &self.params, &control_restore).map_err(at)?;
                let params = restorer.segmentation_params(&self.params, &restored);
                (Some(restored.timings), self.segmenter.segment_with(&restored.image, &params, &control))
            }
            None => (None, self.segmenter.segment_with(image, &self.params, &control)),
        };
        let mut segmentation = segmentation.map_err(at)?;
        drop(bar);
        if self.args.exclude_on_edges {
            segmentation.labels.remove_edge_masks();
        }
        let output = segmentation.flows.as_ref().zip(segmentation.cellprob.as_ref());
        let flows =
            output.map(|(flows, cellprob)| FlowView::image(flows, cellprob)).transpose().map_err(Failure::run)?;
        let images = std::slice::from_ref(image);
        let found = Found { images, labels: (&segmentation.labels).into(), flows, diameter: segmentation.diameter };
        self.profile(input, restored.as_ref(), &segmentation.timings);
        self.finish((input, page), &files, &found, &Report::new(input, page, &files, &segmentation))
    }

    /// Segments all images of a file as the z-slices of one stack.
    fn stack(&mut self, input: &Path, slices: Vec<Image>, stem: &str) -> Result<(), Failure> {
        let stack = Stack::new(slices).map_err(|error| Failure::at(input, error))?;
        let files = Files::new(&self.args.output, stem, None);
        let at = |error| Failure::at(input, error);
        self.check_outputs(&files).map_err(|failure| failure.about(input))?;
        let bar = Bar::new(&input.display().to_string());
        let show = |progress| bar.show(progress);
        let control = self.control().progress(&show);
        let (restored, segmentation) = match &self.restoration {
            Some(Restoration { restorer, .. }) => {
                let control_restore = Control::new().progress(&show).cancel(interrupt::cancel());
                let restored = restorer.restore_stack(&stack, &self.params, &control_restore).map_err(at)?;
                let params = restorer.segmentation_params(&self.params, &restored);
                (Some(restored.timings), self.segmenter.segment_stack_with(&restored.image, &params, &control))
            }
            None => (None, self.segmenter.segment_stack_with(&stack, &self.params, &control)),
        };
        let mut segmentation = segmentation.map_err(at)?;
        drop(bar);
        if self.args.exclude_on_edges {
            segmentation.labels.remove_edge_masks();
        }
        let output = segmentation.flows.as_ref().zip(segmentation.cellprob.as_ref());
        let flows =
            output.map(|(flows, cellprob)| FlowView::stack(flows, cellprob)).transpose().map_err(Failure::run)?;
        let labels = (&segmentation.labels).into();
        let found = Found { images: stack.slices(), labels, flows, diameter: segmentation.diameter };
        self.profile(input, restored.as_ref(), &segmentation.timings);
        self.finish((input, None), &files, &found, &Report::from_stack(input, &files, &segmentation))
    }

    /// Refuses before the computation what could not be written after it.
    fn check_outputs(&self, files: &Files) -> Result<(), Failure> {
        let args = self.args;
        let seg = files.seg();
        if args.saves_seg() && !args.replace_seg && seg.symlink_metadata().is_ok() {
            let why = "exists and may hold corrections by hand; use another folder, or --replace-seg to lose them";
            return Err(Failure::run(format!("{} {why}", seg.display())));
        }
        let formats = [LabelFormat::Tif].into_iter().chain(args.formats()).map(|format| files.labels(format));
        let overlay = args.save_overlay.then(|| files.overlay(args.is_stack()));
        let flows = args.save_flows.then(|| files.flows());
        formats.chain(overlay).chain(flows).try_for_each(|path| self.outputs.check(&path))
    }

    /// Saves everything, then prints the line of the image.
    fn finish(
        &mut self,
        (input, page): (&Path, Option<usize>),
        files: &Files,
        found: &Found<'_>,
        report: &Report,
    ) -> Result<(), Failure> {
        let span = Span::begin("write");
        self.save((input, page), files, found).map_err(|failure| failure.about(input))?;
        self.profile_file(input, span);
        self.profiler.iter_mut().for_each(Profiler::print);
        report.print(self.args.json)
    }

    fn save(&mut self, (input, page): (&Path, Option<usize>), files: &Files, found: &Found<'_>) -> Result<(), Failure> {
        let args = self.args;
        let outputs = &mut self.outputs;
        let has_channels = found.images.first().is_some_and(|image| image.channels() > 1);
        let cells = Cells { labels: found.labels, has_channels, metadata: &TiffMetadata::default() };
        files.save_labels(outputs, LabelFormat::Tif, cells)?;
        for format in args.formats().filter(|format| !matches!(format, LabelFormat::Tif | LabelFormat::Seg)) {
            files.save_labels(outputs, format, cells)?;
        }
        if args.saves_seg() {
            // A page's image is not the file's: the graphical program must take the image in the `_seg.npy`.
            let filename = if page.is_some() { String::new() } else { input.display().to_string() };
            let channels = self.params.channels;
            let parts = SegParts {
                labels: found.labels,
                images: found.images,
                flows: found.flows,
                filename: &filename,
                channels: [channels.chan, channels.chan2],
                diameter: found.diameter.into(),
            };
            let existing = if args.replace_seg { Existing::Replace } else { Existing::Keep };
            files.save_seg(outputs, existing, &parts)?;
        }
        if let Some(flows) = found.flows.filter(|_| args.save_flows) {
            files.save_flows(outputs, &flows)?;
        }
        if args.save_overlay {
            files.save_overlay(outputs, found.images, found.labels)?;
        }
        Ok(())
    }

    fn profile_file(&mut self, file: &Path, span: Span) {
        if let Some(profiler) = &mut self.profiler {
            profiler.file(file, span.end());
        }
    }

    /// Reports the stages of a restoration, and the stages and layers of a segmentation.
    fn profile(&mut self, file: &Path, restored: Option<&Timings>, segmented: &Timings) {
        let Some(profiler) = &mut self.profiler else { return };
        if let Some(restored) = restored {
            profiler.stages("restoration of", file, restored);
        }
        profiler.computed(file, segmented);
    }

    /// Ends with the process's interruption, and records layers for the profile.
    fn control(&self) -> Control<'_> {
        let control = Control::new().cancel(interrupt::cancel());
        self.profiler.iter().fold(control, |control, profiler| control.record(&profiler.recorder))
    }
}
