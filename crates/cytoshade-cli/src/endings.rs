//! The endings of result files: the part of a file's name after the stem of its image.

use std::path::Path;

pub(crate) const MASKS_TIF: &str = "_cp_masks.tif";
pub(crate) const MASKS_PNG: &str = "_cp_masks.png";
pub(crate) const MASKS_NPY: &str = "_cp_masks.npy";
pub(crate) const SEG: &str = "_seg.npy";
pub(crate) const ROIS: &str = "_rois.zip";
pub(crate) const GEOJSON: &str = "_cells.geojson";
pub(crate) const CELLS: &str = "_cells.csv";
pub(crate) const OUTLINES_TEXT: &str = "_cp_outlines.txt";
pub(crate) const MEASUREMENTS: &str = "_measurements.csv";
pub(crate) const FLOWS: &str = "_flows.npy";
pub(crate) const OVERLAY_PNG: &str = "_overlay.png";
pub(crate) const OVERLAY_TIF: &str = "_overlay.tif";
pub(crate) const RESTORED: &str = "_restored.tif";
pub(crate) const OUTLINES: &str = "_outlines.png";
pub(crate) const MASK_COLORS: &str = "_mask_colors.png";
pub(crate) const FLOW_COLORS: &str = "_flow_colors.png";
pub(crate) const MONTAGE: &str = "_montage.png";
pub(crate) const EVAL: &str = "_eval.png";

/// Results of Cytoshade and Cellpose that hold labels, the preferred one first.
pub(crate) const LABELS: [&str; 5] = [MASKS_TIF, "_cp_masks.tiff", MASKS_PNG, MASKS_NPY, SEG];

/// Other results with the extension of an image format.
const OTHERS: [&str; 9] =
    [FLOWS, OVERLAY_PNG, OVERLAY_TIF, RESTORED, OUTLINES, MASK_COLORS, FLOW_COLORS, MONTAGE, EVAL];

/// Endings before any extension that the reference's `get_image_files` leaves out, beside `_masks`.
const CELLPOSE: [&str; 6] = ["_cp_output", "_flows", "_flows_0", "_flows_1", "_flows_2", "_cellprob"];

/// True for the name of a result of Cytoshade or Cellpose, which is no image to segment.
pub(crate) fn is_result(path: &Path) -> bool {
    let name = file_name(path);
    LABELS.iter().any(|ending| name.ends_with(ending)) || stem(path).ends_with("_masks") || is_without_labels(path)
}

/// True for the name of a result that holds no labels.
pub(crate) fn is_without_labels(path: &Path) -> bool {
    let (name, stem) = (file_name(path), stem(path));
    OTHERS.iter().any(|ending| name.ends_with(ending)) || CELLPOSE.iter().any(|ending| stem.ends_with(ending))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_endings_make_a_result() {
        for name in ["a_cp_masks.tif", "a_masks.png", "a_seg.npy", "a_flows_0.tif", "a_montage.png", "a_overlay.tif"] {
            assert!(is_result(Path::new(name)), "{name}");
        }
        // Images whose names end in a word that a result of another format has.
        for name in ["a_montage.tif", "a_outlines.tif", "a_restored.png", "a_eval.tif", "a_seg.tif", "montage.png"] {
            assert!(!is_result(Path::new(name)), "{name}");
        }
        assert!(is_without_labels(Path::new("a_flows.npy")) && !is_without_labels(Path::new("a_masks.tif")));
    }
}
