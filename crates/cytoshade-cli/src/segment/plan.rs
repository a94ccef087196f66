//! Checks every input before the first image is computed: its header, its record, and the names of its results.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use cytoshade_formats::{Header, Item};
use cytoshade_safe_io::printable_path;
use rayon::prelude::*;

use super::args::Segment;
use crate::discover::InputFile;
use crate::failure::Failure;
use crate::inputs::{TimeSeries, stems, time_series};
use crate::interrupt;
use crate::label_format::LabelFormat;
use crate::manifest::{InputRecord, Journal, relative};
use crate::output::Files;
use crate::outputs::Outputs;

/// An input whose header was read without an error.
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
    pub(super) done: Vec<(String, InputRecord)>,
    /// The number of complete inputs with an output that was changed since.
    pub(super) changed: usize,
    /// The number of inputs that an interruption left unchecked.
    pub(super) unchecked: usize,
    /// The folders of the results of all inputs, complete ones too.
    pub(super) folders: BTreeSet<PathBuf>,
}

impl Plan {
    /// The number of inputs.
    pub(super) fn inputs(&self) -> usize {
        self.ready.len() + self.failed.len() + self.done.len() + self.unchecked
    }
}

/// An input that was checked, with its header.
enum Checked {
    /// Complete by its record, which has this key; and true if an output was changed since.
    Done(Header, String, InputRecord, bool),
    Ready(Header),
    /// An interruption came before it was checked.
    Unchecked,
}

impl Checked {
    fn siblings(&self) -> &[PathBuf] {
        match self {
            Checked::Done(header, ..) | Checked::Ready(header) => &header.siblings,
            Checked::Unchecked => &[],
        }
    }
}

/// The files that belong to the inputs so far.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// The input of each result.
    results: HashMap<PathBuf, PathBuf>,
    /// The input of each other file of its set.
    members: HashMap<PathBuf, InputFile>,
}

/// Fails if two inputs have the same stem and folder.
pub(super) fn check_names(files: &[InputFile], args: &Segment) -> Result<(), Failure> {
    let paths: Vec<&Path> = files.iter().map(|file| file.path.as_path()).collect();
    let folder = |index: usize| files.get(index).map(|file| folder_of(file, args)).unwrap_or_default();
    stems(&paths, folder, LabelFormat::Tif.ending()).map(drop)
}

fn folder_of(file: &InputFile, args: &Segment) -> PathBuf {
    file.result_folder(args.output.as_deref())
}

/// Checks the inputs, and protects all files of their sets. The files of one set count as one input. An input fails if
/// another one claims its results.
pub(super) fn plan(
    files: &[InputFile],
    args: &Segment,
    outputs: &mut Outputs,
    journal: &Journal,
    claims: &mut Claims,
) -> Plan {
    let files = with_sets(files, claims);
    let checked: Vec<Result<Checked, Failure>> =
        files.par_iter().map(|file| check_input(file, args, journal)).collect();
    for sibling in checked.iter().flatten().flat_map(Checked::siblings) {
        outputs.keep(sibling, "an input");
    }
    let mut plan = Plan::default();
    for (file, checked) in files.iter().zip(checked) {
        let folder = folder_of(file, args);
        let stem = file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // Read with an earlier file of its set.
        if file.below.is_some() && claims.members.contains_key(&file.path) {
            continue;
        }
        plan.folders.insert(folder.clone());
        let header = match checked {
            Ok(Checked::Done(header, key, record, is_changed)) => {
                claims.members.extend(header.siblings.into_iter().map(|sibling| (sibling, file.clone())));
                plan.done.push((key, record));
                plan.changed += usize::from(is_changed);
                continue;
            }
            Ok(Checked::Ready(header)) => header,
            Ok(Checked::Unchecked) => {
                plan.unchecked += 1;
                continue;
            }
            Err(failure) => {
                plan.failed.push((file.path.clone(), failure));
                continue;
            }
        };
        claims.members.extend(header.siblings.iter().map(|sibling| (sibling.clone(), file.clone())));
        let names = results(args, &folder, &stem, &header.items);
        let checked = names.iter().try_for_each(|result| {
            check_result(result, &file.path, outputs, journal)?;
            match claims.results.get(&result.path).filter(|input| **input != file.path) {
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
        claims.results.extend(names.into_iter().map(|result| (result.path, file.path.clone())));
        let pixels = |item: &Item| {
            [item.height, item.width]
                .iter()
                .fold(item.slices as u64, |pixels, &side| pixels.saturating_mul(side as u64))
        };
        plan.ready.push(Planned {
            path: file.path.clone(),
            siblings: header.siblings,
            folder,
            stem,
            images: header.items.len(),
            pixels: header.items.iter().map(pixels).fold(0, u64::saturating_add),
        });
    }
    plan
}

/// The inputs. A member of a set that an earlier part of the run found stands for the whole set.
fn with_sets(files: &[InputFile], claims: &Claims) -> Vec<InputFile> {
    let mut known = HashSet::new();
    let whole = |file: &InputFile| claims.members.get(&file.path).filter(|_| file.below.is_some()).cloned();
    let inputs = files.iter().map(|file| whole(file).unwrap_or_else(|| file.clone()));
    // A file that is named twice is an error of its results.
    inputs.filter(|file| known.insert(file.path.clone()) || file.below.is_none()).collect()
}

/// Reads the header of an input, and searches the manifest for its record.
fn check_input(file: &InputFile, args: &Segment, journal: &Journal) -> Result<Checked, Failure> {
    if interrupt::is_interrupted() {
        return Ok(Checked::Unchecked);
    }
    let path = &file.path;
    let header = args.read.header(path, args.is_stack(), &args.isolate)?;
    if args.skip_done
        && let Some(key) = relative(journal.root(), path)
        && journal.manifest().inputs.contains_key(&key)
    {
        let files = std::iter::once(path).chain(&header.siblings).map(PathBuf::as_path);
        let hash = crate::hash::of_files(files).map_err(|error| Failure::at(path, error))?;
        if let Some((record, is_changed)) = journal.manifest().done(journal.root(), &key, hash, journal.run()) {
            let record = record.clone();
            return Ok(Checked::Done(header, key, record, is_changed));
        }
    }
    Ok(Checked::Ready(header))
}

/// A result of an input.
struct ResultFile {
    path: PathBuf,
    /// True if it may hold corrections by hand; see [`Segment::keeps`].
    is_kept: bool,
}

/// The results of an input's items.
fn results(args: &Segment, folder: &Path, stem: &str, items: &[Item]) -> Vec<ResultFile> {
    let mut results = Vec::new();
    for series in time_series(items) {
        let files = Files::new(folder, &series.stem(stem), series.page());
        let mut add = |files: &Files, format: LabelFormat| {
            results.push(ResultFile { path: files.labels(format), is_kept: args.keeps(format) });
        };
        add(&files, LabelFormat::Tif);
        let (together, apart) = formats(args, &series);
        together.iter().filter(|format| **format != LabelFormat::Tif).for_each(|format| add(&files, *format));
        let points = point_files(folder, stem, &series);
        for files in &points {
            apart.iter().for_each(|format| add(files, *format));
        }
        let mut add = |path: PathBuf| results.push(ResultFile { path, is_kept: false });
        if args.save_flows {
            points.iter().map(Files::flows).for_each(&mut add);
        }
        if args.measure.is_some() {
            points.iter().map(Files::measurements).for_each(&mut add);
        }
        for kind in args.pictures() {
            points.iter().map(|files| files.picture(kind)).for_each(&mut add);
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
fn check_result(result: &ResultFile, input: &Path, outputs: &Outputs, journal: &Journal) -> Result<(), Failure> {
    let path = &result.path;
    if result.is_kept && may_be_corrected(path, input, journal) {
        return Err(Failure::run(format!(
            "{} exists and may hold corrections by hand; pass another folder with --output, or --replace to lose them",
            printable_path(path)
        )));
    }
    outputs.check(path)
}

/// True if a file exists that a person may have corrected: no record of the input shows that nobody changed it.
pub(super) fn may_be_corrected(path: &Path, input: &Path, journal: &Journal) -> bool {
    path.symlink_metadata().is_ok() && !journal.manifest().is_untouched(journal.root(), path, input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_file_of_a_set_stands_for_the_whole() {
        let file = |name: &str, below: Option<&str>| InputFile { path: name.into(), below: below.map(PathBuf::from) };
        let [first, second, other] = ["a/1.tif", "a/2.tif", "a/3.tif"].map(|name| file(name, Some("a")));
        let mut claims = Claims::default();
        claims.members.insert(second.path.clone(), first.clone());
        let files = [second.clone(), other.clone(), first.clone()];
        assert_eq!(with_sets(&files, &claims), [first, other]);
        let named = [file("a/2.tif", None), file("a/2.tif", None)];
        assert_eq!(with_sets(&named, &claims), named, "a file that is named itself");
    }
}
