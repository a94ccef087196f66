//! Runs over folders: what is segmented, the manifest, and runs that are repeated, killed, interrupted or that watch.

use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::process::{Child, Stdio};
use std::process::{Command, Output};
#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

use cytoshade_formats::{Image, ReadOptions, TiffMetadata, read, write_images_tiff};
use cytoshade_tests::program::{MANIFEST, files, program, refused, root, succeeded};
use serde_json::Value;

/// `cytoshade segment` on the CPU with the bundled model, or `watch`.
fn command(name: &str, inputs: &[&Path], more: &[&str]) -> Command {
    let mut program = program();
    program.arg(name).args(inputs).args(["--device", "cpu", "--model"]);
    program.arg(root().join("models/cytoshade-demo.safetensors")).args(more);
    program
}

fn segment(inputs: &[&Path], more: &[&str]) -> Output {
    command("segment", inputs, more).output().unwrap()
}

/// Writes a crop of the bundled photograph, different for each number.
fn crop(path: &Path, number: usize) {
    let photograph = &read(root().join("models/demo.png"), &ReadOptions::default()).unwrap()[0];
    let planes = photograph.to_planes(0).unwrap();
    let (top, left) = (number * 7 % 40, number * 13 % 60);
    let rows = (top..top + 90).flat_map(|y| &planes.as_slice()[y * planes.width()..][left..left + 110]);
    let image = Image::new(rows.copied().collect::<Vec<f32>>(), 1, 90, 110).unwrap();
    let mut bytes = std::io::Cursor::new(Vec::new());
    write_images_tiff(&mut bytes, &[image], &TiffMetadata::default()).unwrap();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes.into_inner()).unwrap();
}

/// A folder of crops by these paths.
fn crops(paths: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    paths.iter().enumerate().for_each(|(number, path)| crop(&folder.path().join(path), number));
    folder
}

/// The last line of `--json`.
fn summary(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stdout);
    let line: Value = serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap_or_default();
    assert!(line["summary"].is_object(), "{said} {}", String::from_utf8_lossy(&output.stderr));
    line["summary"].clone()
}

fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(MANIFEST)).unwrap()).unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn folders_keep_their_structure_and_results_are_no_images() {
    let images = crops(&["a/x.tif", "b/x.tif", "b/deep/y10.tif", "b/deep/y9.tif"]);
    std::fs::write(images.path().join("b/notes.txt"), "no image").unwrap();
    let out = tempfile::tempdir().unwrap();
    let to = ["--recursive", "--json", "--output", out.path().to_str().unwrap()];
    let output = segment(&[images.path()], &to);
    let said = succeeded(&output);
    let inputs: Vec<String> = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).unwrap()["input"].as_str().map(str::to_owned))
        .collect();
    let expected = ["a/x.tif", "b/deep/y9.tif", "b/deep/y10.tif", "b/x.tif"];
    assert_eq!(inputs, expected.map(|path| images.path().join(path).display().to_string()));
    assert_eq!(files(&out.path().join("a")), ["x_cp_masks.tif"]);
    assert_eq!(files(&out.path().join("b/deep")), ["y10_cp_masks.tif", "y9_cp_masks.tif"]);
    assert_ne!(
        std::fs::read(out.path().join("a/x_cp_masks.tif")).unwrap(),
        std::fs::read(out.path().join("b/x_cp_masks.tif")).unwrap()
    );

    // Beside the images; the results of the first run are not segmented by the second.
    for _ in 0..2 {
        succeeded(&segment(&[images.path()], &["--recursive", "--save-overlay"]));
        assert_eq!(files(&images.path().join("a")), ["x.tif", "x_cp_masks.tif", "x_overlay.png"]);
    }
    let output = segment(&[images.path()], &["--recursive"]);
    assert!(error(&output).contains("names are those of results: 8\n"), "{}", error(&output));
    let of = |folder: &Path| std::fs::read(folder.join("b/deep/y9_cp_masks.tif")).unwrap();
    assert_eq!(of(images.path()), of(out.path()));
    // A pattern in quotes.
    let pattern = images.path().join("*/x.tif");
    let output = segment(&[&pattern], &["--json", "--exclude", "a"]);
    succeeded(&output);
    assert_eq!(summary(&output)["done"], 1);
    refused(&segment(&[&images.path().join("*.tif")], &[]), "no image matches this pattern");
    refused(&segment(&[images.path()], &[]), "--recursive");
}

/// A batch, lists, time series and images that are segmented alone give the labels of single runs.
#[test]
fn a_run_writes_the_same_files_as_runs_of_single_images() {
    let images = crops(&["c1.tif", "c2.tif", "c3.tif", "c4.tif"]);
    std::fs::copy(root().join("models/demo.png"), images.path().join("demo.png")).unwrap();
    let pages = root().join("crates/cytoshade-formats/tests/fixtures/pages6_u2.tif");
    std::fs::copy(pages, images.path().join("c2b_pages.tif")).unwrap();
    let together = tempfile::tempdir().unwrap();
    let formats = ["--save", "npy,csv,seg", "--save-overlay", "--save-flows", "--output"];
    let to = together.path().to_str().unwrap();
    let output = segment(&[images.path()], &[&formats[..], &[to, "--json"]].concat());
    succeeded(&output);
    let totals = summary(&output);
    assert_eq!((totals["images"].as_u64(), totals["done"].as_u64()), (Some(11), Some(6)), "{totals}");
    assert!(totals["network_seconds"].as_f64() > Some(0.0) && totals["median_diameter"].as_f64() > Some(5.0));
    let alone = tempfile::tempdir().unwrap();
    for name in files(images.path()) {
        let to = alone.path().to_str().unwrap();
        succeeded(&segment(&[&images.path().join(name)], &[&formats[..], &[to]].concat()));
    }
    let names = files(together.path());
    assert_eq!(names, files(alone.path()));
    assert_eq!(names.len(), 6 * 11);
    let mut contents = Vec::new();
    for name in names {
        let [a, b] = [&together, &alone].map(|folder| std::fs::read(folder.path().join(&name)).unwrap());
        assert!(a == b, "{name}");
        contents.push(a);
    }
    contents.dedup();
    assert!(contents.len() > 30, "the images differ");
}

#[test]
fn what_fails_is_reported_before_the_first_image_and_in_the_end() {
    let images = crops(&["a.tif", "b.tif", "c.tif"]);
    std::fs::write(images.path().join("z.png"), "no image").unwrap();
    std::fs::write(images.path().join("a_seg.npy"), "corrected").unwrap();
    let output = segment(&[images.path()], &["--save-seg"]);
    assert_eq!(output.status.code(), Some(1));
    let text = error(&output);
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
    assert!(at("z.png: the file is of an unknown format") < at("images"), "{text}");
    assert!(at("corrections by hand") < at("images") && text.contains("2 of 4 inputs failed"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("failed: ") && line.contains("a_seg.npy")), "{text}");
    assert_eq!(std::fs::read(images.path().join("a_seg.npy")).unwrap(), b"corrected");
    let output = segment(&[images.path()], &["--json"]);
    let totals = summary(&output);
    assert_eq!((totals["done"].as_u64(), totals["inputs"].as_u64()), (Some(3), Some(4)), "{totals}");
    assert!(totals["failed"][0]["input"].as_str().is_some_and(|path| path.ends_with("z.png")), "{totals}");
    // Nothing but the failure.
    let output = segment(&[images.path()], &["--quiet"]);
    assert!(output.stdout.is_empty());
    assert_eq!(error(&output).lines().count(), 2, "{}", error(&output));
    // One result for two images.
    std::fs::copy(images.path().join("a.tif"), images.path().join("a.tiff")).unwrap();
    refused(&segment(&[images.path()], &[]), "have the same result, a_cp_masks.tif");
    assert_eq!(segment(&[images.path()], &["--exclude", "a.tiff", "--exclude", "z*"]).status.code(), Some(0));
}

#[test]
fn complete_inputs_are_skipped_and_changed_ones_are_not() {
    let images = crops(&["a.tif", "b.tif", "sub/c.tif"]);
    let run = |more: &[&str]| {
        let output = segment(&[images.path()], &[&["--recursive", "--skip-done", "--json"], more].concat());
        let totals = summary(&output);
        (["done", "skipped", "images"].map(|key| totals[key].as_u64().unwrap()), error(&output))
    };
    assert_eq!(run(&[]).0, [3, 0, 3]);
    let first = manifest(images.path());
    assert_eq!(run(&[]).0, [0, 3, 0]);
    let inputs = first["inputs"].as_object().unwrap();
    assert_eq!(inputs.keys().collect::<Vec<_>>(), ["a.tif", "b.tif", "sub/c.tif"]);
    assert!(inputs["sub/c.tif"]["outputs"]["sub/c_cp_masks.tif"].as_str().is_some_and(|hash| hash.len() == 64));
    assert_eq!(first["runs"][0]["settings"]["params"]["niter"], Value::Null);

    // An image, and a missing result.
    crop(&images.path().join("b.tif"), 9);
    assert_eq!(run(&[]).0, [1, 2, 1]);
    std::fs::remove_file(images.path().join("sub/c_cp_masks.tif")).unwrap();
    assert_eq!(run(&[]).0, [1, 2, 1]);
    assert_eq!(run(&["--batch-size", "2"]).0, [0, 3, 0]);

    // A parameter, a format and the model; each is named.
    let (counts, said) = run(&["--diameter", "25", "--niter", "150"]);
    assert_eq!(counts, [3, 0, 3]);
    assert!(said.contains("diameter, niter differ"), "{said}");
    assert_eq!(run(&["--diameter", "25", "--niter", "150"]).0, [0, 3, 0]);
    let (counts, said) = run(&["--diameter", "25", "--niter", "150", "--precision", "auto"]);
    assert!(counts == [3, 0, 3] && said.contains("precision differ"), "{counts:?} {said}");
    assert_eq!(manifest(images.path())["runs"].as_array().map(Vec::len), Some(1), "of the first run nothing is left");
    assert_eq!(run(&["--save", "csv"]).0, [3, 0, 3]);
    // Without the option everything is segmented.
    let output = segment(&[images.path()], &["--json"]);
    assert_eq!(summary(&output)["done"], 2);

    // A manifest that cannot be one of ours stops the run before it writes.
    std::fs::write(images.path().join(MANIFEST), r#"{"format": 1, "runs": [], "inputs": {"a": 1}}"#).unwrap();
    refused(&segment(&[images.path()], &[]), "as a record of earlier runs");
}

#[test]
fn images_are_segmented_again_by_another_version() {
    let images = crops(&["a.tif"]);
    succeeded(&segment(&[images.path()], &[]));
    let mut earlier = manifest(images.path());
    earlier["runs"][0]["version"] = "0.0.1".into();
    std::fs::write(images.path().join(MANIFEST), earlier.to_string()).unwrap();
    let output = segment(&[images.path()], &["--skip-done", "--json"]);
    assert_eq!(summary(&output)["done"], 1);
    assert!(error(&output).contains("version differ from those of the earlier run"), "{}", error(&output));
}

/// Labels that a person corrected survive every run that is not told to replace them.
#[test]
fn corrected_labels_beside_the_images_are_kept() {
    let images = crops(&["a.tif", "b.tif"]);
    let formats = ["--save", "png,npy,rois,geojson,outlines,seg"];
    let run = |more: &[&str]| segment(&[images.path()], &[&formats[..], &["--json"], more].concat());
    // Labels of another program, whose names are the same.
    std::fs::write(images.path().join("a_cp_masks.png"), "of Cellpose").unwrap();
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error(&output).contains("a_cp_masks.png exists and may hold corrections by hand; pass"),
        "{}",
        error(&output)
    );
    assert_eq!(files(images.path()).iter().filter(|name| name.starts_with("a_")).count(), 1);
    std::fs::remove_file(images.path().join("a_cp_masks.png")).unwrap();
    succeeded(&run(&[]));
    succeeded(&run(&["--niter", "100"]));

    let results = files(images.path());
    let labels: Vec<&String> = results.iter().filter(|name| name.starts_with("a_")).collect();
    assert_eq!(labels.len(), 7, "{labels:?}");
    for name in labels {
        let path = images.path().join(name);
        let written = std::fs::read(&path).unwrap();
        std::fs::write(&path, "corrected").unwrap();
        // A complete input is skipped, and others are not held up.
        let output = run(&["--niter", "100", "--skip-done"]);
        assert_eq!(summary(&output)["skipped"], 2, "{name}");
        succeeded(&output);
        assert!(
            error(&output).contains("1 of the skipped inputs have results that were changed"),
            "{}",
            error(&output)
        );
        // Another setting, or no --skip-done: the input fails, and the other one is segmented.
        for more in [&["--niter", "120", "--skip-done"][..], &["--niter", "100"]] {
            let output = run(more);
            let text = error(&output);
            assert!(text.contains(&format!("{name} exists and may hold corrections by hand")), "{text}");
            assert_eq!(summary(&output)["done"], 1, "{name} {more:?}");
            assert_eq!(std::fs::read(&path).unwrap(), b"corrected", "{name} {more:?}");
        }
        std::fs::write(&path, written).unwrap();
    }
    let path = images.path().join("a_cp_masks.tif");
    std::fs::write(&path, "corrected").unwrap();
    succeeded(&run(&["--niter", "100", "--replace"]));
    assert_ne!(std::fs::read(&path).unwrap(), b"corrected");
    // In a folder that was named for results, only the file of the graphical program is kept.
    let out = tempfile::tempdir().unwrap();
    let to = ["--output", out.path().to_str().unwrap()];
    succeeded(&run(&to));
    std::fs::write(out.path().join("a_cp_masks.tif"), "changed").unwrap();
    succeeded(&run(&to));
    assert_ne!(std::fs::read(out.path().join("a_cp_masks.tif")).unwrap(), b"changed");
    std::fs::write(out.path().join("a_seg.npy"), "corrected").unwrap();
    refused(&run(&to), "a_seg.npy exists and may hold corrections by hand");
}

#[test]
fn a_saved_segmentation_is_replaced_unless_a_person_changed_it() {
    let images = crops(&["a.tif", "b.tif"]);
    let run = || segment(&[images.path()], &["--save-seg"]);
    succeeded(&run());
    succeeded(&run());
    let seg = images.path().join("a_seg.npy");
    let mut bytes = std::fs::read(&seg).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&seg, &bytes).unwrap();
    let output = run();
    refused(&output, "corrections by hand");
    assert!(error(&output).contains("1 of 2 inputs failed"));
    assert_eq!(std::fs::read(&seg).unwrap(), bytes);
    succeeded(&segment(&[images.path()], &["--save-seg", "--replace-seg"]));
}

/// A TIFF of 32 x 40 equal samples with a description.
fn described_tiff(description: &str, sample: u16) -> Vec<u8> {
    use tiff::encoder::{TiffEncoder, colortype::Gray16};
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    let mut image = encoder.new_image::<Gray16>(40, 32).unwrap();
    image.encoder().write_tag(tiff::tags::Tag::ImageDescription, description).unwrap();
    image.write_data(&[sample; 32 * 40]).unwrap();
    bytes.into_inner()
}

/// An OME-TIFF of two time points, each in a file of its own.
fn write_set(folder: &Path, names: [&str; 2]) {
    (0..2).for_each(|number| write_file_of_set(folder, names, number, 0));
}

/// One file of such a set, of equal samples.
fn write_file_of_set(folder: &Path, names: [&str; 2], number: usize, sample: u16) {
    let plane = |time: usize| {
        format!(
            r#"<TiffData IFD="0" FirstT="{time}" PlaneCount="1"><UUID FileName="{}">urn:uuid:{time}</UUID></TiffData>"#,
            names[time]
        )
    };
    let planes = plane(0) + &plane(1);
    let pixels = format!(
        r#"<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="40" SizeY="32" SizeZ="1" SizeC="1" SizeT="2">{planes}</Pixels>"#
    );
    let xml = format!(r#"<OME UUID="urn:uuid:{number}"><Image ID="Image:0">{pixels}</Image></OME>"#);
    std::fs::write(folder.join(names[number]), described_tiff(&xml, sample)).unwrap();
}

#[test]
fn a_result_does_not_replace_another_file_of_a_set() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["first.ome.tif", "first.ome_cp_masks.tif"];
    write_set(folder.path(), names);
    let [first, second] = names.map(|name| folder.path().join(name));
    let before = std::fs::read(&second).unwrap();
    let output = segment(&[&first], &["--output", folder.path().to_str().unwrap()]);
    refused(&output, "first.ome_cp_masks.tif is an input");
    assert!(std::fs::read(&second).unwrap() == before);
}

/// A file of the set stops growing after the set was segmented.
#[cfg(target_os = "linux")]
#[test]
fn a_watch_segments_a_set_once() {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path(), ["first.ome.tif", "second.ome.tif"]);
    let process = start(&command("watch", &[folder.path()], &["--settle", "0.6"]));
    let clock = Instant::now();
    let second = std::fs::OpenOptions::new().append(true).open(folder.path().join("second.ome.tif")).unwrap();
    while !folder.path().join("first.ome_cp_masks.tif").exists() {
        assert!(clock.elapsed() < Duration::from_secs(120), "{:?}", files(folder.path()));
        second.set_modified(std::time::SystemTime::now()).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(4));
    signal(&process, "INT");
    let text = error(&process.wait_with_output().unwrap());
    assert!(text.contains("interrupted after 2 of 2 inputs"), "the set was checked again: {text}");
    assert_eq!(files(folder.path()), ["first.ome.tif", "first.ome_cp_masks.tif", "second.ome.tif"]);
}

#[test]
fn the_files_of_a_set_are_one_input() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["first.ome.tif", "second.ome.tif"];
    write_set(folder.path(), names);
    let run = |more: &[&str]| summary(&segment(&[folder.path()], &[&["--json", "--skip-done"], more].concat()));
    let totals = run(&[]);
    assert_eq!((totals["inputs"].as_u64(), totals["images"].as_u64()), (Some(1), Some(2)), "{totals}");
    assert_eq!(files(folder.path()), ["first.ome.tif", "first.ome_cp_masks.tif", "second.ome.tif"]);
    assert_eq!(run(&[])["skipped"], 1);
    // The hash of the input is that of all its files.
    write_file_of_set(folder.path(), names, 1, 9);
    assert_eq!(run(&[])["done"], 1);
}

#[cfg(target_os = "linux")]
fn signal(process: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &process.id().to_string()]).status().unwrap().success());
}

/// Starts a run without the ignored signals of a background job.
#[cfg(target_os = "linux")]
fn start(command: &Command) -> Child {
    let mut reset = Command::new("env");
    reset.arg("--default-signal=INT,TERM,HUP").arg(command.get_program()).args(command.get_args());
    reset.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// All files below a folder with their contents.
#[cfg(target_os = "linux")]
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => all.extend(contents(&path)),
            path => all.push((path.clone(), std::fs::read(path).unwrap_or_default())),
        }
    }
    all.sort();
    all
}

/// `kill -9` at random moments, each time the same command again: at no time a result is partial, and in the end all are
/// there and nothing else.
///
/// Each moment is a number of results. Kills go on until 20 fell between a run's first result and the last of all.
/// `CYTOSHADE_TEST_SEED` selects other moments.
#[cfg(target_os = "linux")]
#[test]
fn killed_runs_leave_whole_results_and_the_last_one_completes_them() {
    let names: Vec<String> = (0..24).map(|number| format!("{}/{number}.tif", number % 3)).collect();
    let images = crops(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let inputs = contents(images.path());
    let options = ["--recursive", "--skip-done", "--save-seg", "--save", "csv", "--quiet"];
    let run = || command("segment", &[images.path()], &options);

    succeeded(&run().output().unwrap());
    let is_manifest = |path: &Path| path.ends_with(MANIFEST);
    let expected: Vec<_> = contents(images.path()).into_iter().filter(|(path, _)| !is_manifest(path)).collect();
    let names: Vec<PathBuf> = expected.iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(names.len(), 24 * 4);
    let remove_results = || {
        for (path, _) in contents(images.path()) {
            if !inputs.iter().any(|(input, _)| *input == path) {
                std::fs::remove_file(path).unwrap();
            }
        }
    };
    remove_results();

    let written = || names.iter().filter(|name| name.exists()).count() - 24;
    let seed = std::env::var("CYTOSHADE_TEST_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("CYTOSHADE_TEST_SEED={seed}");
    let mut random = cytoshade_tests::random::Random(seed);
    let (mut kill, mut partial) = (0, 0);
    while partial < 20 {
        let before = written();
        let moment = random.number(before as f32, 24.0 * 3.0);
        let mut process = start(&run());
        while (written() as f32) < moment && process.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = process.kill();
        process.wait().unwrap();
        let visible = contents(images.path());
        let is_temporary = |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with(".cytoshade-");
        for (path, bytes) in visible.iter().filter(|(path, _)| !is_temporary(path)) {
            match expected.iter().find(|(name, _)| name == path) {
                Some((_, whole)) => assert!(whole == bytes, "seed {seed}, kill {kill}: {} is partial", path.display()),
                None => {
                    let name = path.file_name().unwrap().to_string_lossy();
                    assert!(name == MANIFEST || name == "cytoshade-run.journal", "seed {seed}: {name}");
                }
            }
        }
        kill += 1;
        partial += usize::from((before + 1..24 * 3).contains(&written()));
        // Resumed runs get through; begin anew, so that later kills meet images too.
        if written() == 24 * 3 {
            remove_results();
        }
    }
    // Temporary files of the last run are swept once they have not changed for some seconds.
    std::thread::sleep(Duration::from_secs(6));
    let output = run().output().unwrap();
    assert!(output.status.success(), "seed {seed}: {}", error(&output));
    let (manifests, results): (Vec<_>, Vec<_>) =
        contents(images.path()).into_iter().partition(|(path, _)| is_manifest(path));
    assert_eq!(results.iter().map(|(path, _)| path).collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
    assert!(results == expected, "seed {seed}");
    assert_eq!(manifests.len(), 1);
    assert_eq!(manifest(images.path())["inputs"].as_object().map(serde_json::Map::len), Some(24));
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_run_goes_on() {
    let names: Vec<String> = (0..30).map(|number| format!("{number}.tif")).collect();
    let images = crops(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let process = start(&command("segment", &[images.path()], &["--skip-done", "--augment"]));
    let clock = Instant::now();
    while files(images.path()).len() < 33 && clock.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&process, "INT");
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", error(&output));
    assert!(error(&output).contains("of 30 inputs"), "{}", error(&output));
    let before = manifest(images.path())["inputs"].as_object().map(serde_json::Map::len).unwrap();
    assert_eq!(files(images.path()).len(), 30 + before, "every result is recorded");
    assert!((1..30).contains(&before));
    let output = segment(&[images.path()], &["--skip-done", "--augment", "--json"]);
    let totals = summary(&output);
    assert_eq!((totals["skipped"].as_u64(), totals["inputs"].as_u64()), (Some(before as u64), Some(30)));
}

/// An acquisition that writes a file in two parts, and another while the first is segmented.
#[cfg(target_os = "linux")]
#[test]
fn a_watch_segments_files_that_have_stopped_growing() {
    let source = crops(&["a.tif", "b.tif"]);
    let folder = tempfile::tempdir().unwrap();
    let process = start(&command("watch", &[folder.path()], &["--settle", "0.6", "--recursive"]));
    let wait_for = |count: usize| {
        let clock = Instant::now();
        while contents(folder.path())
            .iter()
            .filter(|(path, _)| path.ends_with("a_cp_masks.tif") || path.ends_with("b_cp_masks.tif"))
            .count()
            < count
        {
            assert!(clock.elapsed() < Duration::from_secs(120), "{:?}", files(folder.path()));
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let bytes = std::fs::read(source.path().join("a.tif")).unwrap();
    for part in 1..=8 {
        std::fs::write(folder.path().join("a.tif"), &bytes[..bytes.len() * part / 8]).unwrap();
        std::thread::sleep(Duration::from_millis(200));
    }
    wait_for(1);
    std::fs::create_dir(folder.path().join("day2")).unwrap();
    std::fs::copy(source.path().join("b.tif"), folder.path().join("day2/b.tif")).unwrap();
    wait_for(2);
    std::thread::sleep(Duration::from_millis(500));
    signal(&process, "INT");
    let output = process.wait_with_output().unwrap();
    let text = error(&output);
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(text.contains("interrupted after 2 of 2 inputs") && !text.contains("failed"), "{text}");
    let recorded = manifest(folder.path());
    assert_eq!(recorded["inputs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["a.tif", "day2/b.tif"]);
    // A run over the folder has nothing left to do.
    let output = segment(&[folder.path()], &["--recursive", "--skip-done", "--json"]);
    assert_eq!(summary(&output)["skipped"], 2);
    refused(&command("watch", &[&folder.path().join("a.tif")], &[]).output().unwrap(), "is not a folder");
}
