//! Repairs JPEGs that lack their end marker or have stray bytes between their headers.

use zune_jpeg::zune_core::colorspace::ColorSpace;

use super::{headers, markers, pixels};
use crate::Warning;

/// The file without stray bytes between its headers; `None` if it has none.
pub(super) fn clean(bytes: &[u8], warnings: &mut Vec<Warning>) -> Option<Vec<u8>> {
    let clean = markers::without_stray_bytes(bytes)?;
    warnings.push(Warning::Damaged { what: "it has bytes between its headers that belong to none".into() });
    Some(clean)
}

/// Decodes an image that lacks only its end marker; `None` if codes are missing too.
pub(super) fn without_end(bytes: &[u8], output: ColorSpace, warnings: &mut Vec<Warning>) -> Option<Vec<u8>> {
    if !markers::are_complete(bytes) {
        return None;
    }
    // The decoder fills missing data with grey. Bytes appended after a complete scan change nothing; an incomplete scan
    // would read its missing codes from them.
    let followed_by = |filler: &[u8]| {
        let ended = [bytes, filler, &[0xff, 0xd9]].concat();
        let (mut decoder, _) = headers(&ended, false).ok()?;
        pixels(&mut decoder, output).ok()
    };
    let found = followed_by(&[])?;
    let is_whole =
        [0x00, 0x55].into_iter().all(|filler| followed_by(&[filler; 256]).is_some_and(|other| other == found));
    if !is_whole {
        return None;
    }
    warnings.push(Warning::Damaged { what: "it has no end-of-image marker".into() });
    Some(found)
}
