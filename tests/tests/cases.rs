//! Files from programs and microscopes, from the file to the cells.
//!
//! Each represents a kind, and its expected cells are those that the reference finds on the intended planes. Ignored
//! without the larger test data.

use std::path::{Path, PathBuf};

use cytoshade_tests::program::{program, refused, root, succeeded};
use cytoshade_tests::trial;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

const NEEDS_TEST_DATA: &str = "CYTOSHADE_TEST_DATA";

/// A file, the options, the depth of its stacks, the cells of each result, and a part of a warning.
type Case = (&'static str, &'static str, Option<u64>, &'static [u64], Option<&'static str>);

const STITCHED: &str = "--chan 1 --stitch-threshold 0.3";
const LEFT_OUT: Option<&str> = Some("left out");

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("t_ome_2series_same.ome.tif", "", None, &[16, 16], None),
    ("t_ome_2series_same.ome.tif", "--series 1", None, &[16], None),
    ("t_ome_3series_sizes.ome.tif", "", None, &[16, 13, 11], None),
    ("t_ome_tiffdata_order.ome.tif", "--chan 1", None, &[16, 17, 19], None),
    ("t_ome_set_C0.ome.tif", "--chan 1 --chan2 2", None, &[13], None),
    ("t_ome_set_C1.ome.tif", "--chan 1 --chan2 2", None, &[13], None),
    ("t_ome_newlines.ome.tif", "", None, &[19, 19, 17], None),
    ("t_yx2_shaped.tif", "--chan 1 --chan2 2", None, &[13], None),
    ("t_default_3yx.tif", "--stitch-threshold 0.3", Some(3), &[24], None),
    ("t_axes_czyx.tif", STITCHED, Some(3), &[24], None),
    ("t_zcyx_auto.tif", "--chan 1", None, &[16, 16, 18], None),
    ("t_ij_tzcyx_small.tif", STITCHED, Some(3), &[10, 11], None),
    ("n_tzcyx.npy", "--axes TZCYX --stitch-threshold 0.3", Some(3), &[2, 2], None),
    ("t_metamorph.stk.tif", "", None, &[16, 16, 16, 18], None),
    ("t_5ch_thumb.tif", "--chan 1 --chan2 3", None, &[17], LEFT_OUT),
    ("t_pyramid_pages.tif", "", None, &[16], LEFT_OUT),
    ("t_thumb_unmarked.tif", "", None, &[16], LEFT_OUT),
    ("t_mask_page.tif", "", None, &[16], LEFT_OUT),
    ("t_thumb_jpeg.tif", "", None, &[16], LEFT_OUT),
    ("t_ij_truncated.tif", "", None, &[16, 16, 16, 16, 17, 19], None),
    ("t_ij_truncated.tif", "--chan 1 --chan2 2", None, &[16, 16, 16, 16, 17, 19], Some("no effect")),
    ("n_1zyx.npy", "--do-3d --diameter 15", Some(31), &[38], None),
    ("t_jpeg_grey.tif", "--chan 2", None, &[16], Some("no effect")),
    ("t_jpeg_pil_tables.tif", "", None, &[15], None),
    ("t_jpeg2000_u2.tif", "", None, &[16], None),
    ("t_zstd.tif", "", None, &[16], None),
    ("t_webp.tif", "", None, &[16], None),
    ("t_lzma.tif", "", None, &[16], None),
    ("t_png.tif", "", None, &[16], None),
    ("t_jpegxl.tif", "", None, &[16], None),
    ("t_bilevel_g4.tif", "", None, &[0], None),
    ("t_fillorder2.tif", "", None, &[16], None),
    ("t_ycbcr_pil.tif", "", None, &[13], None),
    ("t_sampleformat4.tif", "", None, &[16], None),
    ("t_no_bytecounts.tif", "", None, &[16], None),
    ("t_f4_nan.tif", "--nan-background", None, &[14], None),
    ("j_no_eoi.jpg", "", None, &[15], Some("end-of-image")),
];

/// A file, the options, and a part of the error.
const REFUSED: &[(&str, &str, &str)] = &[
    ("n_tzcyx.npy", "--stitch-threshold 0.3", "--axes"),
    ("t_metamorph.stk.tif", "--do-3d", "--z-axis"),
    ("t_f4_nan.tif", "", "NaN"),
    ("t_33000_1bit.tif", "", "--limits pixels=N"),
    ("n_17000_frames.npy", "--pages list", "--limits pages=N"),
    ("t_zstd.tif", "--limits decoded-bytes=1K", "--limits decoded-bytes=N"),
    ("t_zstd.tif", "--limits width=100", "--limits width=N"),
];

/// A file that a limit refuses, the options, and the resulting output of `inspect`.
const INSPECTED: &[(&str, &str, &str)] = &[
    ("t_33000_1bit.tif", "", "segment cannot read 1 image of series 0"),
    ("t_33000_1bit.tif", "--limits pixels=2^31", "segment reads 1 image of series 0: 33000 x 33000 pixels"),
    ("n_17000_frames.npy", "--pages list --limits pages=20000", "segment reads 17000 images"),
    ("n_17000_frames.npy", "--axes TYX --limits pages=20000", "each at 17000 time points: 4 x 4 pixels"),
    ("t_ij_tzcyx_small.tif", "--stack", "segment reads 1 stack of series 0, each at 2 time points: 3 z-slices"),
];

fn main() {
    let missing = std::env::var_os(NEEDS_TEST_DATA).is_none().then_some(NEEDS_TEST_DATA);
    let name = |file: &str, options: &str| format!("{file} {options}").trim_end().to_owned();
    let mut trials: Vec<Trial> =
        CASES.iter().map(|case| trial(name(case.0, case.1), missing, move || segmented(&folder(), case))).collect();
    for &(file, options, why) in REFUSED {
        trials.push(trial(format!("{} is refused", name(file, options)), missing, move || {
            let output = tempfile::tempdir()?;
            refused(&segment(&folder().join(file), options, output.path())?, why);
            Ok(())
        }));
    }
    for &(file, options, expected) in INSPECTED {
        trials.push(trial(format!("{} is inspected", name(file, options)), missing, move || {
            let said = succeeded(
                &program().arg("inspect").arg(folder().join(file)).args(options.split_whitespace()).output()?,
            );
            if said.contains(expected) { Ok(()) } else { Err(format!("expected {expected:?} in: {said}").into()) }
        }));
    }
    trials.push(trial("a file of a set that is missing is named", missing, missing_sibling));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os(NEEDS_TEST_DATA).unwrap_or_default()).join("cases")
}

fn segment(file: &Path, options: &str, output: &Path) -> std::io::Result<std::process::Output> {
    let mut command = program();
    command.arg("segment").arg(file).args(["--device", "cpu", "--json", "--model"]);
    command.arg(root().join("models/cytoshade-demo.safetensors")).arg("--output").arg(output);
    command.args(options.split_whitespace()).output()
}

fn segmented(folder: &Path, &(file, options, depth, cells, warning): &Case) -> Result<(), Failed> {
    let output = tempfile::tempdir()?;
    let done = segment(&folder.join(file), options, output.path())?;
    let said = succeeded(&done);
    let reports = said.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let found: Vec<u64> = reports.iter().filter_map(|report| report["cells"].as_u64()).collect();
    assert_eq!(found, cells, "{said}");
    assert!(reports.iter().all(|report| report["depth"].as_u64() == depth), "{said}");
    let printed = String::from_utf8_lossy(&done.stderr).into_owned();
    for report in &reports {
        let kept = report["warnings"].to_string();
        match warning {
            Some(warning) => assert!(kept.contains(warning) && printed.contains(warning), "{printed}{said}"),
            None => assert!(report["warnings"].is_null() && printed.is_empty(), "{printed}{said}"),
        }
    }
    Ok(())
}

fn missing_sibling() -> Result<(), Failed> {
    let alone = tempfile::tempdir()?;
    let name = "t_ome_set_C0.ome.tif";
    std::fs::copy(folder().join(name), alone.path().join(name))?;
    segmented(alone.path(), &(name, "--chan 1 --chan2 2", None, &[14], Some("t_ome_set_C1.ome.tif")))
}
