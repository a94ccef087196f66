#![no_main]

use std::sync::LazyLock;

use cytoshade_fuzz::{network, small};
use cytoshade_model::{Format, LoadOptions};
use libfuzzer_sys::fuzz_target;

/// With the part that the seed `dynamo_18.onnx` keeps beside itself.
static OPTIONS: LazyLock<LoadOptions> = LazyLock::new(|| {
    let part: &[u8] = include_bytes!("../../crates/cytoshade-model/tests/fixtures/dynamo_18.onnx.data");
    let mut options = small();
    options.external.insert("dynamo_18.onnx.data".into(), part.into());
    options
});

fuzz_target!(|bytes: &[u8]| -> libfuzzer_sys::Corpus { network(Format::Onnx, bytes, &OPTIONS) });
