//! The files of two folders that belong together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cytoshade_safe_io::{FileIdentity, printable_path};

use crate::endings::is_without_labels;
use crate::failure::Failure;

/// A segmentation and its ground truth.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// The name that both files share.
    pub(super) name: String,
    pub(super) predicted: PathBuf,
    pub(super) truth: PathBuf,
}

/// The endings of label files, the most likely segmentation first.
const PREDICTED: [&str; 9] =
    ["_cp_masks", "_seg", "_masks", "_mask", "_pred", "_labels", "_label", "_instances", "_gt"];

/// The endings of label files, the most likely ground truth first.
const TRUTH: [&str; 9] = ["_gt", "_labels", "_label", "_instances", "_masks", "_mask", "_seg", "_pred", "_cp_masks"];

/// The endings of images and of other results; such a file is taken for labels if a folder has no other of its name.
const OTHERS: [&str; 5] = ["_img", "_image", "_raw", "_im", "_input"];

const EXTENSIONS: [&str; 4] = ["tif", "tiff", "png", "npy"];

/// The pairs by ascending name, and the label files without a partner.
pub(super) fn find(predicted: &Path, truth: &Path) -> Result<(Vec<Pair>, Vec<PathBuf>), Failure> {
    match (predicted.is_dir(), truth.is_dir()) {
        (false, false) => {
            let pair = Pair { name: name(predicted), predicted: predicted.to_owned(), truth: truth.to_owned() };
            return Ok((vec![pair], Vec::new()));
        }
        (true, true) => {}
        _ => return Err(Failure::usage("PREDICTED and TRUTH must be two files or two folders")),
    }
    let (mut found, mut expected) = (labels(predicted, &PREDICTED)?, labels(truth, &TRUTH)?);
    let names: Vec<String> = found.keys().filter(|name| expected.contains_key(*name)).cloned().collect();
    let mut pairs = Vec::new();
    for name in names {
        let Some((predicted, truth)) = found.remove(&name).zip(expected.remove(&name)) else { continue };
        if is_same_file(&predicted, &truth) {
            // A truth without a segmentation, or the reverse, in a folder that holds both.
            expected.insert(name, truth);
        } else {
            pairs.push(Pair { name, predicted, truth });
        }
    }
    if pairs.is_empty() {
        let example = |files: &BTreeMap<String, PathBuf>| {
            files.values().next().map_or_else(|| "no label file".into(), printable_path)
        };
        return Err(Failure::usage(format!(
            "no file in {} has the name of one in {} (found {} and {}); names must be equal without endings such as \
             _cp_masks and _label",
            printable_path(predicted),
            printable_path(truth),
            example(&found),
            example(&expected)
        )));
    }
    Ok((pairs, found.into_values().chain(expected.into_values()).collect()))
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    FileIdentity::new(a).ok().zip(FileIdentity::new(b).ok()).is_some_and(|(a, b)| a == b)
}

/// The likeliest label file of each name in a folder.
fn labels(folder: &Path, endings: &[&str]) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let cannot = |error| Failure::run(format!("cannot list {}: {error}", printable_path(folder)));
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        if path.is_file() && EXTENSIONS.iter().any(|known| extension.as_deref() == Some(known)) {
            paths.push(path);
        }
    }
    paths.sort();
    let mut candidates: BTreeMap<String, Vec<(usize, PathBuf)>> = BTreeMap::new();
    for path in paths {
        if let Some(rank) = rank(&path, endings) {
            candidates.entry(name(&path)).or_default().push((rank, path));
        }
    }
    candidates.into_iter().map(|(name, files)| Ok((name, likeliest(files)?))).collect()
}

/// The file of the lowest rank.
///
/// # Errors
/// Fails if two files have this rank.
fn likeliest(mut files: Vec<(usize, PathBuf)>) -> Result<PathBuf, Failure> {
    files.sort();
    if let [(first, a), (second, b), ..] = &files[..]
        && first == second
    {
        let (a, b) = (printable_path(a), printable_path(b));
        return Err(Failure::usage(format!("{a} and {b} have the same name; remove one, or pass two files")));
    }
    Ok(files.swap_remove(0).1)
}

/// The likelihood that a file holds labels, 0 for the highest; `None` if it does not.
fn rank(path: &Path, endings: &[&str]) -> Option<usize> {
    let stem = stem(path);
    let ends = |ending: &&str| stem.len() > ending.len() && stem.ends_with(*ending);
    if is_without_labels(path) || stem.starts_with('.') {
        return None;
    }
    match endings.iter().position(&ends) {
        Some(rank) => Some(rank),
        None if OTHERS.iter().any(ends) => Some(endings.len() + 1),
        None => Some(endings.len()),
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The name of a file without its endings: `cells_img_cp_masks.tif` is `cells`.
fn name(path: &Path) -> String {
    let mut name = stem(path);
    let known = || PREDICTED.iter().chain(&OTHERS);
    while let Some(ending) = known().find(|ending| name.len() > ending.len() && name.ends_with(*ending)) {
        name.truncate(name.len() - ending.len());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|file| std::fs::write(folder.path().join(file), "").unwrap());
        folder
    }

    fn found(predicted: &Path, truth: &Path) -> Vec<[String; 3]> {
        let file = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let (pairs, _) = find(predicted, truth).unwrap();
        pairs.into_iter().map(|pair| [file(&pair.predicted), file(&pair.truth), pair.name]).collect()
    }

    #[test]
    fn names_without_endings_are_compared() {
        let predicted = folder(&["a_img_cp_masks.tif", "a_img_overlay.png", "b_cp_masks.tif", "c.tif", "notes.txt"]);
        let truth = folder(&["a_img.png", "a_label.png", "b_seg.npy", "b.tif", "c_masks.tif", "d_masks.tif"]);
        let expected = [
            ["a_img_cp_masks.tif", "a_label.png", "a"],
            ["b_cp_masks.tif", "b_seg.npy", "b"],
            ["c.tif", "c_masks.tif", "c"],
        ];
        assert_eq!(found(predicted.path(), truth.path()), expected);
        let (_, alone) = find(predicted.path(), truth.path()).unwrap();
        assert_eq!(alone, [truth.path().join("d_masks.tif")]);
    }

    #[test]
    fn results_beside_the_truth_are_the_segmentation() {
        let both = folder(&["x_img.png", "x_label.png", "x_img_cp_masks.tif", "x_img_flows.npy"]);
        assert_eq!(found(both.path(), both.path()), [["x_img_cp_masks.tif", "x_label.png", "x"]]);
    }

    #[test]
    fn a_file_is_no_pair_with_itself() {
        let both = folder(&["x_label.png", "x_cp_masks.tif", "y_label.png", "z_cp_masks.tif"]);
        assert_eq!(found(both.path(), both.path()), [["x_cp_masks.tif", "x_label.png", "x"]]);
        let (_, alone) = find(both.path(), both.path()).unwrap();
        assert_eq!(alone, ["y_label.png", "z_cp_masks.tif"].map(|name| both.path().join(name)));
        let truth = folder(&["x_label.png"]);
        assert!(format!("{:?}", find(truth.path(), truth.path()).unwrap_err()).contains("no file"));
    }

    #[test]
    fn ambiguous_and_missing_names_are_errors() {
        let [twice, one, other] = [&["a_masks.tif", "a_masks.png"][..], &["a_masks.tif"], &["b_masks.tif"]].map(folder);
        let message = |a: &Path, b: &Path| format!("{:?}", find(a, b).unwrap_err());
        assert!(message(one.path(), twice.path()).contains("same name"));
        let [formats, decided] = [&["a.tif", "a.png"][..], &["a.tif", "a.png", "a_masks.tif"]].map(folder);
        assert!(message(one.path(), formats.path()).contains("same name"));
        assert_eq!(found(one.path(), decided.path()).len(), 1);
        assert!(message(one.path(), other.path()).contains("no file"));
        assert!(message(one.path(), &other.path().join("b_masks.tif")).contains("two files or two folders"));
    }
}
