//! Shared by the targets: their limits, and the properties of every outcome.
#![forbid(unsafe_code)]

use std::error::Error;

use cytoshade_formats::{Format as ImageFormat, ImageFile, Limits, Pages, ReadOptions, Selection};
use cytoshade_model::{CostLimits, Format, LoadOptions, Meter, ReadLimits, ValueLimits};
use libfuzzer_sys::Corpus;

/// Limits of single values that a small file can reach.
pub fn small_values() -> ValueLimits {
    ValueLimits {
        opcodes: 1 << 15,
        memo_entries: 1 << 13,
        nesting: 16,
        string_bytes: 1 << 12,
        key_bytes: 1 << 8,
        dimensions: 6,
        elements: 1 << 16,
    }
}

/// Options with limits that a small file can reach, so that the limits are exercised.
pub fn small() -> LoadOptions {
    let limits = ReadLimits {
        file_bytes: 1 << 20,
        header_bytes: 1 << 16,
        tensors: 400,
        zip_entries: 512,
        nodes: 1 << 10,
        values: small_values(),
        cost: CostLimits { memory_bytes: 8 << 20, structure_bytes: 2 << 20, steps: 1 << 17, ..CostLimits::default() },
        ..ReadLimits::default()
    };
    LoadOptions { limits, ..LoadOptions::default() }
}

/// Loads a network if the bytes are of this format: under small limits, and under the default ones within a budget.
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
    let default = LoadOptions { external: options.external.clone(), ..LoadOptions::default() };
    let mut meter = default.limits.cost.meter(bytes.len() as u64);
    if let Err(error) = cytoshade_model::load_metered(bytes, &default, &mut meter) {
        check(&error);
    }
    within_budget(bytes.len(), &meter);
    Corpus::Keep
}

/// The steps of an input are in proportion to its size: 100 for each byte, and what every input may take.
pub fn within_budget(bytes: usize, meter: &Meter) {
    assert!(meter.steps() <= 100 * bytes as u64 + 10_000, "{} steps for {bytes} bytes", meter.steps());
}

/// Reads images if the bytes are of this format: as images, as lists of pages and as stacks.
pub fn images(format: ImageFormat, bytes: &[u8]) -> Corpus {
    if ImageFormat::detect(bytes) != Some(format) {
        return Corpus::Reject;
    }
    let limits = Limits { pixels: 1 << 20, decoded_bytes: 16 << 20, pages: 64, ..Limits::default() };
    let file = match ImageFile::from_bytes(bytes, &ReadOptions { limits, ..ReadOptions::default() }) {
        Ok(file) => file,
        Err(error) => {
            check(&error);
            return Corpus::Keep;
        }
    };
    assert!(!file.series().is_empty());
    assert!(file.warnings().iter().all(|warning| !warning.to_string().chars().any(char::is_control)));
    for pages in [Pages::Auto, Pages::List, Pages::Stack] {
        match file.items(&Selection { pages, ..Selection::default() }) {
            Ok(items) => items.iter().take(8).for_each(|item| match file.images(item) {
                Ok(images) => assert!(images.len() == item.slices && images.iter().all(|image| image.width() >= 2)),
                Err(error) => check(&error),
            }),
            Err(error) => check(&error),
        }
    }
    Corpus::Keep
}

/// A message is one line of bounded length, whatever names the file contains.
pub fn check(error: &dyn Error) {
    let text = error.to_string();
    assert!(!text.is_empty() && text.chars().all(|c| !c.is_control()), "{text:?}");
    assert!(text.len() <= 8 << 10, "{} bytes of message", text.len());
}
