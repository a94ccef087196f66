//! What the program must not overwrite or lose: inputs, models, results, on closed streams and when it is interrupted.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use cytoshade_formats::{
    Labels, ReadOptions, read, read_labels, write_labels_npy, write_labels_png, write_labels_tiff,
};
use cytoshade_tests::program::{files, program, refused, root, succeeded};

fn model() -> PathBuf {
    root().join("models/cytoshade-demo.safetensors")
}

fn photograph() -> PathBuf {
    root().join("models/demo.png")
}

/// `cytoshade segment` on the CPU.
fn command(output: &Path, inputs: &[&Path], more: &[&str]) -> Command {
    let mut program = program();
    program.arg("segment").args(inputs).args(["--device", "cpu", "--output"]).arg(output).args(more);
    if !more.contains(&"--model") {
        program.arg("--model").arg(model());
    }
    program
}

fn segment(output: &Path, inputs: &[&Path], more: &[&str]) -> Output {
    command(output, inputs, more).output().unwrap()
}

fn labels(path: &Path) -> Vec<u32> {
    read_labels(&std::fs::read(path).unwrap(), &ReadOptions::default()).unwrap().view().as_slice().to_vec()
}

#[test]
fn inputs_and_models_are_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    // The second input has the name of the first one's result.
    let [first, second] = ["cells.png", "cells_cp_masks.tif"].map(|name| out.join(name));
    std::fs::copy(photograph(), &first).unwrap();
    std::fs::copy(photograph(), &second).unwrap();
    let before = std::fs::read(&second).unwrap();
    let output = segment(out, &[&first, &second], &[]);
    refused(&output, "cells_cp_masks.tif is an input; use another folder");
    assert_eq!(std::fs::read(&second).unwrap(), before);
    assert_eq!(files(out), ["cells.png", "cells_cp_masks.tif", "cells_cp_masks_cp_masks.tif"]);

    // A model there, and one that a link in another folder leads to.
    std::fs::copy(model(), &second).unwrap();
    refused(&segment(out, &[&first], &["--model", second.to_str().unwrap()]), "is a model of this run");
    let linked = out.join("linked");
    std::fs::hard_link(&second, &linked).unwrap();
    refused(&segment(out, &[&first], &["--model", linked.to_str().unwrap()]), "is a model of this run");
    assert_eq!(std::fs::read(&second).unwrap(), std::fs::read(model()).unwrap());
    refused(&segment(&out.join("new"), &[&first], &["--trace", first.to_str().unwrap()]), "cells.png is an input");

    let size_model = root().join("tests/fixtures/diameter/cytoshade-demo_size.npy");
    std::fs::copy(size_model, &second).unwrap();
    let output = segment(out, &[&first], &["--size-model", second.to_str().unwrap()]);
    refused(&output, "is the size model");
}

#[test]
fn restorations_are_not_written_over_inputs_and_models() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let fixtures = root().join("tests/fixtures/restore");
    let [image, result] = ["nuclei.png", "nuclei_restored.tif"].map(|name| out.join(name));
    std::fs::copy(fixtures.join("nuclei.png"), &image).unwrap();
    std::fs::copy(fixtures.join("denoise_small.safetensors"), &result).unwrap();
    let restore = |model: &Path, inputs: &[&Path]| {
        let mut program = program();
        program.args(["restore", "--device", "cpu", "--output"]).arg(out).arg("--model").arg(model).args(inputs);
        program.output().unwrap()
    };
    refused(&restore(&result, &[&image]), "is a model of this run");
    assert_eq!(std::fs::read(&result).unwrap(), std::fs::read(fixtures.join("denoise_small.safetensors")).unwrap());
    std::fs::copy(&image, &result).unwrap();
    let output = restore(&fixtures.join("denoise_small.safetensors"), &[&image, &result]);
    refused(&output, "nuclei_restored.tif is an input");
    assert_eq!(std::fs::read(&result).unwrap(), std::fs::read(&image).unwrap());
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let precious = folder.path().join("precious");
    std::fs::write(&precious, "old").unwrap();
    let link = out.join("demo_cp_masks.tif");
    for target in [precious.as_path(), Path::new("missing")] {
        std::os::unix::fs::symlink(target, &link).unwrap();
        refused(&segment(&out, &[&photograph()], &[]), "demo_cp_masks.tif is a link");
        std::fs::remove_file(&link).unwrap();
    }
    assert_eq!(std::fs::read(&precious).unwrap(), b"old");
    // The folder itself may be a link: the user named it.
    let linked = folder.path().join("linked");
    std::os::unix::fs::symlink(&out, &linked).unwrap();
    succeeded(&segment(&linked, &[&photograph()], &[]));
    assert_eq!(files(&out), ["demo_cp_masks.tif"]);
}

#[test]
fn cells_on_the_border_are_excluded() {
    let folder = tempfile::tempdir().unwrap();
    let [all, inner] = ["all", "inner"].map(|name| folder.path().join(name));
    succeeded(&segment(&all, &[&photograph()], &["--min-size", "-1"]));
    let said = succeeded(&segment(&inner, &[&photograph()], &["--min-size", "0", "--exclude-on-edges", "--json"]));
    let [all, inner] = [all, inner].map(|folder| folder.join("demo_cp_masks.tif"));
    let image = &read(&all, &ReadOptions::default()).unwrap()[0];
    let mut expected = Labels::new(labels(&all), image.height(), image.width()).unwrap();
    let before = expected.max();
    expected.remove_edge_masks();
    assert!(expected.max() < before && expected.max() > 5);
    assert_eq!(labels(&inner), expected.as_slice());
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["cells"], expected.max());
}

#[test]
fn label_images_are_converted() {
    let folder = tempfile::tempdir().unwrap();
    let cells = Labels::new((0..600).map(|at| [0, 7, 900][at / 20 % 3]).collect(), 20, 30).unwrap();
    let convert = |inputs: &[&Path], more: &[&str]| {
        program().args(["convert", "labels"]).args(inputs).args(more).output().unwrap()
    };
    type Write = fn(&mut std::io::Cursor<Vec<u8>>, &Labels) -> Result<(), cytoshade_formats::Error>;
    let forms: [(&str, Write); 3] = [
        ("a_cp_masks.tif", |out, labels| write_labels_tiff(out, labels)),
        ("b_masks.png", |out, labels| write_labels_png(out, labels)),
        ("c.npy", |out, labels| write_labels_npy(out, labels)),
    ];
    let all = "tif,png,npy,rois,geojson,csv,outlines,seg";
    for ((name, write), stem) in forms.into_iter().zip(["a", "b", "c"]) {
        let mut file = std::io::Cursor::new(Vec::new());
        write(&mut file, &cells).unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, file.into_inner()).unwrap();
        let out = folder.path().join(stem);
        let said = succeeded(&convert(&[&path], &["--to", all, "--json", "--output", out.to_str().unwrap()]));
        let report: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!((report["cells"].as_u64(), report["known"].as_array()), (Some(2), None), "{said}");
        assert_eq!(files(&out).len(), 8);
        for ending in ["_cp_masks.tif", "_cp_masks.png", "_cp_masks.npy"] {
            assert_eq!(labels(&out.join(format!("{stem}{ending}"))), cells.as_slice(), "{name} {ending}");
        }
        let seg = std::fs::read(out.join(format!("{stem}_seg.npy"))).unwrap();
        let seg = cytoshade_formats::read_seg(&seg, &cytoshade_formats::Limits::default()).unwrap();
        assert_eq!(seg.labels().as_slice(), cells.as_slice());
        // An existing file may have been corrected by hand.
        refused(&convert(&[&path], &["--to", "seg", "--output", out.to_str().unwrap()]), "exists and is kept");
    }
    refused(&convert(&[&photograph()], &["--to", "csv"]), "channels");
    let input = folder.path().join("a_cp_masks.tif");
    refused(&convert(&[&input], &["--to", "tif"]), "is an input");
}

/// The program's command line for a shell.
#[cfg(unix)]
fn in_shell(command: &Command, redirection: &str) -> Output {
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap());
    let words: Vec<String> = [command.get_program()].into_iter().chain(command.get_args()).map(quoted).collect();
    let mut shell = Command::new("sh");
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell.arg("-c").arg(format!("{} {redirection}", words.join(" "))).stdin(Stdio::null()).output().unwrap()
}

#[cfg(unix)]
#[test]
fn closed_and_full_streams_lose_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.png");
    std::fs::copy(photograph(), &copy).unwrap();
    let full = cfg!(target_os = "linux");
    let redirections = [
        (">&-", 0),
        ("2>&-", 0),
        (">&- 2>&-", 0),
        ("| head -c 1", 0),
        (if full { ">/dev/full" } else { ">&-" }, i32::from(full)),
        (if full { "2>/dev/full" } else { "2>&-" }, 0),
        (if full { ">/dev/full 2>&1" } else { ">&-" }, i32::from(full)),
    ];
    for (at, (redirection, status)) in redirections.into_iter().enumerate() {
        let out = folder.path().join(at.to_string());
        let command = command(&out, &[&photograph(), &copy], &["--json", "--profile"]);
        let output = in_shell(&command, redirection);
        assert_eq!(output.status.code(), Some(status), "{redirection}: {output:?}");
        assert_eq!(files(&out), ["copy_cp_masks.tif", "demo_cp_masks.tif"], "{redirection}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!error.contains("panicked"), "{redirection}: {error}");
        if redirection == ">/dev/full" {
            assert_eq!(error.matches("cannot write to standard output").count(), 1, "{error}");
        }
    }
    for words in [&["devices"][..], &["--help"], &["model", "list"], &["model", "inspect", "demo"]] {
        let mut command = program();
        command.args(words);
        for redirection in [">&- 2>&-", "| head -c 1", "2>&-"] {
            let output = in_shell(&command, redirection);
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !error.contains("panicked"), "{words:?} {redirection}: {error}");
        }
    }
}

/// A command without the ignored signals of a background job or of `nohup`, which it would inherit.
#[cfg(target_os = "linux")]
fn with_default_signals(command: &Command) -> Command {
    let mut reset = Command::new("env");
    reset.arg("--default-signal=INT,TERM,HUP").arg(command.get_program()).args(command.get_args());
    reset
}

/// Sends a signal to a process of this test.
#[cfg(target_os = "linux")]
fn signal(process: &std::process::Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &process.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[cfg(target_os = "linux")]
#[test]
fn an_interruption_ends_in_a_summary_without_partial_files() {
    for name in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let inputs: Vec<PathBuf> = (0..40).map(|at| folder.path().join(format!("{at}.png"))).collect();
        for input in &inputs {
            std::fs::copy(photograph(), input).unwrap();
        }
        let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
        let mut process = with_default_signals(&command(&out, &inputs, &["--augment"]));
        let process = process.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        while files(&out).is_empty() && start.elapsed() < Duration::from_secs(120) {
            std::thread::sleep(Duration::from_millis(20));
        }
        signal(&process, name);
        let output = process.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{name}: {error}");
        assert!(error.contains("interrupted after") && error.contains("of 40 inputs"), "{name}: {error}");
        let left = files(&out);
        assert!(!left.is_empty() && left.len() < 40, "{left:?}");
        for file in &left {
            assert!(!labels(&out.join(file)).is_empty() && file.ends_with("_cp_masks.tif"), "{file}");
        }
    }
}

/// The overlay of a time series has a page for each time point, and so is a TIFF.
#[test]
fn overlays_of_time_series_have_pages() {
    let folder = tempfile::tempdir().unwrap();
    let series = folder.path().join("series.npy");
    let mut bytes = Vec::new();
    zeros_npy(&mut bytes, &[2, 40, 50]);
    std::fs::write(&series, bytes).unwrap();
    let out = folder.path().join("out");
    succeeded(&segment(&out, &[&series], &["--axes", "TYX", "--save-overlay"]));
    assert_eq!(files(&out), ["series_cp_masks.tif", "series_overlay.tif"]);
    assert!(std::fs::read(out.join("series_overlay.tif")).unwrap().starts_with(b"II"));
}

/// Zeros of one byte each as NPY.
fn zeros_npy(out: &mut Vec<u8>, shape: &[usize]) {
    let shape_text = shape.iter().map(|length| format!("{length}, ")).collect::<String>();
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape_text}), }}");
    let header = format!("{header:<117}\n");
    out.extend(b"\x93NUMPY\x01\0");
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.resize(out.len() + shape.iter().product::<usize>(), 0);
}

/// A limit on the process's memory costs the image that exceeds it, and no other.
#[test]
#[cfg(target_os = "linux")]
fn memory_that_cannot_be_had_costs_one_image() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large.npy");
    let mut bytes = Vec::new();
    zeros_npy(&mut bytes, &[8000, 8000]);
    std::fs::write(&large, bytes).unwrap();
    let program = program();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 2000000; exec \"$0\" \"$@\""]).arg(program.get_program());
    limited.args(program.get_args()).arg("segment").args([&large, &photograph()]).args([
        "--device",
        "cpu",
        "--threads",
        "2",
    ]);
    limited.arg("--model").arg(root().join("models/cytoshade-demo.safetensors"));
    let output = limited.arg("--output").arg(folder.path().join("out")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said.contains("cannot allocate about 3072 MB") && said.contains("1 of 2 inputs failed"), "{said}");
    let stem = photograph().file_stem().unwrap().to_string_lossy().into_owned();
    assert!(folder.path().join("out").join(format!("{stem}_cp_masks.tif")).is_file(), "{said}");
}

#[test]
fn isolated_inputs_give_the_same_cells_and_cost_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let stack = root().join("crates/cytoshade-formats/tests/fixtures/imagej_2c3z.tif");
    let broken = folder.path().join("broken.tif");
    std::fs::write(&broken, b"II*\0\x08\0\0\0").unwrap();
    let inputs = [photograph(), broken, stack];
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    let [here, apart] = ["here", "apart"].map(|name| folder.path().join(name));
    let plain = segment(&here, &inputs, &["--json", "--limits", "pixels=2^24"]);
    let isolated = segment(&apart, &inputs, &["--json", "--limits", "pixels=2^24", "--isolate"]);
    for output in [&plain, &isolated] {
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("1 of 3 inputs failed"), "{output:?}");
    }
    assert_eq!(files(&here), files(&apart));
    assert!(files(&here).len() > 3, "{:?}", files(&here));
    for name in files(&here) {
        assert_eq!(std::fs::read(here.join(&name)).unwrap(), std::fs::read(apart.join(&name)).unwrap(), "{name}");
    }
    let reports = |output: &Output| -> Vec<serde_json::Value> {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut reports: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        reports.iter_mut().for_each(|report| {
            ["milliseconds", "output"].into_iter().for_each(|key| drop(report.as_object_mut().unwrap().remove(key)));
        });
        reports
    };
    assert_eq!(reports(&plain), reports(&isolated));
    let message = |output: &Output| {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        error.lines().find(|line| line.contains("broken.tif")).unwrap().to_owned()
    };
    assert_eq!(message(&plain), message(&isolated));
}

#[test]
fn an_isolated_decoder_is_limited_in_time_and_memory() {
    let folder = tempfile::tempdir().unwrap();
    refused(&segment(folder.path(), &[&photograph()], &["--isolate", "--isolate-seconds", "0"]), "more than 0 s");
    if cfg!(target_os = "linux") {
        let large = folder.path().join("large.tif");
        let mut bytes = std::io::Cursor::new(Vec::new());
        write_labels_tiff(&mut bytes, &Labels::zeros(8192, 8192)).unwrap();
        std::fs::write(&large, bytes.into_inner()).unwrap();
        let output = segment(folder.path(), &[&large, &photograph()], &["--isolate", "--isolate-memory", "64M"]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("large.tif") && error.contains("1 of 2 inputs failed"), "{error}");
        assert!(files(folder.path()).contains(&"demo_cp_masks.tif".into()), "{error}");
    }
    refused(&segment(folder.path(), &[&photograph()], &["--isolate", "--isolate-memory", "much"]), "such as 4G");
}

#[test]
fn what_killed_runs_left_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let stale = folder.path().join(".cytoshade-4194304-aB3dE6gH.tmp");
    let foreign = folder.path().join(".cytoshade-notes.tmp");
    for path in [&stale, &foreign] {
        std::fs::write(path, "partial").unwrap();
        let file = std::fs::File::options().append(true).open(path).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }
    succeeded(&segment(folder.path(), &[&photograph()], &[]));
    assert_eq!(files(folder.path()), [".cytoshade-notes.tmp", "demo_cp_masks.tif"]);
}
