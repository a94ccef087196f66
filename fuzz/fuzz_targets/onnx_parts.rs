//! An ONNX model and the part beside it that holds its weights: the first two bytes are the part's length.
#![no_main]

use cytoshade_fuzz::{network, small};
use cytoshade_model::Format;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some((length, rest)) = bytes.split_first_chunk() else { return Corpus::Reject };
    let length = rest.len().min(u16::from_le_bytes(*length).into());
    let (part, model) = rest.split_at(length);
    let mut options = small();
    options.external.insert("part".into(), part.into());
    network(Format::Onnx, model, &options)
});
