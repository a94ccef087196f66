//! The models and devices of a run, and the overlap of reading, network, labelling and writing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cytoshade::{Control, Error, Identity, Image, LoadOptions, Params, Segmenter, SegmenterBuilder, Span, Stack};
use cytoshade_safe_io::{printable, sweep_stale_files};
use serde_json::json;

use super::args::Segment;
use super::plan::{Claims, Plan, plan};
use super::reader::{Next, Reader, Unit, Unreadable};
use super::segmented::Segmented;
use super::space;
use super::totals::Totals;
use super::writer::Writer;
use crate::backend_args::warn_refused;
use crate::diameter::size_model;
use crate::discover::InputFile;
use crate::failure::Failure;
use crate::interrupt;
use crate::manifest::{Journal, RunRecord};
use crate::measurements::{RUN_TABLE, RunTable, TableFormat};
use crate::model::{Source, segmentation_model};
use crate::output::writable_folder;
use crate::outputs::Outputs;
use crate::profile::Profiler;
use crate::progress::RunBar;
use crate::report::warn;
use crate::restore::Restoration;

/// The journal, which the writer extends.
pub(super) type SharedJournal = Arc<Mutex<Journal>>;

/// Locks data that stay valid if a thread panics.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Models on their devices, for one or several runs.
pub(crate) struct Session {
    args: Arc<Segment>,
    params: Params,
    builder: SegmenterBuilder,
    segmenter: Segmenter,
    restoration: Option<Restoration>,
    /// Protects the models.
    outputs: Outputs,
    claims: Claims,
    journal: SharedJournal,
    profiler: Option<Profiler>,
    /// The measurements of all runs.
    table: RunTable,
}

/// An image of a batch that was read, and its copy if a result shows it.
type Read = Result<(Unit, Vec<Image>), Unreadable>;

/// A segmented image of a batch, on its way to the writer.
struct Segmentation {
    unit: Unit,
    images: Vec<Image>,
    result: Result<Segmented, Failure>,
}

impl Session {
    /// Opens the models and the device, and reads the manifest in `root`.
    pub(crate) fn start(args: Arc<Segment>, root: &Path, start: Instant) -> Result<Self, Failure> {
        let mut profiler = Profiler::new(args.profile, args.trace.as_deref(), start);
        let mut outputs = Outputs::default();
        let named = segmentation_model(args.model.as_deref(), args.sha256)?;
        outputs.keep_model(&named);
        let span = Span::begin("model");
        let options = LoadOptions { sha256: args.sha256, ..LoadOptions::default() };
        let model = Source::network(&named, &options)?;
        let span = span.end();
        Source::new(&named).parts(&model).iter().for_each(|part| outputs.keep(part, "a model of this run"));
        if let Some(Identity::Unverified(published)) = model.origin().map(|origin| origin.identity) {
            warn(format_args!("no hash of {} is known, so its file is not verified", published.name));
        }
        if let Some(threads) = args.threads {
            // Before rayon starts its pool.
            rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global().map_err(Failure::run)?;
        }
        let mut builder = args.backend.apply(Segmenter::builder(&model));
        let sha256 = args.size_model_sha256;
        let estimate = size_model(args.diameter, args.size_model.as_deref(), sha256, &named, &mut outputs)?;
        let size_model_sha256 = estimate.as_ref().map(|(_, hash)| *hash);
        if let Some((size_model, _)) = estimate {
            builder = builder.size_model(size_model);
        }
        let segmenter = builder.clone().build().map_err(Failure::run)?;
        warn_refused(segmenter.refused());
        if let Some(profiler) = &mut profiler {
            profiler.startup(span, &segmenter);
        }
        let pinned = LoadOptions { sha256: args.restore_sha256, ..LoadOptions::default() };
        let open = |path: &PathBuf| Restoration::open(path, &pinned, &args.backend, &mut outputs);
        let restoration = args.restore.as_ref().map(open).transpose()?;

        let mut settings = args.settings();
        settings["model"] = json!(Source::new(&named).hashes(&model)?);
        settings["size_model"] = json!(size_model_sha256.map(|hash| hash.to_string()));
        settings["restoration"] = json!(restoration.as_ref().map(|restoration| &restoration.settings));
        let (version, device) = (env!("CARGO_PKG_VERSION").to_owned(), segmenter.device().to_string());
        let root = args.output.as_deref().unwrap_or(root);
        let journal = Arc::new(Mutex::new(Journal::new(root, RunRecord { version, device, settings })?));
        let params = args.params();
        let claims = Claims::default();
        Ok(Self {
            args,
            params,
            builder,
            segmenter,
            restoration,
            outputs,
            claims,
            journal,
            profiler,
            table: RunTable::default(),
        })
    }

    /// Prints the settings that differ from those of the last run. The images of that run are segmented again.
    pub(crate) fn warn_of_changed_settings(&self) {
        let journal = lock(&self.journal);
        let changed = journal.manifest().changed_settings(journal.run());
        if !changed.is_empty() {
            warn(format_args!(
                "{} differ from those of the earlier run, whose images are segmented again",
                printable(changed.join(", "))
            ));
        }
    }

    /// Segments files. Returns the totals and the number of inputs.
    ///
    /// Nothing is computed before every input is checked. A failed input does not stop the others; an interruption does.
    pub(crate) fn run(&mut self, files: &[InputFile]) -> Result<(Totals, usize), Failure> {
        let mut outputs = self.outputs.clone();
        files.iter().for_each(|file| outputs.keep(&file.path, "an input"));
        outputs.hash_outputs();
        self.args.trace.iter().chain(self.run_table().as_ref()).try_for_each(|path| outputs.check(path))?;
        let mut totals = Totals::new();
        let plan = plan(files, &self.args, &mut outputs, &lock(&self.journal), &mut self.claims);
        let of = plan.inputs();
        let Plan { ready, failed, done, changed, folders, .. } = plan;
        if changed > 0 {
            warn(format_args!(
                "{changed} of the skipped inputs have results that were changed since their run, which are kept; \
                 without --skip-done, --replace replaces them"
            ));
        }
        totals.skipped = done.len();
        let root = lock(&self.journal).root().to_path_buf();
        for (input, record) in &done {
            self.table.add_done(&root, input, record.outputs.keys());
        }
        for (path, failure) in &failed {
            failure.print();
            totals.fail(path, failure);
        }
        let written: BTreeSet<&Path> = ready.iter().map(|input| input.folder.as_path()).collect();
        written.into_iter().try_for_each(writable_folder)?;
        space::check(&ready, &self.args)?;

        let images = ready.iter().map(|input| input.images).sum();
        let title = files.first().map(|file| file.path.display().to_string()).unwrap_or_default();
        let bar = RunBar::new(images, &printable(&title).to_string(), self.args.quiet);
        let inputs: Arc<[_]> = ready.into();
        let reader = Arc::new(Mutex::new(Reader::new(self.args.clone(), inputs.clone())));
        let mut writer = Writer::new(self.args.clone(), inputs, outputs, self.journal.clone(), totals, bar);
        loop {
            // Reads the header of the next input.
            let next = lock(&reader).peek();
            self.revive();
            match next {
                None => break,
                Some(Next::Image) => self.batch(&reader, &mut writer),
                Some(Next::Alone | Next::Unreadable) => self.alone(&reader, &mut writer),
            }
        }
        lock(&self.journal).fold();
        self.table.append(writer.table);
        // Of a run that was killed before this one, perhaps when it wrote the last result of a folder.
        for folder in &folders {
            sweep_stale_files(folder);
        }
        Ok((writer.totals, of))
    }

    /// The path of the table of measurements, if there is one.
    fn run_table(&self) -> Option<PathBuf> {
        let name = |format: TableFormat| format!("{RUN_TABLE}.{}", format.extension());
        self.args.measure.map(|format| lock(&self.journal).root().join(name(format)))
    }

    /// Writes the table of measurements, and the trace even if the table cannot be written.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let path = self.run_table();
        let mut outputs = self.outputs;
        let table = match (path, self.args.measure) {
            (Some(path), Some(format)) => self.table.save(&mut outputs, &path, format),
            _ => Ok(()),
        };
        let trace = self.profiler.map_or(Ok(()), |profiler| profiler.finish(&mut outputs));
        table.and(trace)
    }

    /// Opens a lost device again, so that only the current image fails.
    fn revive(&mut self) {
        if self.segmenter.is_lost()
            && let Ok(segmenter) = self.builder.clone().build()
        {
            warn_refused(segmenter.refused());
            warn(format_args!("continuing on {}", segmenter.device()));
            self.segmenter = segmenter;
        }
        self.restoration.iter_mut().for_each(Restoration::revive);
    }

    /// Segments images while others are read and written.
    ///
    /// Ends at an image or stack that is segmented alone, at a lost device, and at an interruption.
    fn batch(&self, reader: &Arc<Mutex<Reader>>, writer: &mut Writer) {
        let (to_network, reads) = channel();
        let images = ReadAhead { reader: reader.clone(), reads: to_network, keeps_images: self.args.keeps_images() };
        let control = Control::new().cancel(interrupt::cancel());
        let results = self.segmenter.segment_batch_with(images, &self.params, &control);
        let lost_input = std::thread::scope(|scope| {
            // One result waits while another is written.
            let (to_writer, segmented) = sync_channel(1);
            scope.spawn(|| write_all(segmented, writer, reader));
            self.forward(reads, results, &to_writer)
        });
        if let Some(input) = lost_input {
            lock(reader).continue_after(input);
        }
    }

    /// Pairs the results of a batch with the images that were read, in order. Returns the input at which the device was
    /// lost, if it was.
    fn forward(
        &self,
        reads: Receiver<Read>,
        mut results: impl Iterator<Item = Result<cytoshade::Segmentation, Error>>,
        to_writer: &SyncSender<Result<Segmentation, Unreadable>>,
    ) -> Option<usize> {
        for read in reads {
            let (unit, images) = match read {
                Ok(read) => read,
                Err(unreadable) => {
                    to_writer.send(Err(unreadable)).ok()?;
                    continue;
                }
            };
            let result = results.next().filter(|result| !matches!(result, Err(Error::Cancelled)))?;
            let (input, has_failed) = (unit.opened.input, result.is_err());
            let result = result.map(Segmented::Image).map_err(Failure::run);
            to_writer.send(Ok(Segmentation { unit, images, result })).ok()?;
            if has_failed && self.segmenter.is_lost() {
                return Some(input);
            }
        }
        None
    }

    /// Reads, segments and writes the next image or stack.
    fn alone(&mut self, reader: &Mutex<Reader>, writer: &mut Writer) {
        let read = lock(reader).read();
        let (mut unit, images) = match read {
            None => return,
            Some(Err(unreadable)) => return writer.unreadable(unreadable),
            Some(Ok(read)) => read,
        };
        let path = writer.inputs.get(unit.opened.input).map(|input| input.path.clone()).unwrap_or_default();
        for span in std::mem::take(&mut unit.spans) {
            self.profiler.iter_mut().for_each(|profiler| profiler.file(&path, span));
        }
        let (images, result) = self.segment(&path, images, &writer.bar);
        if matches!(result, Err(Error::Cancelled)) {
            return;
        }
        let span = Span::begin("write");
        if !writer.write(&unit, images, result.map_err(Failure::run)) {
            lock(reader).leave_out(unit.opened.input);
        }
        if let Some(profiler) = &mut self.profiler {
            profiler.file(&path, span.end());
            profiler.print();
        }
    }

    /// Restores, with `--restore`, and segments the z-slices of a stack or the single slice of an image.
    fn segment(&mut self, path: &Path, images: Vec<Image>, bar: &RunBar) -> (Vec<Image>, Result<Segmented, Error>) {
        let show = |progress| bar.show(progress);
        let restoring = Control::new().cancel(interrupt::cancel()).progress(&show);
        let recorder = self.profiler.as_ref().map(|profiler| &profiler.recorder);
        let control = recorder.into_iter().fold(restoring.clone(), Control::record);
        let (segmenter, params) = (&self.segmenter, &self.params);
        let restorer = self.restoration.as_ref().map(|restoration| &restoration.restorer);
        let mut restored = None;
        let (images, result) = if let (false, [image]) = (self.args.is_stack(), &images[..]) {
            let result = match restorer {
                Some(restorer) => restorer.restore_with(image, params, &restoring).and_then(|image| {
                    let params = restorer.segmentation_params(params, &image);
                    restored = Some(image.timings);
                    segmenter.segment_with(&image.image, &params, &control)
                }),
                None => segmenter.segment_with(image, params, &control),
            };
            (images, result.map(Segmented::Image))
        } else {
            let stack = match Stack::new(images) {
                Ok(stack) => stack,
                Err(error) => return (Vec::new(), Err(error.into())),
            };
            let result = match restorer {
                Some(restorer) => restorer.restore_stack_with(&stack, params, &restoring).and_then(|stack| {
                    let params = restorer.segmentation_params(params, &stack);
                    restored = Some(stack.timings);
                    segmenter.segment_stack_with(&stack.image, &params, &control)
                }),
                None => segmenter.segment_stack_with(&stack, params, &control),
            };
            (stack.into_slices(), result.map(Segmented::Stack))
        };
        if let (Some(profiler), Ok(segmented)) = (&mut self.profiler, &result) {
            if let Some(restored) = &restored {
                profiler.stages("restoration of", path, restored);
            }
            profiler.computed(path, segmented.timings());
        }
        (images, result)
    }
}

/// The images of a batch, read as the network takes them.
struct ReadAhead {
    reader: Arc<Mutex<Reader>>,
    reads: Sender<Read>,
    keeps_images: bool,
}

impl Iterator for ReadAhead {
    type Item = Image;

    fn next(&mut self) -> Option<Image> {
        let mut reader = lock(&self.reader);
        loop {
            if reader.peek()? == Next::Alone {
                return None;
            }
            match reader.read()? {
                Ok((unit, mut images)) => {
                    let image = images.pop()?;
                    let kept = if self.keeps_images { vec![image.clone()] } else { Vec::new() };
                    self.reads.send(Ok((unit, kept))).ok()?;
                    return Some(image);
                }
                Err(unreadable) => self.reads.send(Err(unreadable)).ok()?,
            }
        }
    }
}

/// Writes results until no more come.
fn write_all(results: Receiver<Result<Segmentation, Unreadable>>, writer: &mut Writer, reader: &Mutex<Reader>) {
    for result in results {
        match result {
            Err(unreadable) => writer.unreadable(unreadable),
            Ok(Segmentation { unit, images, result }) => {
                if !writer.write(&unit, images, result) {
                    lock(reader).leave_out(unit.opened.input);
                }
            }
        }
    }
}
