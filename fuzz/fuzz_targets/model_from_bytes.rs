//! The front door, under the default limits: any bytes at all.
#![no_main]

use cytoshade::{LoadOptions, Model};
use cytoshade_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = Model::from_bytes(bytes, &LoadOptions::default()) {
        check(&error);
    }
});
