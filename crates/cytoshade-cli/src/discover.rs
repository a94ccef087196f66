//! The files that a run is given: named files, the images of folders, and the matches of patterns.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use clap::Args;
use cytoshade_formats::Format;
use cytoshade_safe_io::{folder_of, printable, printable_path};
use globset::{GlobBuilder, GlobMatcher};
use walkdir::{DirEntry, WalkDir};

use crate::endings::is_result;
use crate::failure::Failure;
use crate::report::warn;

/// Options that choose files from folders and patterns.
#[derive(Debug, Args)]
pub(crate) struct FolderArgs {
    /// Take the images of subfolders too
    #[arg(long)]
    pub(crate) recursive: bool,
    /// Of folders and patterns, take only files whose name matches PATTERN, such as '*_ch1*'. A pattern with a slash is
    /// compared with the path below the folder. Of several --filter options, one must match
    #[arg(long, value_name = "PATTERN", value_parser = Pattern::new)]
    filter: Vec<Pattern>,
    /// Of folders and patterns, leave out the files and subfolders that match PATTERN, compared as for --filter
    #[arg(long, value_name = "PATTERN", value_parser = Pattern::new)]
    exclude: Vec<Pattern>,
}

/// A pattern of file names or of paths.
#[derive(Clone, Debug)]
struct Pattern {
    matcher: GlobMatcher,
    /// True if it is compared with the path below the folder.
    is_path: bool,
}

impl Pattern {
    fn new(text: &str) -> Result<Self, String> {
        Ok(Self { matcher: glob(text)?, is_path: text.contains('/') })
    }

    fn matches(&self, below: &Path) -> bool {
        if self.is_path {
            self.matcher.is_match(below)
        } else {
            below.file_name().is_some_and(|name| self.matcher.is_match(name))
        }
    }
}

/// `*` and `?` match within a name, `**` any number of folders.
fn glob(text: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(text).literal_separator(true).build().map_err(|error| error.to_string())?;
    Ok(glob.compile_matcher())
}

/// A file to process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InputFile {
    pub(crate) path: PathBuf,
    /// The file's folder below [`Inputs::root`]; `None` for a file that was named itself.
    pub(crate) below: Option<PathBuf>,
}

impl InputFile {
    /// The folder of the results: below `output`, or the file's own.
    pub(crate) fn result_folder(&self, output: Option<&Path>) -> PathBuf {
        match (output, &self.below) {
            (Some(output), Some(below)) => output.join(below),
            (Some(output), None) => output.to_path_buf(),
            (None, _) => folder_of(&self.path).to_path_buf(),
        }
    }
}

/// The files of a run.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// In the order of the arguments; the files of a folder in the natural order of their paths (2 before 10).
    pub(crate) files: Vec<InputFile>,
    /// The deepest folder that contains all folders of the arguments.
    pub(crate) root: PathBuf,
    /// True if an argument is a folder or a pattern.
    pub(crate) is_collection: bool,
    /// The number of results in the folders, which are left out.
    pub(crate) results: usize,
}

/// An argument, and the files that it stands for.
struct Argument {
    /// The folder of the argument: itself, the fixed part of a pattern, or the folder of a file.
    folder: PathBuf,
    found: Found,
    is_file: bool,
}

/// The images in a folder.
#[derive(Default)]
struct Found {
    /// Paths below the folder.
    files: Vec<PathBuf>,
    /// The number of results, which are left out.
    results: usize,
}

impl Found {
    fn add(&mut self, entry: &DirEntry, below: PathBuf, options: &FolderArgs) {
        if is_chosen(entry, &below, options) {
            if is_result(&below) {
                self.results += 1;
            } else {
                self.files.push(below);
            }
        }
    }

    /// In natural order, each file once.
    fn sorted(mut self) -> Self {
        self.files.sort_by(|a, b| alphanumeric_sort::compare_path(a, b));
        self.files.dedup();
        self
    }
}

/// Finds the files of the arguments.
///
/// Left out of folders and patterns: files without an extension of an image format, hidden files and folders, and the
/// results of Cytoshade and Cellpose. Links to folders are followed, except in a loop.
///
/// # Errors
/// Fails if a folder or a pattern yields no file, and on Windows if the arguments are on several drives.
pub(crate) fn discover(arguments: &[PathBuf], options: &FolderArgs) -> Result<Inputs, Failure> {
    let arguments = arguments.iter().map(|path| argument(path, options)).collect::<Result<Vec<_>, _>>()?;
    in_order(arguments)
}

/// The images that are in folders now, maybe none.
///
/// # Errors
/// Fails on Windows if the folders are on several drives.
pub(crate) fn images_in(folders: &[PathBuf], options: &FolderArgs) -> Result<Inputs, Failure> {
    let argument =
        |folder: &PathBuf| Argument { folder: folder.clone(), found: images(folder, options), is_file: false };
    in_order(folders.iter().map(argument).collect())
}

/// The files of the arguments in their order, each with its place below the common folder.
fn in_order(arguments: Vec<Argument>) -> Result<Inputs, Failure> {
    let root_of = |arguments: &mut dyn Iterator<Item = &Argument>| {
        common_folder(arguments.filter_map(|argument| absolute(&argument.folder)))
    };
    let root = root_of(&mut arguments.iter())?.unwrap_or_else(|| PathBuf::from("."));
    // Named files do not change the structure below the output folder.
    let structure = root_of(&mut arguments.iter().filter(|argument| !argument.is_file))?.unwrap_or_default();
    let is_collection = arguments.iter().any(|argument| !argument.is_file);
    let results = arguments.iter().map(|argument| argument.found.results).sum();
    let mut files = Vec::new();
    let mut known = HashSet::new();
    for Argument { folder, found, is_file } in arguments {
        let above = absolute(&folder).and_then(|folder| Some(folder.strip_prefix(&structure).ok()?.to_path_buf()));
        for below in found.files {
            let path = folder.join(&below);
            let below =
                (!is_file).then(|| above.clone().unwrap_or_default().join(below.parent().unwrap_or(Path::new(""))));
            // A file that is named twice is an error, which the names of the results report.
            if known.insert(identity(&path)) || is_file {
                files.push(InputFile { path, below });
            }
        }
    }
    Ok(Inputs { files, root, is_collection, results })
}

/// The path of a file, equal for all spellings of its folder. A link to a file is a file of its own.
fn identity(path: &Path) -> PathBuf {
    let folder = absolute(path.parent().unwrap_or(Path::new("")));
    folder.zip(path.file_name()).map_or_else(|| path.to_path_buf(), |(folder, name)| folder.join(name))
}

/// The folder of an argument: itself, the fixed part of a pattern, or the folder of a file.
pub(crate) fn folder_of_argument(path: &Path) -> PathBuf {
    if path.is_dir() {
        path.to_path_buf()
    } else if is_pattern(path) {
        path.components().take_while(is_fixed).collect()
    } else {
        // Empty for a plain name: messages do not repeat a ".".
        path.parent().unwrap_or(Path::new("")).to_path_buf()
    }
}

/// The characters that make a name a pattern, unless a file has this name.
const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];

fn is_pattern(path: &Path) -> bool {
    !path.exists() && path.to_str().is_some_and(|text| text.contains(WILDCARDS))
}

fn is_fixed(part: &Component<'_>) -> bool {
    !part.as_os_str().to_string_lossy().contains(WILDCARDS)
}

fn argument(path: &Path, options: &FolderArgs) -> Result<Argument, Failure> {
    let folder = folder_of_argument(path);
    if path.is_dir() {
        let found = images(path, options);
        if found.files.is_empty() {
            let more = if options.recursive { "" } else { ", or pass --recursive to search its subfolders" };
            return Err(Failure::usage(format!(
                "the folder {} holds no image to segment; check its path and the --filter and --exclude options{more}",
                printable_path(path)
            )));
        }
        return Ok(Argument { folder, found, is_file: false });
    }
    if is_pattern(path) {
        return matches(path, folder, options);
    }
    let name = path.file_name().map(PathBuf::from).unwrap_or_else(|| path.to_path_buf());
    Ok(Argument { folder, found: Found { files: vec![name], results: 0 }, is_file: true })
}

/// The images of a folder, and of its subfolders with `--recursive`, as paths below it in natural order.
fn images(folder: &Path, options: &FolderArgs) -> Found {
    let depth = if options.recursive { usize::MAX } else { 1 };
    let mut found = Found::default();
    walk(folder, depth, options).for_each(|(entry, below)| found.add(&entry, below, options));
    found.sorted()
}

/// The images that a pattern matches. A folder that it matches stands for its images.
fn matches(pattern: &Path, folder: PathBuf, options: &FolderArgs) -> Result<Argument, Failure> {
    let rest: Vec<String> =
        pattern.components().skip_while(is_fixed).map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let refuse = |what: String| Failure::usage(format!("{}: {what}", printable_path(pattern)));
    let matcher = glob(&rest.join("/")).map_err(refuse)?;
    let depth = if rest.iter().any(|part| part.contains("**")) { usize::MAX } else { rest.len() };
    let mut found = Found::default();
    for (entry, below) in walk(&folder, depth, options).filter(|(_, below)| matcher.is_match(below)) {
        if entry.file_type().is_dir() {
            let Found { files, results } = images(entry.path(), options);
            found.files.extend(files.into_iter().map(|file| below.join(file)));
            found.results += results;
        } else {
            found.add(&entry, below, options);
        }
    }
    if found.files.is_empty() {
        return Err(refuse("no image matches this pattern; check it and the --filter and --exclude options".into()));
    }
    Ok(Argument { folder, found: found.sorted(), is_file: false })
}

/// The entries of a folder that are neither hidden nor excluded, with their paths below it.
fn walk<'o>(
    folder: &Path,
    depth: usize,
    options: &'o FolderArgs,
) -> impl Iterator<Item = (DirEntry, PathBuf)> + use<'o> {
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_path_buf() };
    let below = {
        let folder = folder.clone();
        move |entry: &DirEntry| entry.path().strip_prefix(&folder).unwrap_or(entry.path()).to_path_buf()
    };
    let is_taken = {
        let below = below.clone();
        move |entry: &DirEntry| {
            entry.depth() == 0
                || !(is_hidden(entry.file_name())
                    || options.exclude.iter().any(|pattern| pattern.matches(&below(entry))))
        }
    };
    let entries = WalkDir::new(folder).follow_links(true).min_depth(1).max_depth(depth).into_iter();
    entries.filter_entry(is_taken).filter_map(move |entry| match entry {
        Ok(entry) => {
            let below = below(&entry);
            Some((entry, below))
        }
        // A link to a folder above it, whose images are found there.
        Err(error) if error.loop_ancestor().is_some() => None,
        Err(error) => {
            warn(format_args!("a part of a folder is left out: {}", printable(error.to_string())));
            None
        }
    })
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn is_chosen(entry: &DirEntry, below: &Path, options: &FolderArgs) -> bool {
    let is_wanted = options.filter.is_empty() || options.filter.iter().any(|pattern| pattern.matches(below));
    entry.file_type().is_file() && is_wanted && is_image(below)
}

fn is_image(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).and_then(Format::from_extension).is_some()
}

fn absolute(folder: &Path) -> Option<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    std::fs::canonicalize(folder).ok()
}

/// The deepest folder that contains all of these absolute folders.
///
/// # Errors
/// Fails if there is none: Windows has a root for each drive.
fn common_folder(mut folders: impl Iterator<Item = PathBuf>) -> Result<Option<PathBuf>, Failure> {
    let Some(first) = folders.next() else { return Ok(None) };
    let common = folders.fold(first, |common: PathBuf, folder| {
        common.components().zip(folder.components()).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
    });
    if common.as_os_str().is_empty() {
        return Err(Failure::usage("the inputs are on several drives; run the command once for each drive"));
    }
    Ok(Some(common))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(recursive: bool, filter: &[&str], exclude: &[&str]) -> FolderArgs {
        let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::new(text).unwrap()).collect();
        FolderArgs { recursive, filter: patterns(filter), exclude: patterns(exclude) }
    }

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    /// The paths below `folder` that an argument stands for.
    fn found(folder: &Path, argument: &str, options: &FolderArgs) -> Vec<String> {
        let inputs = discover(&[folder.join(argument)], options).unwrap();
        let below = |file: InputFile| file.path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
        inputs.files.into_iter().map(below).collect()
    }

    #[test]
    fn folders_hold_images_in_natural_order() {
        let folder = folder(&[
            "t10.tif",
            "t2.tif",
            "t1.PNG",
            "sub/a.tif",
            ".hidden.tif",
            ".cache/a.tif",
            "notes.txt",
            "t2_cp_masks.tif",
            "t2_seg.npy",
            "t2_flows.npy",
            "t2_overlay.png",
            "t2_restored.tif",
            "t2_flows_0.tif",
            "old/b_masks.png",
            "cytoshade-run.json",
        ]);
        assert_eq!(found(folder.path(), "", &options(false, &[], &[])), ["t1.PNG", "t2.tif", "t10.tif"]);
        assert_eq!(found(folder.path(), "", &options(true, &[], &["t1*"])), ["sub/a.tif", "t2.tif"]);
        assert_eq!(
            found(folder.path(), "", &options(true, &["t?.*", "sub/*"], &[])),
            ["sub/a.tif", "t1.PNG", "t2.tif"]
        );
        assert_eq!(found(folder.path(), "", &options(true, &[], &["sub", "*.PNG"])), ["t2.tif", "t10.tif"]);
        // The results among the files that the filter chooses are counted.
        let inputs = |filter: &[&str]| discover(&[folder.path().into()], &options(false, filter, &[])).unwrap();
        assert_eq!((inputs(&[]).results, inputs(&["t*.png", "t2.*", "*.tif"]).results), (6, 4));
        // A result that is named is taken.
        assert_eq!(found(folder.path(), "t2_cp_masks.tif", &options(false, &[], &[])), ["t2_cp_masks.tif"]);
        let none = discover(&[folder.path().join("old")], &options(false, &[], &[])).unwrap_err();
        assert!(format!("{none:?}").contains("holds no image"), "{none:?}");
    }

    #[test]
    fn patterns_match_within_names_and_across_folders() {
        let folder = folder(&["p1/t2.tif", "p1/t10.tif", "p1/x.png", "p2/t3.tif", "p2/deep/t4.tif", "[odd].tif"]);
        let all = options(false, &[], &[]);
        assert_eq!(found(folder.path(), "p*/t*.tif", &all), ["p1/t2.tif", "p1/t10.tif", "p2/t3.tif"]);
        assert_eq!(found(folder.path(), "**/t*.tif", &all), ["p1/t2.tif", "p1/t10.tif", "p2/deep/t4.tif", "p2/t3.tif"]);
        assert_eq!(found(folder.path(), "p?", &all), ["p1/t2.tif", "p1/t10.tif", "p1/x.png", "p2/t3.tif"]);
        // A file that exists is no pattern.
        assert_eq!(found(folder.path(), "[odd].tif", &all), ["[odd].tif"]);
        let none = discover(&[folder.path().join("*.jpg")], &all).unwrap_err();
        assert!(format!("{none:?}").contains("no image matches"), "{none:?}");
    }

    #[test]
    fn results_keep_the_structure_of_folders() {
        let folder = folder(&["a/x.tif", "b/x.tif", "b/c/x.tif"]);
        let results = |arguments: &[&str], output: Option<&Path>| {
            let arguments: Vec<PathBuf> = arguments.iter().map(|argument| folder.path().join(argument)).collect();
            let inputs = discover(&arguments, &options(true, &[], &[])).unwrap();
            inputs.files.iter().map(|file| file.result_folder(output)).collect::<Vec<_>>()
        };
        let out = Path::new("out");
        assert_eq!(results(&["a", "b"], Some(out)), ["out/a", "out/b/c", "out/b"].map(PathBuf::from));
        assert_eq!(results(&["b"], Some(out)), ["out/c", "out/"].map(PathBuf::from));
        assert_eq!(results(&["a/x.tif", "b/c"], Some(out)), ["out", "out/"].map(PathBuf::from));
        assert_eq!(results(&["b/c"], None), [folder.path().join("b/c")]);
    }

    #[test]
    fn a_file_is_taken_once_by_all_spellings_of_its_folder() {
        let folder = folder(&["a/x.tif", "b/y.tif"]);
        let arguments = ["a", "a/../a", "a/*.tif", "b"].map(|argument| folder.path().join(argument));
        let inputs = discover(&arguments, &options(false, &[], &[])).unwrap();
        let names: Vec<_> = inputs.files.iter().map(|file| file.path.file_name().unwrap()).collect();
        assert_eq!(names, ["x.tif", "y.tif"]);
    }

    #[test]
    fn folders_without_a_common_one_are_refused() {
        // Relative paths stand for those of two drives.
        let common = |folders: &[&str]| common_folder(folders.iter().map(PathBuf::from));
        assert_eq!(common(&["c/a/b", "c/a/d"]).unwrap(), Some("c/a".into()));
        assert_eq!(common(&[]).unwrap(), None);
        assert!(common(&["c/a", "d/a"]).unwrap_err().to_string().contains("several drives"));
    }

    #[cfg(unix)]
    #[test]
    fn links_to_folders_are_followed_without_a_loop() {
        let folder = folder(&["a/x.tif"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("a/x.tif"), folder.path().join("a/y.tif")).unwrap();
        assert_eq!(found(folder.path(), "", &options(true, &[], &[])), ["a/x.tif", "a/y.tif"]);
    }
}
