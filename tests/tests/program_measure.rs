//! `cytoshade measure`, `eval` and `view`, and the measurements and pictures of `segment`.

use std::path::{Path, PathBuf};
use std::process::Output;

use cytoshade_formats::{Labels, ReadOptions, read, write_labels_npy, write_labels_tiff};
use cytoshade_tests::program::{files, program, refused, root, succeeded};
use serde_json::Value;

fn photograph() -> PathBuf {
    root().join("models/demo.png")
}

fn run(command: &str, arguments: &[&Path], more: &[&str]) -> Output {
    program().arg(command).args(arguments).args(more).output().unwrap()
}

/// `cytoshade segment` on the CPU with the bundled network.
fn segment(arguments: &[&Path], more: &[&str]) -> Output {
    let model = root().join("models/cytoshade-demo.safetensors");
    let mut program = program();
    program.args(["segment", "--device", "cpu", "--model"]).arg(model).args(arguments).args(more).output().unwrap()
}

fn write(path: &Path, labels: &Labels) {
    let mut file = std::io::Cursor::new(Vec::new());
    match path.extension().is_some_and(|extension| extension == "npy") {
        true => write_labels_npy(&mut file, labels).unwrap(),
        false => write_labels_tiff(&mut file, labels).unwrap(),
    }
    std::fs::write(path, file.into_inner()).unwrap();
}

/// Squares of 6 x 6 pixels in a row, with these labels; 0 is no square.
fn squares(labels: &[u32]) -> Labels {
    let width = labels.len() * 10;
    let label = |at: usize| {
        let (y, x) = (at / width, at % width);
        if (2..8).contains(&y) && (2..8).contains(&(x % 10)) { labels[x / 10] } else { 0 }
    };
    Labels::new((0..10 * width).map(label).collect(), 10, width).unwrap()
}

/// The rows of a table without quotes, each as the values by column.
fn rows(table: &str, delimiter: char) -> Vec<Vec<(String, String)>> {
    let mut lines = table.lines();
    let names: Vec<String> = lines.next().unwrap().split(delimiter).map(str::to_owned).collect();
    lines.map(|line| names.iter().cloned().zip(line.split(delimiter).map(str::to_owned)).collect()).collect()
}

fn value<'r>(row: &'r [(String, String)], name: &str) -> &'r str {
    row.iter()
        .find(|value| value.0 == name)
        .map(|value| value.1.as_str())
        .unwrap_or_else(|| panic!("no {name}: {row:?}"))
}

#[test]
fn a_run_has_one_table_that_is_complete_after_an_interruption() {
    let folder = tempfile::tempdir().unwrap();
    let (images, out) = (folder.path().join("images"), folder.path().join("out"));
    std::fs::create_dir_all(images.join("b")).unwrap();
    for name in ["a.png", "b/a.png"] {
        std::fs::copy(photograph(), images.join(name)).unwrap();
    }
    let options = ["--recursive", "--measure", "tsv", "--save-flows", "--output", out.to_str().unwrap()];
    succeeded(&segment(&[&images], &options));
    let path = out.join("cytoshade-measurements.tsv");
    let table = std::fs::read_to_string(&path).unwrap();
    let all = rows(&table, '\t');
    let names: std::collections::BTreeSet<&str> = all.iter().map(|row| value(row, "image")).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "b/a"]);
    assert!(all.iter().all(|row| value(row, "file").ends_with("images/a.png") || value(row, "image") == "b/a"));
    assert!(all.iter().all(|row| value(row, "flow_error").parse::<f64>().unwrap() < 0.4), "{table}");

    // The same cells, measured from the files.
    let parts = ["a_cp_masks.tif", "a_measurements.csv", "a_flows.npy"].map(|name| out.join(name));
    let flows = ["--flows", parts[2].to_str().unwrap()];
    let measured = succeeded(&run("measure", &[&parts[0], &images.join("a.png")], &flows));
    assert_eq!(measured, std::fs::read_to_string(&parts[1]).unwrap());
    assert_eq!(rows(&measured, ',').len() * 2, all.len());

    // As after an interruption: one image has no results, and there is no table.
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(out.join("b/a_measurements.csv")).unwrap();
    succeeded(&segment(&[&images], &[&options[..], &["--skip-done"]].concat()));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), table);
}

#[test]
fn a_table_that_cannot_be_written_loses_neither_results_nor_the_trace() {
    let folder = tempfile::tempdir().unwrap();
    let [table, trace] = ["cytoshade-measurements.csv", "trace.json"].map(|name| folder.path().join(name));
    std::fs::create_dir(&table).unwrap();
    let [out, trace_option] = [folder.path(), &trace].map(|path| path.to_str().unwrap());
    let options = ["--measure", "csv", "--output", out, "--trace", trace_option];
    let output = segment(&[&photograph()], &options);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write"), "{output:?}");
    assert!(trace.is_file() && folder.path().join("demo_cp_masks.tif").is_file());
}

#[test]
fn labels_from_anywhere_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let labels = squares(&[1, 0, 40, 7]);
    ["cells.tif", "cells.npy"].iter().for_each(|name| write(&at(name), &labels));
    let table = succeeded(&run("measure", &[&at("cells.tif")], &["--pixel-size", "0.5"]));
    let all = rows(&table, ',');
    assert_eq!(all.iter().map(|row| value(row, "label")).collect::<Vec<_>>(), ["1", "7", "40"]);
    for row in &all {
        let found = ["area", "solidity", "touches_border", "area_um2", "perimeter"].map(|name| value(row, name));
        assert_eq!(found, ["36", "1", "false", "9", "20"]);
    }
    let plain = succeeded(&run("measure", &[&at("cells.npy")], &[]));
    assert!(!plain.contains("_um") && !plain.contains("intensity") && plain.contains("\n40,36,"), "{plain}");

    // A stack of three z-slices.
    let stack: Vec<u32> = labels.as_slice().repeat(3);
    let stack = cytoshade_formats::LabelVolume::new(stack, 3, 10, 40).unwrap();
    let mut file = std::io::Cursor::new(Vec::new());
    write_labels_tiff(&mut file, &stack).unwrap();
    std::fs::write(at("stack.tif"), file.into_inner()).unwrap();
    let output = at("stack.csv");
    let options = ["--pixel-size", "0.5", "--z-step", "2", "--output", output.to_str().unwrap()];
    succeeded(&run("measure", &[&at("stack.tif")], &options));
    let all = rows(&std::fs::read_to_string(&output).unwrap(), ',');
    let found = ["area", "centroid-0", "bbox-3", "volume_um3", "solidity"].map(|name| value(&all[0], name));
    assert_eq!(found, ["108", "1", "3", "54", "1"]);

    refused(&run("measure", &[&at("cells.tif")], &["--output", "cells.xlsx"]), "has no known ending");
    refused(&run("measure", &[&at("cells.tif")], &["--output", at("cells.tif").to_str().unwrap()]), "no known ending");
    refused(&run("measure", &[&at("cells.tif"), &photograph()], &[]), "pass the image that was segmented");
    refused(&run("measure", &[&photograph()], &[]), "channels");
}

// The names are not allowed on Windows.
#[cfg(unix)]
#[test]
fn segmentations_are_compared_with_a_ground_truth() {
    let folder = tempfile::tempdir().unwrap();
    let [found, truth] = ["found", "truth"].map(|name| folder.path().join(name));
    [&found, &truth].iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
    write(&truth.join("a_label.tif"), &squares(&[3, 2, 1, 0]));
    write(&found.join("a_cp_masks.tif"), &squares(&[9, 8, 0, 4]));
    write(&truth.join("<b>_label.tif"), &squares(&[1, 2]));
    write(&found.join("<b>_cp_masks.tif"), &squares(&[5, 6]));
    write(&truth.join("c_label.tif"), &squares(&[1]));
    let [svg, pictures] = ["ap.svg", "pictures"].map(|name| folder.path().join(name));
    let more = ["--json", "--svg", svg.to_str().unwrap(), "--pictures", pictures.to_str().unwrap()];
    let output = run("eval", &[&found, &truth], &more);
    let json: Value = serde_json::from_str(&succeeded(&output)).unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("c_label.tif: no file of the same name"));
    let image = &json["images"][1];
    assert_eq!((&image["image"], &image["cells_true"], &image["cells_predicted"]), (&"a".into(), &3.into(), &3.into()));
    let scores = &image["scores"][0];
    let counts = ["true_positives", "false_positives", "false_negatives"].map(|name| scores[name].as_u64().unwrap());
    assert_eq!((counts, scores["average_precision"].as_f64()), ([2, 1, 1], Some(0.5)));
    assert_eq!(image["aggregated_jaccard_index"].as_f64(), Some(0.5));
    assert_eq!(json["mean"]["average_precision"][0].as_f64(), Some(0.75));
    assert_eq!((&json["all_cells"][0]["true_positives"], &json["unpaired"]), (&4.into(), &1.into()));

    let svg = std::fs::read_to_string(&svg).unwrap();
    assert!(svg.contains("<title>&lt;b&gt;</title>") && !svg.contains("<b>") && svg.contains("role=\"img\""), "{svg}");
    assert_eq!(files(&pictures), ["<b>_eval.png", "a_eval.png"]);
    let picture = read(pictures.join("a_eval.png"), &ReadOptions::default()).unwrap();
    let at = |x: usize| [0, 1, 2].map(|part| picture[0].to_planes(part).unwrap().as_slice()[5 * 40 + x] as u8);
    assert_eq!([at(5), at(35), at(0)], [[0, 114, 178], [204, 121, 167], [0; 3]], "matched, extra, background");

    let table = succeeded(&run("eval", &[&found.join("a_cp_masks.tif"), &truth.join("a_label.tif")], &[]));
    assert!(table.starts_with("image  true  found  matched@0.5  missed  extra  AP@0.5"), "{table}");
    let other = &truth.join("<b>_label.tif");
    refused(&run("eval", &[&found.join("a_cp_masks.tif"), other], &[]), "labels of shape [10, 40], but those of");
    refused(&run("eval", &[&found, &truth], &["--thresholds", "0"]), "pass --thresholds with numbers above 0");
    refused(&run("eval", &[&found, &folder.path().join("pictures")], &[]), "no file in");
}

// The names are not allowed on Windows.
#[cfg(unix)]
#[test]
fn a_contact_sheet_is_one_file_without_requests() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(&at("good_cp_masks.tif"), &squares(&[1, 2, 3]));
    write(&at("a\"><script>alert(1)<_cp_masks.tif"), &squares(&[1]));
    std::fs::write(at("good_measurements.csv"), "label,equivalent_diameter_area,flow_error\n1,6.5,0.25\n2,7,\n")
        .unwrap();
    let output = succeeded(&run("view", &[folder.path()], &[]));
    assert!(output.starts_with("2 images, 3 cells -> "), "{output}");
    let html = std::fs::read_to_string(at("cytoshade-view.html")).unwrap();
    assert!(!html.contains("<script") && html.contains("a&quot;&gt;&lt;script&gt;alert(1)&lt;"), "{html}");
    assert!(html.contains("content=\"default-src 'none'; img-src data:; style-src 'sha256-"));
    assert!(html.find("<h2>good</h2>") < html.find("<h2>a&quot;"), "the image with a flow error first");
    assert_eq!(html.matches("data:image/png;base64,").count(), 2);
    assert!(!html.contains("http:") && !html.contains("https:"), "{html}");

    std::fs::write(at("good_measurements.csv"), "label,x\n").unwrap();
    let output = run("view", &[folder.path()], &[]);
    refused(&output, "good_measurements.csv: no measurement is named \"x\"");
    let empty = tempfile::tempdir().unwrap();
    refused(&run("view", &[empty.path()], &[]), "holds no results");
}

#[test]
fn pictures_of_an_image_and_of_a_stack() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let photograph = photograph();
    succeeded(&segment(&[&photograph], &["--output", out, "--save-pictures", "flows,outlines,colors"]));
    let expected = ["demo_cp_masks.tif", "demo_flow_colors.png", "demo_mask_colors.png", "demo_outlines.png"];
    assert_eq!(files(folder.path()), expected);
    let image = &read(&photograph, &ReadOptions::default()).unwrap()[0];
    for name in &expected[1..] {
        let picture = &read(folder.path().join(name), &ReadOptions::default()).unwrap()[0];
        assert_eq!((picture.height(), picture.width(), picture.channels()), (image.height(), image.width(), 3));
    }
    refused(&segment(&[&photograph], &["--output", out, "--save-pictures", "montage"]), "shows a stack");
    let stack = root().join("tests/fixtures/volume");
    let tif = std::fs::read_dir(&stack).unwrap().flatten().map(|file| file.path());
    let tif = tif.filter(|path| path.extension().is_some_and(|extension| extension == "tif")).min().unwrap();
    let options = ["--stitch-threshold", "0.3", "--save-pictures", "montage", "--measure", "csv", "--output", out];
    succeeded(&segment(&[&tif], &options));
    assert!(files(folder.path()).iter().any(|name| name.ends_with("_montage.png")));
    assert!(files(folder.path()).iter().any(|name| name == "cytoshade-measurements.csv"));
}
