//! What a transfer reads: a server's `Content-Range` and `Location`, an address, and the notes on the disk.
#![no_main]

use cytoshade_fetch::fuzzing::{address, content_range, notes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    notes(bytes);
    let Ok(text) = str::from_utf8(bytes) else { return };
    content_range(text);
    let (first, second) = text.split_once('\n').unwrap_or((text, ""));
    address(first, second);
});
