//! The results in a folder, and the images that they belong to.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use cytoshade_safe_io::printable_path;

use crate::failure::Failure;

/// The files of one image.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResultFiles {
    /// The stem of the results, with the folder below the one that is viewed.
    pub(super) name: String,
    pub(super) labels: PathBuf,
    pub(super) image: Option<PathBuf>,
    /// What `segment --measure` wrote.
    pub(super) measurements: Option<PathBuf>,
    /// What `segment --save-flows` wrote.
    pub(super) flows: Option<PathBuf>,
}

/// The endings of label files; the first that exists is taken.
const LABELS: [&str; 5] = ["_cp_masks.tif", "_cp_masks.tiff", "_cp_masks.png", "_cp_masks.npy", "_seg.npy"];

/// The endings of image files; the first that exists is taken.
const IMAGES: [&str; 17] = [
    "tif", "tiff", "ome.tif", "ome.tiff", "png", "jpg", "jpeg", "npy", "lsm", "stk", "bmp", "webp", "jp2", "jxl",
    "pgm", "ppm", "pnm",
];

/// Levels of folders that are searched.
const MAX_DEPTH: usize = 16;

/// The results in a folder and the folders in it, by ascending name. Links to folders are not followed.
pub(super) fn results(folder: &Path, images: Option<&Path>) -> Result<Vec<ResultFiles>, Failure> {
    let mut results = Vec::new();
    let mut folders = vec![(folder.to_path_buf(), PathBuf::new(), 0)];
    while let Some((path, below, depth)) = folders.pop() {
        let cannot = |error| Failure::run(format!("cannot list {}: {error}", printable_path(&path)));
        let mut files = HashMap::new();
        for entry in std::fs::read_dir(&path).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let (name, kind) = (entry.file_name(), entry.file_type().map_err(cannot)?);
            if kind.is_dir() && depth < MAX_DEPTH {
                folders.push((entry.path(), below.join(&name), depth + 1));
            } else if let (false, Some(text)) = (kind.is_dir(), name.to_str()) {
                files.insert(text.to_owned(), entry.path());
            }
        }
        results.extend(of_folder(&files, &below, images));
    }
    if results.is_empty() {
        let endings = LABELS.join(", ");
        return Err(Failure::run(format!("{} holds no results: no file ends with {endings}", printable_path(folder))));
    }
    results.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(results)
}

/// The results among the files of one folder, which is `below` the one that is viewed.
fn of_folder(files: &HashMap<String, PathBuf>, below: &Path, images: Option<&Path>) -> Vec<ResultFiles> {
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
    let result = |(stem, (_, labels)): (&str, (usize, &PathBuf))| {
        let beside = |ending: &str| files.get(&format!("{stem}{ending}")).cloned();
        let image = match images {
            Some(folder) => IMAGES
                .iter()
                .map(|ending| folder.join(below).join(format!("{stem}.{ending}")))
                .find(|path| path.is_file()),
            None => IMAGES.iter().find_map(|ending| beside(&format!(".{ending}"))),
        };
        ResultFiles {
            name: below.join(stem).display().to_string(),
            labels: labels.clone(),
            image,
            measurements: beside(crate::measurements::ENDING),
            flows: beside("_flows.npy"),
        }
    };
    stems.into_iter().map(result).collect()
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
