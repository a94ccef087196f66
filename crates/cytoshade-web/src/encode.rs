//! Masks as files.

use cytoshade_formats::{Error, Labels, write_labels_png, write_labels_tiff};
use wasm_bindgen::prelude::*;

use crate::failure::{failure, of, of_image};

type Write = fn(&Labels) -> Result<Vec<u8>, Error>;

/// Every kind of file that masks can become, by the name that [`encode`] knows it under.
const KINDS: [(&str, Write); 2] = [
    ("png", |labels| {
        let mut file = Vec::new();
        write_labels_png(&mut file, labels).map(|()| file)
    }),
    ("tiff", |labels| {
        let mut file = std::io::Cursor::new(Vec::new());
        write_labels_tiff(&mut file, labels).map(|()| file.into_inner())
    }),
];

/// The names of the kinds that [`encode`] knows.
#[wasm_bindgen]
pub fn kinds() -> Vec<String> {
    KINDS.iter().map(|(name, _)| (*name).into()).collect()
}

/// Masks of `height` x `width` pixels, row by row, as the bytes of a file of one of the [`kinds`].
///
/// # Errors
/// `option` for another kind, `image` where the masks do not fit the sides or the kind.
#[wasm_bindgen]
pub fn encode(masks: Vec<u32>, height: usize, width: usize, kind: &str) -> Result<Vec<u8>, JsValue> {
    let (_, write) = KINDS.iter().find(|(name, _)| *name == kind).ok_or_else(|| {
        let known = kinds().join(", ");
        failure("option", &format!("masks cannot become {kind:?}; the kinds are {known}"))
    })?;
    let labels = Labels::new(masks, height, width).map_err(|error| of(&error.into()))?;
    write(&labels).map_err(|error| of_image(&error))
}
