//! Checks every input before the first image is computed: its header, its record, and the names of its results.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use cytoshade_formats::{Header, Item};
use cytoshade_safe_io::printable_path;
use rayon::prelude::*;

use super::args::Segment;
use crate::discover::InputFile;
use crate::failure::Failure;
use crate::inputs::{TimeSeries, stems, time_series};
use crate::label_format::LabelFormat;
use crate::manifest::{InputRecord, Journal, relative};
use crate::output::Files;
use crate::outputs::Outputs;

/// An input that can be segmented, as far as its header tells.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) path: PathBuf,
    /// The other files of its set.
    pub(super) siblings: Vec<PathBuf>,
    /// The folder of its results.
    pub(super) folder: PathBuf,
    pub(super) stem: String,
    /// The number of its images, stacks and time points.
    pub(super) images: usize,
    /// Samples of one channel.
    pub(super) pixels: u64,
}

impl Planned {
    /// The files of the input.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.path).chain(&self.siblings).map(PathBuf::as_path)
    }
}

/// The inputs of a run.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) ready: Vec<Planned>,
    pub(super) failed: Vec<(PathBuf, Failure)>,
    /// Complete by the manifest.
    pub(super) done: Vec<InputRecord>,
}

/// The answer of [`look`].
enum Look {
    Done(Header, InputRecord),
    Ready(Header),
}

/// The results of the inputs so far, each with its input.
pub(super) type Claims = HashMap<PathBuf, PathBuf>;

/// Fails if two inputs have the same stem and folder.
pub(super) fn check_names(files: &[InputFile], args: &Segment) -> Result<(), Failure> {
    let paths: Vec<&Path> = files.iter().map(|file| file.path.as_path()).collect();
    let folder = |index: usize| files.get(index).map(|file| folder_of(file, args)).unwrap_or_default();
    stems(&paths, folder, LabelFormat::Tif.ending()).map(drop)
}

fn folder_of(file: &InputFile, args: &Segment) -> PathBuf {
    file.result_folder(args.output.as_deref())
}

/// Checks the inputs. Those of one set of files count as one. An input fails if another one claims its results.
pub(super) fn plan(
    files: &[InputFile],
    args: &Segment,
    outputs: &Outputs,
    journal: &Journal,
    claims: &mut Claims,
) -> Plan {
    let looks: Vec<Result<Look, Failure>> = files.par_iter().map(|file| look(file, args, journal)).collect();
    let mut plan = Plan::default();
    let mut members: HashSet<PathBuf> = HashSet::new();
    for (file, look) in files.iter().zip(looks) {
        let folder = folder_of(file, args);
        let stem = file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // Read with an earlier file of its set.
        if file.below.is_some() && members.contains(&file.path) {
            continue;
        }
        let header = match look {
            Ok(Look::Done(header, record)) => {
                members.extend(header.siblings);
                plan.done.push(record);
                continue;
            }
            Ok(Look::Ready(header)) => header,
            Err(failure) => {
                plan.failed.push((file.path.clone(), failure));
                continue;
            }
        };
        members.extend(header.siblings.iter().cloned());
        let names = results(args, &folder, &stem, &header.items);
        let checked = names.iter().try_for_each(|result| {
            check(result, args, outputs, journal)?;
            match claims.get(&result.path).filter(|input| **input != file.path) {
                Some(_) => Err(Failure::run(format!(
                    "{} is another result of this run; use another folder",
                    printable_path(&result.path)
                ))),
                None => Ok(()),
            }
        });
        if let Err(failure) = checked {
            plan.failed.push((file.path.clone(), failure.about(&file.path)));
            continue;
        }
        claims.extend(names.into_iter().map(|result| (result.path, file.path.clone())));
        let pixels = |item: &Item| item.slices as u64 * item.height as u64 * item.width as u64;
        plan.ready.push(Planned {
            path: file.path.clone(),
            siblings: header.siblings,
            folder,
            stem,
            images: header.items.len(),
            pixels: header.items.iter().map(pixels).sum(),
        });
    }
    plan
}

/// Reads the header of an input, unless the manifest states that it is done.
fn look(file: &InputFile, args: &Segment, journal: &Journal) -> Result<Look, Failure> {
    let path = &file.path;
    let header = args.read.header(path, args.is_stack(), &args.isolate)?;
    if args.skip_done
        && let Some(key) = relative(journal.root(), path)
        && journal.manifest().inputs.contains_key(&key)
    {
        let files = std::iter::once(path).chain(&header.siblings).map(PathBuf::as_path);
        let hash = crate::hash::of_files(files).map_err(|error| Failure::at(path, error))?;
        if let Some(record) = journal.manifest().done(journal.root(), &key, hash, journal.settings()) {
            return Ok(Look::Done(header, record.clone()));
        }
    }
    Ok(Look::Ready(header))
}

/// A result of an input.
struct ResultFile {
    path: PathBuf,
    /// True for a file that a person can correct.
    is_seg: bool,
}

/// The results of an input's items.
fn results(args: &Segment, folder: &Path, stem: &str, items: &[Item]) -> Vec<ResultFile> {
    let mut results = Vec::new();
    for series in time_series(items) {
        let files = Files::new(folder, &series.stem(stem), series.page());
        let mut add = |files: &Files, format: LabelFormat| {
            results.push(ResultFile { path: files.labels(format), is_seg: format == LabelFormat::Seg });
        };
        add(&files, LabelFormat::Tif);
        let (together, apart) = formats(args, &series);
        together.iter().filter(|format| **format != LabelFormat::Tif).for_each(|format| add(&files, *format));
        let points = point_files(folder, stem, &series);
        for files in &points {
            apart.iter().for_each(|format| add(files, *format));
        }
        let mut add = |path: PathBuf| results.push(ResultFile { path, is_seg: false });
        if args.save_flows {
            points.iter().map(Files::flows).for_each(&mut add);
        }
        if args.save_overlay {
            let is_one_image = matches!(series.items(), [item] if item.slices == 1);
            add(files.overlay(!is_one_image));
        }
    }
    results
}

/// The formats that hold all time points of a series, and those that hold one.
pub(super) fn formats(args: &Segment, series: &TimeSeries<'_>) -> (Vec<LabelFormat>, Vec<LabelFormat>) {
    args.formats().partition(|format| series.items().len() > 1 && format.holds_time_series())
}

/// The files of each time point: STEM_t0 and so on; those of the series if it has one time point.
pub(super) fn point_files(folder: &Path, stem: &str, series: &TimeSeries<'_>) -> Vec<Files> {
    let is_series = series.items().len() > 1;
    let point = |item: &Item| {
        let stem = series.stem(stem);
        let stem = if is_series { format!("{stem}_t{}", item.time.unwrap_or(0)) } else { stem };
        Files::new(folder, &stem, series.page())
    };
    series.items().iter().map(point).collect()
}

/// Fails if a result could not be written after the computation.
fn check(result: &ResultFile, args: &Segment, outputs: &Outputs, journal: &Journal) -> Result<(), Failure> {
    let path = &result.path;
    if result.is_seg && !may_replace_seg(path, args, journal) {
        return Err(Failure::run(format!(
            "{} exists and may hold corrections by hand; use another folder, or --replace-seg to lose them",
            printable_path(path)
        )));
    }
    outputs.check(path)
}

/// True if no `_seg.npy` exists that a person may have corrected.
pub(super) fn may_replace_seg(path: &Path, args: &Segment, journal: &Journal) -> bool {
    args.replace_seg || path.symlink_metadata().is_err() || journal.manifest().is_untouched(journal.root(), path)
}
