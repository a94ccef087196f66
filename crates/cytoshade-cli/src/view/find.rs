//! The results in a folder, and the images that they belong to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cytoshade_formats::Format;
use cytoshade_safe_io::{printable, printable_path};
use walkdir::WalkDir;

use crate::endings::{FLOWS, LABELS, MEASUREMENTS};
use crate::failure::Failure;
use crate::report::warn;

/// The files of one image.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResultFiles {
    /// The stem of the results, with the folder below the one that is viewed.
    pub(super) name: String,
    pub(super) labels: PathBuf,
    pub(super) image: Option<PathBuf>,
    /// The measurements that `segment --measure` wrote.
    pub(super) measurements: Option<PathBuf>,
    /// The flows that `segment --save-flows` wrote.
    pub(super) flows: Option<PathBuf>,
}

/// Levels of folders that are searched.
const MAX_DEPTH: usize = 17;

/// The files of a folder by name.
type Names = BTreeMap<String, PathBuf>;

/// The results in a folder and the folders in it, by ascending name. Links to folders are not followed.
pub(super) fn results(folder: &Path, images: Option<&Path>) -> Result<Vec<ResultFiles>, Failure> {
    // By the folder below the one that is viewed.
    let mut folders: BTreeMap<PathBuf, Names> = BTreeMap::new();
    for entry in WalkDir::new(folder).min_depth(1).max_depth(MAX_DEPTH) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => {
                return Err(Failure::run(format!(
                    "cannot list {}: {}",
                    printable_path(folder),
                    printable(error.to_string())
                )));
            }
            Err(error) => {
                warn(format_args!("a part of a folder is left out: {}", printable(error.to_string())));
                continue;
            }
        };
        if let (false, Some(name)) = (entry.file_type().is_dir(), entry.file_name().to_str()) {
            let parent = entry.path().parent().and_then(|parent| parent.strip_prefix(folder).ok());
            let below = parent.unwrap_or(Path::new("")).to_path_buf();
            folders.entry(below).or_default().insert(name.to_owned(), entry.into_path());
        }
    }
    let mut results: Vec<ResultFiles> =
        folders.iter().flat_map(|(below, files)| of_folder(files, below, images)).collect();
    if results.is_empty() {
        let endings = LABELS.join(", ");
        return Err(Failure::run(format!("{} holds no results: no file ends with {endings}", printable_path(folder))));
    }
    results.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(results)
}

/// The results among the files of one folder, which is `below` the one that is viewed.
fn of_folder(files: &Names, below: &Path, images: Option<&Path>) -> Vec<ResultFiles> {
    let mut stems: BTreeMap<&str, (usize, &PathBuf)> = BTreeMap::new();
    for (name, path) in files {
        let ending = LABELS.iter().enumerate().find_map(|(rank, ending)| Some((rank, name.strip_suffix(ending)?)));
        if let Some((rank, stem)) = ending.filter(|(_, stem)| !stem.is_empty() && !stem.starts_with('.')) {
            let best = stems.entry(stem).or_insert((rank, path));
            if rank < best.0 {
                *best = (rank, path);
            }
        }
    }
    let beside_images = images.map(|folder| names_in(&folder.join(below)));
    let result = |(stem, (_, labels)): (&str, (usize, &PathBuf))| {
        let beside = |ending: &str| files.get(&format!("{stem}{ending}")).cloned();
        ResultFiles {
            name: below.join(stem).display().to_string(),
            labels: labels.clone(),
            image: image(beside_images.as_ref().unwrap_or(files), stem),
            measurements: beside(MEASUREMENTS),
            flows: beside(FLOWS),
        }
    };
    stems.into_iter().map(result).collect()
}

/// The image of a stem: its name is the stem and the extension of an image format, or `.ome` and the extension.
fn image(files: &Names, stem: &str) -> Option<PathBuf> {
    let is_image = |name: &str| {
        let rest = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.'));
        let extension = rest.map(|rest| rest.strip_prefix("ome.").unwrap_or(rest));
        extension.and_then(Format::from_extension).is_some()
    };
    let mut named = files.range(format!("{stem}.")..).take_while(|(name, _)| name.starts_with(stem));
    named.find(|(name, _)| is_image(name)).map(|(_, path)| path.clone())
}

/// The files of a folder; none if it cannot be listed.
fn names_in(folder: &Path) -> Names {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path| path.is_file());
    files.filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_found_with_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let labels = file("a_cp_masks.tif");
        let image = file("a.png");
        for other in ["a_seg.npy", "a_flows.npy", "a_measurements.csv", "notes.txt", "b.tif"] {
            file(other);
        }
        let deep = file("day 1/c_seg.npy");
        let elsewhere = file("images/day 1/c.ome.tif");
        let found = results(folder.path(), None).unwrap();
        let names: Vec<&str> = found.iter().map(|result| result.name.as_str()).collect();
        assert_eq!(names, ["a", &Path::new("day 1").join("c").display().to_string()]);
        assert_eq!((&found[0].labels, found[0].image.as_ref()), (&labels, Some(&image)));
        assert!(found[0].flows.is_some() && found[0].measurements.is_some());
        assert_eq!((&found[1].labels, &found[1].image), (&deep, &None));
        let found = results(folder.path(), Some(&folder.path().join("images"))).unwrap();
        assert_eq!(found[1].image.as_ref(), Some(&elsewhere));
        assert!(results(&folder.path().join("images"), None).is_err());
    }
}
