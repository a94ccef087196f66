//! Entry points of the fuzz targets: readers of bytes from a server and from the disk.

use crate::Address;
use crate::notes::Notes;
use crate::range::ContentRange;

/// Parses a `Content-Range` and checks its invariants.
pub fn content_range(text: &str) {
    if let Some(range) = ContentRange::parse(text) {
        assert!(range.from <= range.to && range.total.is_none_or(|total| range.to < total));
        assert!(range.bytes() > 0);
    }
}

/// Parses notes, writes them and reads them again.
pub fn notes(bytes: &[u8]) {
    if let Some(notes) = Notes::parse(bytes) {
        let json = notes.to_json().unwrap();
        assert_eq!(Notes::parse(json.as_bytes()).as_ref(), Some(&notes));
    }
}

/// Parses an address and follows a redirect from it.
pub fn address(text: &str, location: &str) {
    let Ok(address) = Address::parse(text) else { return };
    check_shown(&address.to_string());
    match address.redirect(location) {
        Ok(next) => check_shown(&next.to_string()),
        Err(error) => assert!(error.to_string().chars().all(|c| !c.is_control())),
    }
}

/// A shown address has no query, and no credentials before its path, which may hold an `@`.
fn check_shown(shown: &str) {
    let authority = shown.split('/').nth(2).unwrap_or_default();
    assert!(!shown.contains(['?', '#']) && !authority.contains('@'), "{shown}");
    assert!(shown.chars().all(|c| !c.is_control()), "{shown}");
}
