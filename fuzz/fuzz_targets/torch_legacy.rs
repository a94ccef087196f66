#![no_main]

use cytoshade_fuzz::{network, small};
use cytoshade_model::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| -> libfuzzer_sys::Corpus { network(Format::TorchLegacy, bytes, &small()) });
