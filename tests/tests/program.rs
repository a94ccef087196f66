//! The program on the command line: its files, its messages and its exit status.

use std::path::{Path, PathBuf};
use std::process::Output;

use cytoshade_formats::{Limits, Plain, ReadOptions, read, read_seg};
use cytoshade_tests::program::{files, program, refused, root, succeeded};

fn model() -> PathBuf {
    root().join("models/cytoshade-demo.safetensors")
}

fn photograph() -> PathBuf {
    root().join("models/demo.png")
}

/// `cytoshade segment` on the CPU with the bundled model.
fn segment(output: &Path, inputs: &[&Path], more: &[&str]) -> Output {
    program()
        .arg("segment")
        .args(inputs)
        .args(["--device", "cpu", "--model"])
        .arg(model())
        .arg("--output")
        .arg(output)
        .args(more)
        .output()
        .unwrap()
}

#[test]
fn demo_finds_cells_and_writes_something_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let output = program().args(["demo", "--device", "cpu", "--output"]).arg(folder.path()).output().unwrap();
    let said = succeeded(&output);
    assert!(said.contains("ran on CPU") && said.contains("network") && said.contains("total"), "{said}");
    assert_eq!(files(folder.path()), ["demo_cp_masks.tif", "demo_overlay.png"]);
    let labels = &read(folder.path().join("demo_cp_masks.tif"), &ReadOptions::default()).unwrap()[0];
    let overlay = &read(folder.path().join("demo_overlay.png"), &ReadOptions::default()).unwrap()[0];
    assert_eq!((labels.height(), labels.width()), (overlay.height(), overlay.width()));
    assert_eq!(overlay.channels(), 3);
    let cells = labels.to_planes(0).unwrap().as_slice().iter().fold(0.0f32, |m, &v| m.max(v));
    assert!(cells >= 10.0 && said.contains(&format!("found {cells} cells")), "{cells}: {said}");
}

#[test]
fn json_is_one_object_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let said = succeeded(&segment(folder.path(), &[&photograph()], &["--json", "--save-flows", "--save-overlay"]));
    assert_eq!(said.lines().count(), 1, "{said}");
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    for key in ["input", "output", "width", "height", "cells", "device", "diameter", "milliseconds"] {
        assert!(!report[key].is_null(), "{key}: {said}");
    }
    for stage in ["normalize", "network", "blend", "follow_flows", "masks", "flow_error", "fill_holes", "total"] {
        assert!(report["milliseconds"][stage].as_f64().is_some_and(|ms| ms >= 0.0), "{stage}: {said}");
    }
    assert_eq!(files(folder.path()), ["demo_cp_masks.tif", "demo_flows.npy", "demo_overlay.png"]);
    let flows = &read(folder.path().join("demo_flows.npy"), &ReadOptions::default()).unwrap()[0];
    assert_eq!(flows.channels(), 3);
    assert_eq!(Some(flows.width() as u64), report["width"].as_u64());
}

/// The bundled network in a folder, with its size model beside it under `name`.
fn network_with_size_model(folder: &Path, name: &str) -> PathBuf {
    let network = folder.join("network.safetensors");
    std::fs::copy(model(), &network).unwrap();
    let size_model = root().join("tests/fixtures/diameter/cytoshade-demo_size.npy");
    std::fs::copy(size_model, folder.join(name)).unwrap();
    network
}

#[test]
fn diameters_are_estimated_with_the_size_model_beside_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let photograph = root().join("tests/fixtures/pipeline/nuclei.png");
    let run = |network: &Path, more: &[&str]| {
        let mut program = program();
        program.args(["segment", "--device", "cpu", "--json", "--model"]).arg(network).arg(&photograph);
        program.arg("--output").arg(folder.path()).args(more).output().unwrap()
    };
    let diameter = |output: &Output| {
        let report: serde_json::Value = serde_json::from_str(&succeeded(output)).unwrap();
        report["diameter"].as_f64().unwrap()
    };
    // The reference's diameter of this crop with this network and size model.
    let expected = 39.222_557;
    for name in ["network.safetensors_size.npy", "size_network.npy"] {
        let network = network_with_size_model(folder.path(), name);
        assert!((diameter(&run(&network, &["--diameter", "auto"])) / expected - 1.0).abs() < 1e-3, "{name}");
        assert_eq!(diameter(&run(&network, &[])), 30.0);
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    let network = network_with_size_model(folder.path(), "elsewhere.npy");
    let output = run(&network, &["--diameter", "auto"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("NAME_size.npy"), "{output:?}");
    assert_eq!(diameter(&output), 30.0);
    let named = folder.path().join("elsewhere.npy");
    let named = named.to_str().unwrap();
    assert!((diameter(&run(&network, &["--size-model", named])) / expected - 1.0).abs() < 1e-3);
    refused(&run(&network, &["--size-model", named, "--diameter", "40"]), "leave one of them out");
    refused(&run(&network, &["--diameter", "wide"]), "expected a number of pixels or auto");
    let other = root().join("tests/fixtures/diameter/cpnet_full_size.npy");
    refused(&run(&network, &["--size-model", other.to_str().unwrap()]), "the size model of this network");
}

#[test]
fn stacks_become_label_volumes() {
    let folder = tempfile::tempdir().unwrap();
    let stack = root().join("tests/fixtures/volume/shallow.tif");
    let options = ["--json", "--save", "npy,rois,geojson,csv,seg", "--save-flows", "--save-overlay"];
    let in_3d = ["--do-3d", "--anisotropy", "3", "--diameter", "20"];
    let stitched = ["--stitch-threshold", "0.3", "--diameter", "26"];
    for (way, channels) in [(&in_3d[..], 4), (&stitched, 3)] {
        let said = succeeded(&segment(folder.path(), &[&stack], &[way, &options].concat()));
        let report: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(report["depth"], 5, "{said}");
        assert!(report["cells"].as_u64().unwrap() > 0, "{said}");
        let masks = ["cells.csv", "cells.geojson", "cp_masks.npy", "cp_masks.tif", "flows.npy", "overlay.tif"];
        let names = masks.iter().chain(&["rois.zip", "seg.npy"]).map(|ending| format!("shallow_{ending}"));
        assert_eq!(files(folder.path()), names.collect::<Vec<_>>());
        let list = ReadOptions::stack();
        let read = |name: &str| read(folder.path().join(name), &list).unwrap();
        let (pages, array) = (read("shallow_cp_masks.tif"), read("shallow_cp_masks.npy"));
        assert_eq!((pages.len(), array.len()), (5, 5));
        assert_eq!(pages, array);
        let flows = cytoshade_tests::fixtures::read_npy(&folder.path().join("shallow_flows.npy"));
        assert_eq!(flows.shape, [channels, 5, 32, 40]);
        let overlay = read("shallow_overlay.tif");
        assert_eq!((overlay.len(), overlay[0].channels()), (5, 3));
        let bytes = std::fs::read(folder.path().join("shallow_seg.npy")).unwrap();
        let seg = read_seg(&bytes, &Limits::default()).unwrap();
        assert_eq!((seg.labels().shape(), seg.flows().len()), (vec![5, 32, 40], 4));
        assert_eq!(seg.cells() as u64, report["cells"].as_u64().unwrap());
        assert_eq!(seg.image().unwrap().unwrap(), cytoshade_formats::read(&stack, &list).unwrap());
        std::fs::remove_file(folder.path().join("shallow_seg.npy")).unwrap();
    }
    refused(&segment(folder.path(), &[&stack], &["--do-3d", "--save", "png"]), "cannot hold a stack");
    refused(&segment(folder.path(), &[&photograph()], &["--do-3d"]), "stitch_threshold");
    refused(&segment(folder.path(), &[&stack], &["--do-3d", "--anisotropy", "0"]), "anisotropy is 0");
    refused(&segment(folder.path(), &[&stack], &["--stitch-threshold", "2"]), "stitch_threshold is 2");
}

#[test]
fn images_are_restored_alone_and_before_they_are_segmented() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = root().join("tests/fixtures/restore");
    let image = fixtures.join("nuclei.png");
    // The name states the purpose of a network.
    let upsample = folder.path().join("upsample_cyto3");
    std::fs::copy(fixtures.join("denoise_small.safetensors"), &upsample).unwrap();
    let out = folder.path().join("out");
    let restore = |more: &[&str]| {
        let mut program = program();
        program.args(["restore", "--device", "cpu", "--model"]).arg(&upsample).arg(&image);
        program.arg("--output").arg(&out).args(more).output().unwrap()
    };
    let size = |file: &str| {
        let read = read(out.join(file), &ReadOptions::default()).unwrap();
        (read[0].channels(), read[0].height(), read[0].width())
    };
    succeeded(&restore(&[]));
    assert_eq!(size("nuclei_restored.tif"), (1, 50, 58));
    succeeded(&restore(&["--diameter", "20"]));
    assert_eq!(size("nuclei_restored.tif"), (1, 75, 87));
    let network = upsample.to_str().unwrap();
    succeeded(&segment(&out, &[&image], &["--restore", network, "--diameter", "20"]));
    assert_eq!(size("nuclei_cp_masks.tif"), (1, 75, 87));
    refused(&segment(&out, &[&image], &["--restore", model().to_str().unwrap()]), "1 input channel");
    refused(&segment(&out, &[&image], &["--model", network]), "cannot be used multiple times");
    refused(&restore(&["--diameter", "-1"]), "diameter is -1");
}

#[test]
fn several_inputs_go_on_after_one_fails() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.tif");
    std::fs::write(&broken, b"II*\0\x08\0\0\0").unwrap();
    let copy = folder.path().join("copy.png");
    std::fs::copy(photograph(), &copy).unwrap();
    let out = folder.path().join("out");
    let output = segment(&out, &[&photograph(), &broken, &copy], &[]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("broken.tif") && error.contains("1 of 3 inputs failed"), "{error}");
    assert_eq!(files(&out), ["copy_cp_masks.tif", "demo_cp_masks.tif"]);
}

#[test]
fn inputs_of_one_name_do_not_overwrite_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("demo.tif");
    let segmented = segment(folder.path(), &[&photograph(), &other], &[]);
    refused(&segmented, "have the same result, demo_cp_masks.tif; process them with different output folders");
    let mut restore = program();
    restore.args(["restore", "--model"]).arg(model()).arg("--output").arg(folder.path());
    let restored = restore.arg(photograph()).arg(&other).output().unwrap();
    refused(&restored, "have the same result, demo_restored.tif; process them with different output folders");
}

#[test]
fn pages_of_a_list_are_numbered_and_overwrite_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    // Six pages of one size: more than the channels of an image, so a list.
    let stack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/cytoshade-formats/tests/fixtures");
    let list = folder.path().join("list.tif");
    std::fs::copy(stack.join("pages6_u2.tif"), &list).unwrap();
    let single = folder.path().join("list_0002.png");
    std::fs::copy(photograph(), &single).unwrap();
    let output = segment(&out, &[&list, &single], &[]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("list_0002_cp_masks.tif is another result of this run"), "{error}");
    let names = files(&out);
    assert!(names.len() > 5 && names[0] == "list_0001_cp_masks.tif", "{names:?}");
}

#[test]
fn bad_input_ends_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    // numpy files of a given shape.
    let npy = |name: &str, shape: &str, bytes: usize| {
        let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
        while (header.len() + 11) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut content = b"\x93NUMPY\x01\x00".to_vec();
        content.extend((header.len() as u16).to_le_bytes());
        content.extend(header.bytes());
        content.extend(std::iter::repeat_n(0, bytes));
        file(name, &content)
    };
    let truncated = {
        let labels = cytoshade_formats::Labels::new(vec![1; 64 * 64], 64, 64).unwrap();
        let mut bytes = std::io::Cursor::new(Vec::new());
        cytoshade_formats::write_labels_tiff(&mut bytes, &labels).unwrap();
        let bytes = bytes.into_inner();
        file("truncated.tif", &bytes[..bytes.len() / 2])
    };
    refused(&segment(&out, &[Path::new("no-such-file.tif")], &[]), "no-such-file.tif");
    refused(&segment(&out, &[&truncated], &[]), "truncated.tif");
    refused(&segment(&out, &[&file("text.png", b"not an image")], &[]), "text.png");
    refused(&segment(&out, &[&npy("empty.npy", "(0, 0)", 0)], &[]), "empty.npy");
    refused(&segment(&out, &[&npy("one.npy", "(1, 1)", 1)], &[]), "at least 2 pixels");
    refused(&segment(&out, &[&photograph()], &["--diameter", "0"]), "--diameter auto");
    refused(&segment(&out, &[&photograph()], &["--diameter", "nan"]), "diameter is NaN");
    refused(&segment(&out, &[&photograph()], &["--diameter", "-5"]), "diameter is -5");
    refused(&segment(&out, &[&photograph()], &["--diameter", "100000"]), "smaller diameter");
    refused(&segment(&out, &[&photograph()], &["--diameter", "1e-6"]), "larger diameter");
    refused(&segment(&out, &[&photograph()], &["--flow-threshold", "-0.4"]), "flow_threshold is -0.4");
    refused(&segment(&out, &[&photograph()], &["--cellprob-threshold", "inf"]), "cellprob_threshold is inf");
    refused(&segment(&out, &[&photograph()], &["--max-size-fraction", "-1"]), "max_size_fraction is -1");
    refused(&segment(&out, &[&photograph()], &["--chan", "9"]), "chan is 9");
    refused(&segment(&out, &[&photograph()], &["--no-norm", "--invert"]), "invert");
    refused(
        &segment(&out, &[&photograph()], &["--norm-range", "5", "5", "--norm-range", "0", "1"]),
        "norm_range is 5 5",
    );
    refused(
        &segment(&out, &[&photograph()], &["--norm-range", "0", "1", "--sharpen-radius", "3"]),
        "cannot be used with",
    );
    refused(&segment(&out, &[&photograph()], &["--smooth-radius", "-1"]), "smooth_radius is -1");
    refused(&segment(&out, &[&photograph()], &["--tile-norm-blocksize", "1"]), "tile_norm_blocksize is 1");
    refused(&segment(&out, &[&photograph()], &["--sha256", "abc"]), "64 hexadecimal digits");
    refused(&segment(&out, &[&photograph()], &["--sha256", &"0".repeat(64)]), "SHA-256");
    refused(&segment(&out, &[&photograph()], &["--no-such-option"]), "--no-such-option");
    let wrong_model = program()
        .args(["segment", "--device", "cpu", "--output"])
        .arg(&out)
        .arg("--model")
        .arg(photograph())
        .arg(photograph())
        .output()
        .unwrap();
    refused(&wrong_model, "not safetensors");
    let unwritable = file("a-file", b"");
    refused(&segment(&unwritable.join("below"), &[&photograph()], &[]), "output folder");
    assert_eq!(files(&out), Vec::<String>::new(), "something was written");
}

#[test]
fn a_failed_write_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    // A folder has the name of the label file, so that the last step, the rename, fails.
    std::fs::create_dir(folder.path().join("demo_cp_masks.tif")).unwrap();
    refused(&segment(folder.path(), &[&photograph()], &[]), "cannot write");
    assert_eq!(files(folder.path()), ["demo_cp_masks.tif"]);
}

/// The labels of a file that the program wrote.
fn labels(path: &Path) -> Vec<u32> {
    let image = &read(path, &ReadOptions::default()).unwrap()[0];
    image.to_planes(0).unwrap().as_slice().iter().map(|&label| label as u32).collect()
}

#[test]
fn cells_are_saved_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let more = ["--save", "png,npy,rois,geojson,csv,outlines,tif", "--save-seg", "--chan", "1", "--diameter", "14.5"];
    succeeded(&segment(folder.path(), &[&photograph()], &more));
    let masks = ["demo_cells.csv", "demo_cells.geojson", "demo_cp_masks.npy", "demo_cp_masks.png", "demo_cp_masks.tif"];
    let others = ["demo_cp_outlines.txt", "demo_rois.zip", "demo_seg.npy"];
    assert_eq!(files(folder.path()), [&masks[..], &others].concat());
    let expected = labels(&folder.path().join("demo_cp_masks.tif"));
    let cells = *expected.iter().max().unwrap() as usize;
    assert!(cells > 10);
    assert_eq!(labels(&folder.path().join("demo_cp_masks.png")), expected);
    assert_eq!(labels(&folder.path().join("demo_cp_masks.npy")), expected);
    let bytes = std::fs::read(folder.path().join("demo_seg.npy")).unwrap();
    let seg = read_seg(&bytes, &Limits::default()).unwrap();
    assert_eq!(seg.labels().as_slice(), expected);
    assert_eq!((seg.channels(), seg.diameter()), (Some(vec![1, 0]), Some(14.5)));
    assert_eq!(seg.filename().unwrap(), photograph().display().to_string());
    assert_eq!(seg.image().unwrap().unwrap(), read(photograph(), &ReadOptions::default()).unwrap());
    assert_eq!(seg.flows().len(), 4, "three pictures and the network's output");
    let text = std::fs::read_to_string(folder.path().join("demo_cells.csv")).unwrap();
    assert_eq!(text.lines().count(), cells + 1);
    let text = std::fs::read(folder.path().join("demo_cells.geojson")).unwrap();
    let features: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(features["features"].as_array().map(Vec::len), Some(cells));
}

#[test]
fn corrections_by_hand_are_not_replaced_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let seg = folder.path().join("demo_seg.npy");
    std::fs::write(&seg, "corrected").unwrap();
    refused(&segment(folder.path(), &[&photograph()], &["--save-seg"]), "corrections by hand");
    assert_eq!(files(folder.path()), ["demo_seg.npy"]);
    assert_eq!(std::fs::read(&seg).unwrap(), b"corrected");
    succeeded(&segment(folder.path(), &[&photograph()], &["--save-seg", "--replace-seg"]));
    read_seg(&std::fs::read(&seg).unwrap(), &Limits::default()).unwrap();
}

#[test]
fn the_image_of_a_page_is_not_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let stack = root().join("crates/cytoshade-formats/tests/fixtures/pages6_u2.tif");
    succeeded(&segment(folder.path(), &[&stack], &["--save-seg"]));
    let bytes = std::fs::read(folder.path().join("pages6_u2_0002_seg.npy")).unwrap();
    let seg = read_seg(&bytes, &Limits::default()).unwrap();
    assert_eq!(seg.get("filename"), Some(&Plain::Text("".into())));
    assert_eq!(seg.image().unwrap().unwrap()[0], read(stack, &ReadOptions::default()).unwrap()[1]);
}

/// A `_seg.npy` of the readers' tests.
fn seg(name: &str) -> PathBuf {
    root().join("crates/cytoshade-formats/tests/seg").join(name)
}

fn convert(inputs: &[&Path], more: &[&str]) -> Output {
    program().args(["convert", "seg"]).args(inputs).args(more).output().unwrap()
}

#[test]
fn saved_segmentations_are_converted() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let to = ["--to", "tif,png,npy,rois,geojson,csv", "--output", out.to_str().unwrap()];
    let said = succeeded(&convert(&[&seg("v3.1.1.2_seg.npy")], &to));
    assert!(said.contains("16 x 20 pixels") && said.contains("5 cells") && said.contains("chan_choose"), "{said}");
    assert!(!said.contains("does not write"), "{said}");
    let expected = labels(&seg("masks.npy"));
    for name in ["v3.1.1.2_cp_masks.tif", "v3.1.1.2_cp_masks.png", "v3.1.1.2_cp_masks.npy"] {
        assert_eq!(labels(&out.join(name)), expected, "{name}");
    }
    let names = ["v3.1.1.2_cells.csv", "v3.1.1.2_cells.geojson"];
    assert_eq!((&files(&out)[..2], files(&out).len()), (&names.map(str::to_string)[..], 6));

    // Beside the input by default; a stack in one file if the format has stacks; unknown keys are listed, escaped.
    let stack = folder.path().join("stack_seg.npy");
    std::fs::copy(seg("stack2.3.2_seg.npy"), &stack).unwrap();
    let said = succeeded(&convert(&[&stack], &["--to", "tif,rois,csv,png", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((report["planes"].as_u64(), report["cells"].as_u64()), (Some(3), Some(5)), "{said}");
    assert_eq!(report["outputs"].as_array().map(Vec::len), Some(6), "{said}");
    let pages = ReadOptions::stack();
    assert_eq!(read(folder.path().join("stack_cp_masks.tif"), &pages).unwrap().len(), 3);
    assert_eq!(labels(&folder.path().join("stack_0001_cp_masks.png")), expected);
    assert!(folder.path().join("stack_0003_cp_masks.png").is_file());
    let said = succeeded(&convert(&[&seg("strange4_seg.npy")], &to));
    assert!(said.contains("does not write: my_notes") && said.contains("my_scalar, 7\n"), "{said}");
}

#[test]
fn a_conversion_overwrites_no_input_and_executes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a_seg.npy"), folder.path().join("a_cp_masks.npy"));
    std::fs::copy(seg("protocol4_seg.npy"), &first).unwrap();
    std::fs::copy(seg("protocol4_seg.npy"), &second).unwrap();
    let before = std::fs::read(&second).unwrap();
    let output = convert(&[&first, &second], &["--to", "npy"]);
    refused(&output, "is an input; use another folder");
    assert_eq!(std::fs::read(&second).unwrap(), before);
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::copy(&first, other.join("a_seg.npy")).unwrap();
    let out = folder.path().join("out");
    let to_one = ["--to", "tif", "--output", out.to_str().unwrap()];
    refused(&convert(&[&first, &other.join("a_seg.npy")], &to_one), "another result of this run");
    assert_eq!(files(&out), ["a_cp_masks.tif"]);

    let hostile = root().join("tests/hostile/seg_calls_os_system.npy");
    refused(&convert(&[&hostile], &to_one), "nothing was run");
    refused(&convert(&[&photograph()], &to_one), "bytes of no numpy file");
    refused(&convert(&[&seg("masks.npy")], &to_one), "an array of numbers");
    refused(&convert(&[Path::new("no-such_seg.npy")], &to_one), "no-such_seg.npy");
    refused(&convert(&[&first], &["--to", "jpeg"]), "jpeg");
    refused(&convert(&[&first], &[]), "--to");
    assert_eq!(files(&out), ["a_cp_masks.tif"]);
}

#[test]
fn devices_are_listed() {
    let said = succeeded(&program().arg("devices").output().unwrap());
    assert!(said.contains("CPU") && said.contains("auto"), "{said}");
}

#[test]
fn kernels_are_listed_and_an_unknown_one_is_refused() {
    let help = succeeded(&program().args(["segment", "--help"]).output().unwrap());
    for kernel in cytoshade::ConvKernel::ALL {
        assert!(help.contains(kernel.name()), "{help}");
    }
    let folder = tempfile::tempdir().unwrap();
    let photograph = photograph();
    refused(&segment(folder.path(), &[&photograph], &["--kernel", "cudnn"]), "direct, broadcast, gemm, matrix");
    // The CPU has other kernels.
    succeeded(&segment(folder.path(), &[&photograph], &["--kernel", "gemm"]));
}

#[test]
fn threads_and_instructions_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let masks = |name: &str, more: &[&str]| {
        let output = folder.path().join(name);
        let done = segment(&output, &[&photograph()], &[more, &["--json"]].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let image = read(output.join("demo_cp_masks.tif"), &ReadOptions::default()).unwrap().remove(0);
        (image, String::from_utf8(done.stdout).unwrap())
    };
    let (expected, _) = masks("all", &[]);
    let (found, report) = masks("one", &["--threads", "1"]);
    assert!(report.contains("1 thread)"), "{report}");
    assert!(found == expected, "one thread finds other cells");
    let (_, report) = masks("portable", &["--cpu-isa", "portable", "--threads", "3"]);
    assert!(report.contains("CPU (portable, 3 threads)"), "{report}");
    let refuse = |more: &[&str], what: &str| refused(&segment(folder.path(), &[&photograph()], more), what);
    refuse(&["--threads", "0"], "--threads");
    refuse(&["--cpu-isa", "mmx"], "unknown instruction set `mmx`");
    refuse(&["--cpu-isa", if cfg!(target_arch = "x86_64") { "neon" } else { "avx2" }], "this machine has no");
}
