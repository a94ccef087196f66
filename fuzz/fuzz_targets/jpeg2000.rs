#![no_main]

use cytoshade_formats::Format;
use cytoshade_fuzz::images;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| -> libfuzzer_sys::Corpus { images(Format::Jpeg2000, bytes) });
