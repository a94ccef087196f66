#![no_main]

use cytoshade_formats::{Limits, ValueLimits, read_seg};
use cytoshade_fuzz::{check, small_values};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        pixels: 1 << 20,
        decoded_bytes: 16 << 20,
        pages: 64,
        values: ValueLimits { string_bytes: 1 << 20, elements: 1 << 20, ..small_values() },
        ..Limits::default()
    };
    match read_seg(bytes, &limits) {
        Ok(seg) => {
            let _ = (seg.keys(), seg.unknown(), seg.filename(), seg.diameter(), seg.channels(), seg.is_manual());
            let _ = (seg.flows(), seg.image(), seg.left_out());
            // A file that was read can be written, and is read again as the same cells.
            let mut again = Vec::new();
            seg.write(&mut again).unwrap();
            let again = read_seg(&again, &Limits::default()).unwrap();
            assert!(again.labels().as_slice() == seg.labels().as_slice());
        }
        Err(error) => check(&error),
    }
});
