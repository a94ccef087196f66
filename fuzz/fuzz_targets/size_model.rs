#![no_main]

use cytoshade_fuzz::{check, small};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match cytoshade_model::load_size_model(bytes, &small()) {
        Ok(model) => assert_eq!(model.slopes().len(), model.style_mean().len()),
        Err(error) => check(&error),
    }
});
