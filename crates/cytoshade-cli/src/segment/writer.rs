//! Writes the results of segmented images, reports them and records complete inputs.

use std::path::PathBuf;
use std::sync::Arc;

use cytoshade::{Image, Stage};
use cytoshade_formats::{Item, LabelView, PixelSize, SegParts, TiffMetadata};
use cytoshade_safe_io::Existing;

use super::args::Segment;
use super::plan::{self, Planned};
use super::reader::{Opened, Unit, Unreadable};
use super::report::Report;
use super::segmented::Segmented;
use super::session::{SharedJournal, lock};
use super::totals::Totals;
use crate::failure::Failure;
use crate::inputs::TimeSeries;
use crate::label_format::{Cells, LabelFormat};
use crate::measurements::{Batch, Measured, RunTable};
use crate::output::Files;
use crate::outputs::Outputs;
use crate::progress::RunBar;

/// The state of writing, input after input.
pub(super) struct Writer {
    pub(super) args: Arc<Segment>,
    pub(super) inputs: Arc<[Planned]>,
    pub(super) outputs: Outputs,
    pub(super) journal: SharedJournal,
    pub(super) totals: Totals,
    pub(super) bar: RunBar,
    /// The measurements of the images so far.
    pub(super) table: RunTable,
    /// The input whose images are being written.
    current: Option<Current>,
}

/// The input that is being written.
#[derive(Default)]
struct Current {
    input: usize,
    /// True if an image failed: the rest is left out.
    has_failed: bool,
    /// Images that are written.
    images: usize,
    cells: usize,
    seconds: f64,
    /// The time points of the series so far.
    points: Points,
}

/// Time points that become one file.
#[derive(Default)]
struct Points {
    labels: Vec<u32>,
    shape: Vec<usize>,
    shown: Vec<Image>,
    reports: Vec<Report>,
}

/// An image or stack, and the paths and metadata of its results.
struct Target<'t> {
    planned: &'t Planned,
    opened: &'t Opened,
    series: &'t TimeSeries<'t>,
    item: &'t Item,
    files: Files,
    metadata: TiffMetadata,
}

impl Writer {
    pub(super) fn new(
        args: Arc<Segment>,
        inputs: Arc<[Planned]>,
        outputs: Outputs,
        journal: SharedJournal,
        totals: Totals,
        bar: RunBar,
    ) -> Self {
        Self { args, inputs, outputs, journal, totals, bar, table: RunTable::default(), current: None }
    }

    /// Counts an input that cannot be read, unless one of its images failed before.
    pub(super) fn unreadable(&mut self, Unreadable { input, failure }: Unreadable) {
        if !self.has_failed(input) {
            self.fail(input, &failure);
        }
    }

    /// Writes the results of an image or stack. `images` are its z-slices, if a result shows them.
    ///
    /// Returns false if its input has failed.
    pub(super) fn write(&mut self, unit: &Unit, images: Vec<Image>, result: Result<Segmented, Failure>) -> bool {
        let input = unit.opened.input;
        if self.current.as_ref().is_none_or(|current| current.input != input) {
            self.current = Some(Current { input, ..Current::default() });
        }
        if self.has_failed(input) {
            return false;
        }
        let inputs = self.inputs.clone();
        let Some(planned) = inputs.get(input) else { return false };
        let about = |failure: Failure| failure.about(&planned.path);
        let written = result.and_then(|segmented| self.results(planned, unit, images, segmented)).map_err(about);
        match written {
            Ok(()) => true,
            Err(failure) => {
                self.fail(input, &failure);
                false
            }
        }
    }

    fn has_failed(&self, input: usize) -> bool {
        self.current.as_ref().is_some_and(|current| current.input == input && current.has_failed)
    }

    /// Leaves out the rest of an input.
    fn fail(&mut self, input: usize, failure: &Failure) {
        failure.print();
        let before = self.current.take().filter(|current| current.input == input).map_or(0, |current| current.images);
        self.current = Some(Current { input, has_failed: true, ..Current::default() });
        let Some(planned) = self.inputs.get(input) else { return };
        self.outputs.take_hashes();
        self.totals.fail(&planned.path, failure);
        self.bar.add(planned.images.saturating_sub(before), 0);
    }

    /// Writes the results of a unit; those of the input are complete with its last one.
    fn results(
        &mut self,
        planned: &Planned,
        unit: &Unit,
        images: Vec<Image>,
        mut segmented: Segmented,
    ) -> Result<(), Failure> {
        let opened = &*unit.opened;
        let Some(item) = unit.item() else { return Ok(()) };
        let Some(series) = opened.facts.time_series().find(|series| series.items().contains(item)) else {
            return Ok(());
        };
        if self.args.exclude_on_edges {
            segmented.remove_edge_masks();
        }
        let target = Target {
            planned,
            opened,
            series: &series,
            item,
            files: Files::new(&planned.folder, &series.stem(&planned.stem), series.page()),
            metadata: opened.facts.metadata(&series),
        };
        if series.items().len() == 1 {
            self.image(&target, &images, &segmented)?;
        } else {
            self.time_point(&target, images, &segmented)?;
        }
        self.count(&segmented);
        if unit.item + 1 == opened.facts.items().len()
            && let Some(current) = self.current.take()
        {
            let outputs = self.outputs.take_hashes();
            lock(&self.journal).input(&planned.path, opened.sha256, outputs, current.cells, current.seconds);
            self.totals.done += 1;
        }
        Ok(())
    }

    fn count(&mut self, segmented: &Segmented) {
        let timings = segmented.timings();
        let network = timings.iter().filter(|(stage, _)| *stage == Stage::Network).map(|(_, time)| time).sum();
        self.totals.add(segmented.labels(), self.args.is_stack(), segmented.cells(), network);
        self.bar.add(1, segmented.cells());
        if let Some(current) = &mut self.current {
            current.images += 1;
            current.cells += segmented.cells();
            current.seconds += timings.total().as_secs_f64();
        }
    }

    /// Writes an image or a stack that is no time point.
    fn image(&mut self, target: &Target<'_>, images: &[Image], segmented: &Segmented) -> Result<(), Failure> {
        let formats: Vec<LabelFormat> = self.args.formats().collect();
        let report = self.report(target, segmented);
        self.save_point(&formats, true, target, &target.files, images, segmented)?;
        if self.args.save_overlay {
            target.files.save_overlay(&mut self.outputs, images, segmented.labels())?;
        }
        self.print(&report)
    }

    /// Writes the outputs of a time point, and with the last one those of the series.
    ///
    /// The labels of all time points become one file. Formats that hold a single image, and the outputs of the network,
    /// become a file for each time point, STEM_t0 and so on.
    fn time_point(&mut self, target: &Target<'_>, images: Vec<Image>, segmented: &Segmented) -> Result<(), Failure> {
        let (together, apart) = plan::formats(&self.args, target.series);
        let points = plan::point_files(&target.planned.folder, &target.planned.stem, target.series);
        let index = target.series.items().iter().position(|item| item == target.item).unwrap_or(0);
        let Some(files) = points.get(index) else { return Ok(()) };
        let report = self.report(target, segmented);
        let keeps_images = self.args.save_overlay;
        let Some(Current { points: so_far, .. }) = &mut self.current else { return Ok(()) };
        let here = segmented.labels().shape();
        if index > 0 && so_far.shape != here {
            return Err(Failure::run(format!(
                "time points differ in size: {here:?} after {:?}; pass a --diameter in pixels",
                so_far.shape
            )));
        }
        so_far.shape = here;
        so_far.labels.extend_from_slice(segmented.labels().as_slice());
        so_far.reports.push(report);
        self.save_point(&apart, false, target, files, &images, segmented)?;
        if keeps_images && let Some(current) = &mut self.current {
            current.points.shown.extend(images);
        }
        if index + 1 < points.len() {
            return Ok(());
        }
        self.series(target, &together, points.len())
    }

    /// Writes the files of a time series.
    fn series(&mut self, target: &Target<'_>, formats: &[LabelFormat], points: usize) -> Result<(), Failure> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let Points { labels, shape, shown, reports } = std::mem::take(&mut current.points);
        let (slices, [height, width]) = match shape[..] {
            [slices, height, width] => (Some(slices), [height, width]),
            [height, width] => (None, [height, width]),
            _ => return Ok(()),
        };
        let labels = LabelView::time_points_of(&labels, points, slices, [height, width]).map_err(Failure::run)?;
        self.save_labels(formats, true, target, &target.files, labels)?;
        if self.args.save_overlay {
            target.files.save_overlay(&mut self.outputs, &shown, labels)?;
        }
        reports.iter().try_for_each(|report| self.print(report))
    }

    fn report(&self, target: &Target<'_>, segmented: &Segmented) -> Report {
        Report::new(&target.planned.path, target.item, &target.opened.facts, &target.files.masks(), segmented)
    }

    fn print(&self, report: &Report) -> Result<(), Failure> {
        if self.args.json {
            report.print_json()
        } else if !self.args.quiet && !self.bar.replaces_lines() {
            report.print();
            Ok(())
        } else {
            Ok(())
        }
    }

    /// Saves the results of one image or stack.
    fn save_point(
        &mut self,
        formats: &[LabelFormat],
        with_masks: bool,
        target: &Target<'_>,
        files: &Files,
        images: &[Image],
        segmented: &Segmented,
    ) -> Result<(), Failure> {
        self.save_labels(formats, with_masks, target, files, segmented.labels())?;
        let flows = segmented.flows()?;
        if formats.contains(&LabelFormat::Seg) {
            let channels = self.args.params().channels;
            // The image file that the graphical program opens; it cannot open one image of several.
            let is_alone = target.opened.facts.is_one_item();
            let filename = if is_alone { target.planned.path.display().to_string() } else { String::new() };
            let parts = SegParts {
                labels: segmented.labels(),
                images,
                flows,
                filename: &filename,
                channels: [channels.chan, channels.chan2],
                diameter: segmented.diameter().into(),
            };
            let (path, existing) = self.existing(target, files, LabelFormat::Seg);
            let announce = |hash| lock(&self.journal).output(&path, hash);
            files.save_seg(&mut self.outputs, existing, &parts, announce)?;
        }
        if self.args.measure.is_some() {
            self.save_measurements(target, files, images, segmented)?;
        }
        for kind in self.args.clone().pictures() {
            let picture = kind.picture(images, segmented.labels(), flows.as_ref())?;
            files.save_picture(&mut self.outputs, kind, &picture)?;
        }
        match flows.filter(|_| self.args.save_flows) {
            Some(flows) => files.save_flows(&mut self.outputs, &flows),
            None => Ok(()),
        }
    }

    fn save_measurements(
        &mut self,
        target: &Target<'_>,
        files: &Files,
        images: &[Image],
        segmented: &Segmented,
    ) -> Result<(), Failure> {
        let labels = segmented.labels();
        // A restoration can enlarge the image that is segmented.
        let is_same = |image: &Image| [image.height(), image.width()] == [labels.height(), labels.width()];
        let (images, pixel_size) = if images.iter().all(is_same) {
            (images, target.metadata.pixel_size)
        } else {
            (&[][..], PixelSize::default())
        };
        let regions = Measured { labels, images, outputs: segmented.outputs(), pixel_size }.regions()?;
        let frame = target.item.time.filter(|_| target.series.items().len() > 1);
        files.save_measurements(&mut self.outputs, &Batch::from_regions(&regions, frame))?;
        let root = lock(&self.journal).root().to_path_buf();
        self.table.add(&root, &target.planned.path, files.measurements());
        Ok(())
    }

    fn save_labels(
        &mut self,
        formats: &[LabelFormat],
        with_masks: bool,
        target: &Target<'_>,
        files: &Files,
        labels: LabelView<'_>,
    ) -> Result<(), Failure> {
        let cells = Cells { labels, has_channels: target.item.channels > 1, metadata: &target.metadata };
        let masks = with_masks.then_some(LabelFormat::Tif);
        let others = formats.iter().copied().filter(|format| !matches!(format, LabelFormat::Tif | LabelFormat::Seg));
        masks.into_iter().chain(others).try_for_each(|format| {
            let (path, existing) = self.existing(target, files, format);
            let announce = |hash| lock(&self.journal).output(&path, hash);
            files.save_labels(&mut self.outputs, existing, (format, cells), announce)
        })
    }

    /// The path of a label file, and the treatment of a file that is there now.
    fn existing(&self, target: &Target<'_>, files: &Files, format: LabelFormat) -> (PathBuf, Existing) {
        let (path, input) = (files.labels(format), &target.planned.path);
        let is_kept = self.args.keeps(format) && plan::may_be_corrected(&path, input, &lock(&self.journal));
        (path, if is_kept { Existing::Keep } else { Existing::Replace })
    }
}
