//! JPEGs that lack their end, or have bytes too many between their headers.

use zune_jpeg::zune_core::colorspace::ColorSpace;

use super::{headers, markers, pixels};
use crate::Warning;

/// The file without bytes between its headers that belong to none, if there are such.
pub(super) fn clean(bytes: &[u8], warnings: &mut Vec<Warning>) -> Option<Vec<u8>> {
    let clean = markers::without_stray_bytes(bytes)?;
    warnings.push(Warning::Damaged { what: "it has bytes between its headers that belong to none".into() });
    Some(clean)
}

/// Decodes a picture that lacks no more than its end; `None` if codes are missing too.
pub(super) fn without_end(bytes: &[u8], output: ColorSpace, warnings: &mut Vec<Warning>) -> Option<Vec<u8>> {
    if !markers::are_complete(bytes) {
        return None;
    }
    // The decoder fills what is missing with grey. What follows a whole scan changes nothing; codes that are missing would be
    // read from it.
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
