//! Checks the free space of the output folders before the first image is computed.

use std::collections::BTreeMap;
use std::path::Path;

use cytoshade_safe_io::printable_path;

use super::args::Segment;
use super::plan::Planned;
use crate::failure::Failure;
use crate::label_format::LabelFormat;

/// Fails if a file system has less space than the results take at least.
///
/// Folders without that information are not checked.
pub(super) fn check(inputs: &[Planned], args: &Segment) -> Result<(), Failure> {
    let mut needed: BTreeMap<&Path, u64> = BTreeMap::new();
    for input in inputs {
        let bytes: &mut u64 = needed.entry(&input.folder).or_default();
        *bytes = bytes.saturating_add(least(input.pixels, input.images as u64, args));
    }
    // Folders of equal free space are taken as one file system.
    let mut by_space: BTreeMap<u64, (&Path, u64)> = BTreeMap::new();
    for (folder, bytes) in needed {
        if let Ok(free) = fs4::available_space(folder) {
            let (_, sum) = by_space.entry(free).or_insert((folder, 0));
            *sum = sum.saturating_add(bytes);
        }
    }
    match by_space.into_iter().find(|(free, (_, bytes))| bytes > free) {
        Some((free, (folder, bytes))) => Err(Failure::run(format!(
            "the results take at least {} MB, and {} has {} MB of free space; free some, or pass another --output",
            bytes.div_ceil(1_000_000),
            printable_path(folder),
            free / 1_000_000
        ))),
        None => Ok(()),
    }
}

/// Bytes that the results of so many pixels take at least.
fn least(pixels: u64, images: u64, args: &Segment) -> u64 {
    /// A file's header and directory.
    const FILE: u64 = 256;
    let array = |values: u64, bytes: u64| pixels.saturating_mul(values * bytes);
    let format = |format| match format {
        // Compressed masks, and outlines, may be small.
        LabelFormat::Tif
        | LabelFormat::Png
        | LabelFormat::Rois
        | LabelFormat::Geojson
        | LabelFormat::Csv
        | LabelFormat::Outlines => FILE,
        LabelFormat::Npy => array(1, 2),
        // Masks, outlines, and the network's output as bytes and as floats.
        LabelFormat::Seg => array(1, 2 * 2 + 5 + 3 * 4),
    };
    // Without resampling the outputs have the network's size.
    let flows = if args.save_flows && args.params().resample { array(3, 4) } else { 0 };
    args.formats().map(format).fold(images.saturating_mul(FILE).saturating_add(flows), u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn results_that_no_disk_holds_are_refused_before_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let args =
            |more: &str| match Cli::parse_from(["cytoshade", "segment", "a.tif", "--model", "demo", more]).command {
                Command::Segment(args) => args,
                other => panic!("{other:?}"),
            };
        let input = |pixels| Planned {
            path: "a.tif".into(),
            siblings: Vec::new(),
            folder: folder.path().into(),
            stem: "a".into(),
            images: 1,
            pixels,
        };
        check(&[input(1 << 20)], &args("--save-flows")).unwrap();
        for option in ["--save-flows", "--save-seg", "--save=npy"] {
            let failure = check(&[input(1 << 50), input(1 << 50)], &args(option)).unwrap_err().to_string();
            assert!(failure.contains("free space; free some"), "{option}: {failure}");
        }
        // Headers can state sizes whose sum no integer holds.
        for option in ["--save-flows", "--save=npy"] {
            let failure = check(&[input(u64::MAX), input(u64::MAX)], &args(option)).unwrap_err().to_string();
            assert!(failure.contains("free space; free some"), "{option}: {failure}");
        }
        // Compressed labels may be small.
        check(&[input(1 << 50)], &args("--quiet")).unwrap();
    }
}
