//! Shared by the targets: their limits, and the properties of every outcome.
#![forbid(unsafe_code)]

use std::error::Error;

use cytoshade_formats::{Format as ImageFormat, Limits, ReadOptions};
use cytoshade_model::{Format, LoadOptions, ReadLimits};
use libfuzzer_sys::Corpus;

/// Options with limits that a small file can reach, so that the limits are exercised and a run is short.
pub fn small() -> LoadOptions {
    let limits = ReadLimits {
        file_bytes: 1 << 20,
        header_bytes: 1 << 16,
        tensors: 400,
        dimensions: 6,
        elements: 1 << 16,
        memory_bytes: 8 << 20,
        pickle_steps: 1 << 15,
        memo_entries: 1 << 13,
        nesting: 16,
        string_bytes: 1 << 12,
        zip_entries: 512,
        nodes: 1 << 10,
        ..ReadLimits::default()
    };
    LoadOptions { limits, ..LoadOptions::default() }
}

/// Loads a network, if the bytes are of this format.
pub fn network(format: Format, bytes: &[u8], options: &LoadOptions) -> Corpus {
    if Format::detect(bytes) != Some(format) {
        return Corpus::Reject;
    }
    match cytoshade_model::load_with_origin(bytes, options) {
        Ok((network, origin)) => {
            assert_eq!(origin.format, format);
            assert!(network.diam_mean().is_finite());
        }
        Err(error) => check(&error),
    }
    Corpus::Keep
}

/// Reads images, if the bytes are of this format.
pub fn images(format: ImageFormat, bytes: &[u8]) -> Corpus {
    if ImageFormat::detect(bytes) != Some(format) {
        return Corpus::Reject;
    }
    let limits = Limits { pixels: 1 << 20, decoded_bytes: 16 << 20, pages: 64, ..Limits::default() };
    match cytoshade_formats::read_bytes(bytes, &ReadOptions { limits, ..ReadOptions::default() }) {
        Ok(images) => assert!(!images.is_empty() && images.iter().all(|image| image.width() >= 2)),
        Err(error) => check(&error),
    }
    Corpus::Keep
}

/// A message is one line of bounded length, whatever names the file contains.
pub fn check(error: &dyn Error) {
    let text = error.to_string();
    assert!(!text.is_empty() && text.chars().all(|c| !c.is_control()), "{text:?}");
    assert!(text.len() <= 8 << 10, "{} bytes of message", text.len());
}
