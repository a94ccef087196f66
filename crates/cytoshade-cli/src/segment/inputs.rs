//! Reads, segments and saves the images of one input.

use std::path::Path;

use cytoshade::{Control, Image, Params, Segmentation, Segmenter, Span, Stack, StackSegmentation, Timings};
use cytoshade_formats::{FlowView, Item, LabelView, SegParts, TiffMetadata};
use cytoshade_safe_io::{Existing, printable_path};

use super::args::Segment;
use super::report::{Report, Summary};
use crate::failure::Failure;
use crate::inputs::{Input, TimeSeries};
use crate::interrupt;
use crate::label_format::{Cells, LabelFormat};
use crate::output::Files;
use crate::outputs::Outputs;
use crate::profile::Profiler;
use crate::progress::Bar;
use crate::restore::Restoration;

/// The state of a run over several inputs.
pub(super) struct Run<'a> {
    pub(super) args: &'a Segment,
    pub(super) params: Params,
    pub(super) segmenter: Segmenter,
    pub(super) restoration: Option<Restoration>,
    pub(super) outputs: Outputs,
    pub(super) profiler: Option<Profiler>,
}

/// The segmentation of an image or a stack.
enum Found {
    Image(Segmentation),
    Stack(StackSegmentation),
}

impl Found {
    fn labels(&self) -> LabelView<'_> {
        match self {
            Found::Image(found) => (&found.labels).into(),
            Found::Stack(found) => (&found.labels).into(),
        }
    }

    fn flows(&self) -> Result<Option<FlowView<'_>>, Failure> {
        match self {
            Found::Image(found) => {
                let both = found.flows.as_ref().zip(found.cellprob.as_ref());
                both.map(|(flows, cellprob)| FlowView::image(flows, cellprob)).transpose()
            }
            Found::Stack(found) => {
                let both = found.flows.as_ref().zip(found.cellprob.as_ref());
                both.map(|(flows, cellprob)| FlowView::stack(flows, cellprob)).transpose()
            }
        }
        .map_err(Failure::run)
    }

    fn diameter(&self) -> f32 {
        match self {
            Found::Image(found) => found.diameter,
            Found::Stack(found) => found.diameter,
        }
    }

    fn summary(&self) -> Summary<'_> {
        let (cells, device) = match self {
            Found::Image(found) => (found.cells(), found.device.to_string()),
            Found::Stack(found) => (found.cells(), found.device.to_string()),
        };
        Summary { cells, device, diameter: self.diameter(), timings: self.timings() }
    }

    fn timings(&self) -> &Timings {
        match self {
            Found::Image(found) => &found.timings,
            Found::Stack(found) => &found.timings,
        }
    }
}

/// An input, with the paths and metadata of the results of one item or time series.
struct Target<'t> {
    path: &'t Path,
    input: &'t Input,
    files: Files,
    metadata: TiffMetadata,
    /// The image file that the graphical program opens with a `_seg.npy`; empty if the file holds several images.
    filename: String,
}

impl Run<'_> {
    pub(super) fn file(&mut self, path: &Path, stem: &str) -> Result<(), Failure> {
        let span = Span::begin("read");
        let mut input = self.args.read.open(path, self.args.is_stack(), &self.args.isolate)?;
        self.profile_file(path, span);
        input.warn_of_channels(path, self.params.channels);
        for series in input.time_series() {
            let is_alone = input.is_one_item();
            let target = Target {
                path,
                input: &input,
                files: Files::new(&self.args.output, &series.stem(stem), series.page()),
                metadata: input.metadata(&series),
                filename: if is_alone { path.display().to_string() } else { String::new() },
            };
            match series.items() {
                [item] => self.one(&target, item)?,
                _ => self.time_series(&target, &series, stem)?,
            }
        }
        Ok(())
    }

    /// Processes an image or a stack.
    fn one(&mut self, target: &Target<'_>, item: &Item) -> Result<(), Failure> {
        let about = |failure: Failure| failure.about(target.path);
        let files = &target.files;
        self.check(self.args.formats(), files, true).map_err(about)?;
        let images = self.read(target, item)?;
        let (images, found) = self.segment(target.path, images)?;
        let report = Report::new(target.path, item, target.input, &files.masks(), &found.labels(), found.summary());
        let span = Span::begin("write");
        let formats: Vec<LabelFormat> = self.args.formats().collect();
        self.save_point(&formats, true, target, files, &images, &found).map_err(about)?;
        if self.args.save_overlay {
            files.save_overlay(&mut self.outputs, &images, found.labels()).map_err(about)?;
        }
        self.profile_file(target.path, span);
        self.profiler.iter_mut().for_each(Profiler::print);
        report.print(self.args.json)
    }

    /// Processes a time series; its time points are segmented separately.
    ///
    /// Their labels become one file. Formats that hold a single image, and the outputs of the network, become a file
    /// for each time point, STEM_t0 and so on.
    fn time_series(&mut self, target: &Target<'_>, series: &TimeSeries<'_>, stem: &str) -> Result<(), Failure> {
        let about = |failure: Failure| failure.about(target.path);
        let (together, apart): (Vec<_>, Vec<_>) = self.args.formats().partition(|format| format.holds_time_series());
        let point = |item: &Item| {
            let stem = format!("{}_t{}", series.stem(stem), item.time.unwrap_or(0));
            Files::new(&self.args.output, &stem, series.page())
        };
        let points: Vec<Files> = series.items().iter().map(point).collect();
        self.check(together.iter().copied(), &target.files, true).map_err(about)?;
        points.iter().try_for_each(|files| self.check(apart.iter().copied(), files, false)).map_err(about)?;
        let mut labels = Vec::new();
        let mut shape = Vec::new();
        let mut shown = Vec::new();
        let mut reports = Vec::new();
        for (item, files) in series.items().iter().zip(&points) {
            let images = self.read(target, item)?;
            let (images, found) = self.segment(target.path, images)?;
            let here = found.labels().shape();
            if !shape.is_empty() && shape != here {
                let message =
                    format!("time points differ in size: {here:?} after {shape:?}; pass a --diameter in pixels");
                return Err(Failure::at(target.path, message));
            }
            shape = here;
            labels.extend_from_slice(found.labels().as_slice());
            let masks = target.files.masks();
            reports.push(Report::new(target.path, item, target.input, &masks, &found.labels(), found.summary()));
            self.save_point(&apart, false, target, files, &images, &found).map_err(about)?;
            if self.args.save_overlay {
                shown.extend(images);
            }
        }
        let span = Span::begin("write");
        let (slices, [height, width]) = match shape[..] {
            [slices, height, width] => (Some(slices), [height, width]),
            [height, width] => (None, [height, width]),
            _ => return Ok(()),
        };
        let labels = LabelView::time_points_of(&labels, points.len(), slices, [height, width]).map_err(Failure::run)?;
        self.save_labels(&together, true, target, &target.files, series.channels() > 1, labels).map_err(about)?;
        if self.args.save_overlay {
            target.files.save_overlay(&mut self.outputs, &shown, labels).map_err(about)?;
        }
        self.profile_file(target.path, span);
        self.profiler.iter_mut().for_each(Profiler::print);
        reports.iter().try_for_each(|report| report.print(self.args.json))
    }

    fn read(&mut self, target: &Target<'_>, item: &Item) -> Result<Vec<Image>, Failure> {
        let span = Span::begin("read");
        let images = target.input.read(target.path, item)?;
        self.profile_file(target.path, span);
        Ok(images)
    }

    /// Restores, with `--restore`, and segments the z-slices of a stack or the single slice of an image.
    fn segment(&mut self, path: &Path, mut images: Vec<Image>) -> Result<(Vec<Image>, Found), Failure> {
        let at = |error| Failure::at(path, error);
        let bar = Bar::new(&printable_path(path));
        let show = |progress| bar.show(progress);
        let control = self.control().progress(&show);
        let restoring = Control::new().progress(&show).cancel(interrupt::cancel());
        let restorer = self.restoration.as_ref().map(|restoration| &restoration.restorer);
        let mut restored = None;
        let mut found = if let (false, [image]) = (self.args.is_stack(), &images[..]) {
            let segmentation = match restorer {
                Some(restorer) => {
                    let image = restorer.restore_with(image, &self.params, &restoring).map_err(at)?;
                    let params = restorer.segmentation_params(&self.params, &image);
                    restored = Some(image.timings);
                    self.segmenter.segment_with(&image.image, &params, &control)
                }
                None => self.segmenter.segment_with(image, &self.params, &control),
            };
            Found::Image(segmentation.map_err(at)?)
        } else {
            let stack = Stack::new(std::mem::take(&mut images)).map_err(|error| Failure::at(path, error))?;
            let segmentation = match restorer {
                Some(restorer) => {
                    let stack = restorer.restore_stack_with(&stack, &self.params, &restoring).map_err(at)?;
                    let params = restorer.segmentation_params(&self.params, &stack);
                    restored = Some(stack.timings);
                    self.segmenter.segment_stack_with(&stack.image, &params, &control)
                }
                None => self.segmenter.segment_stack_with(&stack, &self.params, &control),
            };
            let found = Found::Stack(segmentation.map_err(at)?);
            images = stack.into_slices();
            found
        };
        drop(bar);
        if self.args.exclude_on_edges {
            match &mut found {
                Found::Image(found) => found.labels.remove_edge_masks(),
                Found::Stack(found) => found.labels.remove_edge_masks(),
            }
        }
        self.profile(path, restored.as_ref(), found.timings());
        Ok((images, found))
    }

    /// Fails before the computation if a result could not be written after it.
    fn check(&self, formats: impl Iterator<Item = LabelFormat>, files: &Files, is_series: bool) -> Result<(), Failure> {
        let args = self.args;
        for format in formats.chain(is_series.then_some(LabelFormat::Tif)) {
            let path = files.labels(format);
            if format == LabelFormat::Seg && !args.replace_seg && path.symlink_metadata().is_ok() {
                let reason =
                    "exists and may hold corrections by hand; use another folder, or --replace-seg to lose them";
                return Err(Failure::run(format!("{} {reason}", printable_path(path))));
            }
            self.outputs.check(&path)?;
        }
        // A time series of images has pages too.
        let overlays =
            (args.save_overlay && is_series).then(|| [false, true].map(|has_pages| files.overlay(has_pages)));
        let flows = args.save_flows.then(|| files.flows());
        overlays.into_iter().flatten().chain(flows).try_for_each(|path| self.outputs.check(&path))
    }

    /// Saves the results of one image or stack.
    fn save_point(
        &mut self,
        formats: &[LabelFormat],
        with_masks: bool,
        target: &Target<'_>,
        files: &Files,
        images: &[Image],
        found: &Found,
    ) -> Result<(), Failure> {
        let has_channels = images.first().is_some_and(|image| image.channels() > 1);
        self.save_labels(formats, with_masks, target, files, has_channels, found.labels())?;
        let flows = found.flows()?;
        if formats.contains(&LabelFormat::Seg) {
            let channels = self.params.channels;
            let parts = SegParts {
                labels: found.labels(),
                images,
                flows,
                filename: &target.filename,
                channels: [channels.chan, channels.chan2],
                diameter: found.diameter().into(),
            };
            let existing = if self.args.replace_seg { Existing::Replace } else { Existing::Keep };
            files.save_seg(&mut self.outputs, existing, &parts)?;
        }
        match flows.filter(|_| self.args.save_flows) {
            Some(flows) => files.save_flows(&mut self.outputs, &flows),
            None => Ok(()),
        }
    }

    fn save_labels(
        &mut self,
        formats: &[LabelFormat],
        with_masks: bool,
        target: &Target<'_>,
        files: &Files,
        has_channels: bool,
        labels: LabelView<'_>,
    ) -> Result<(), Failure> {
        let cells = Cells { labels, has_channels, metadata: &target.metadata };
        let masks = with_masks.then_some(LabelFormat::Tif);
        let others = formats.iter().copied().filter(|format| !matches!(format, LabelFormat::Tif | LabelFormat::Seg));
        masks.into_iter().chain(others).try_for_each(|format| files.save_labels(&mut self.outputs, format, cells))
    }

    fn profile_file(&mut self, file: &Path, span: Span) {
        if let Some(profiler) = &mut self.profiler {
            profiler.file(file, span.end());
        }
    }

    /// Adds the stages of a restoration, and the stages and layers of a segmentation, to the profile.
    fn profile(&mut self, file: &Path, restored: Option<&Timings>, segmented: &Timings) {
        let Some(profiler) = &mut self.profiler else { return };
        if let Some(restored) = restored {
            profiler.stages("restoration of", file, restored);
        }
        profiler.computed(file, segmented);
    }

    /// A control that stops at an interruption and records layers for the profile.
    fn control(&self) -> Control<'_> {
        let control = Control::new().cancel(interrupt::cancel());
        self.profiler.iter().fold(control, |control, profiler| control.record(&profiler.recorder))
    }
}
