//! Writes masks as files.

use std::io::Cursor;

use cytoshade_formats::{Error, Labels, write_csv, write_geojson, write_labels_png, write_labels_tiff, write_rois};
use wasm_bindgen::prelude::*;

use crate::failure::{failure, from_error, from_image};

type Write = fn(&mut Cursor<Vec<u8>>, &Labels) -> Result<(), Error>;

/// The file formats of masks and their writers, by name.
const KINDS: [(&str, Write); 5] = [
    ("png", |file, labels| write_labels_png(file, labels)),
    ("tiff", |file, labels| write_labels_tiff(file, labels)),
    ("rois", |file, labels| write_rois(file, labels)),
    ("csv", |file, labels| write_csv(file, labels)),
    ("geojson", |file, labels| write_geojson(file, labels)),
];

/// The names of the formats of [`encode`].
#[wasm_bindgen]
pub fn kinds() -> Vec<String> {
    KINDS.iter().map(|(name, _)| (*name).into()).collect()
}

/// Encodes masks, [height, width] row by row, as a file of one of the [`kinds`].
///
/// # Errors
/// `option` for an unknown kind; `image` if the masks do not match the sides or do not fit the format.
#[wasm_bindgen]
pub fn encode(masks: Vec<u32>, height: usize, width: usize, kind: &str) -> Result<Vec<u8>, JsValue> {
    let (_, write) = KINDS.iter().find(|(name, _)| *name == kind).ok_or_else(|| {
        let known = kinds().join(", ");
        failure("option", &format!("kind is {kind:?}; it must be one of {known}"))
    })?;
    let labels = Labels::new(masks, height, width).map_err(|error| from_error(&error.into()))?;
    let mut file = Cursor::new(Vec::new());
    write(&mut file, &labels).map_err(|error| from_image(&error))?;
    Ok(file.into_inner())
}
