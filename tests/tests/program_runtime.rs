//! The program's profiles, its cache, and faults of one image that must not affect the others.
//!
//! Tests that need an adapter are reported as ignored without one.

use std::path::{Path, PathBuf};
use std::process::Output;

use cytoshade_tests::program::{files, program, root, succeeded};
use cytoshade_tests::trial;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let software = cytoshade::adapters().into_iter().find(|adapter| adapter.kind == cytoshade::AdapterKind::Software);
    let lacks = software.is_none().then_some("a software adapter");
    let f16 = software.is_some_and(|adapter| adapter.offers.contains(&"SHADER_F16"));
    let lacks_f16 = lacks.or((!f16).then_some("SHADER_F16"));
    let trials: Vec<Trial> = vec![
        trial("a profile on the CPU lists stages and layers", None, profile_on_the_cpu),
        trial("a profile on a device lists the startup times", lacks, profile_on_a_device),
        trial("a stack is profiled as a whole", None, profile_of_a_stack),
        trial("a second run finds the cache of the first", lacks, cached_from_run_to_run),
        trial("--no-cache caches nothing", lacks, nothing_cached),
        trial("memory that runs out changes nothing", lacks, memory_runs_out),
        trial("a hang fails one image only", lacks, || fault("hang", "did not finish")),
        trial("a lost device fails one image only", lacks, || fault("lose", "was lost")),
        trial("a device lost in a restoration fails one image only", lacks, loss_in_restoration),
        trial("a device that computes wrong results ends the program", lacks, wrong_results),
        trial("auto replaces a device that computes wrong results by the CPU", lacks, wrong_results_on_auto),
        trial("a restoration takes the options of how to run", lacks, restoration_options),
        trial("--precision auto picks f16 if the cells are the same", lacks_f16, precision_is_chosen),
        trial("the CPU has one precision", None, precision_on_the_cpu),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn photograph() -> PathBuf {
    root().join("tests/fixtures/pipeline/nuclei.png")
}

/// `cytoshade segment` with the bundled model, and with its cache in the test's folder.
fn segment(folder: &Path, device: &str, inputs: &[&Path], more: &[&str]) -> Output {
    let model = root().join("models/cytoshade-demo.safetensors");
    let mut program = program();
    program.arg("segment").args(inputs).args(["--device", device, "--model"]).arg(model);
    program.env("CYTOSHADE_CACHE", folder.join("kept")).arg("--output").arg(folder.join("out")).args(more);
    program.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn labels(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join("out").join(name)).unwrap()
}

/// The names of the events in a trace; checks the fields of each.
fn events(trace: &Path) -> Result<Vec<String>, Failed> {
    let trace: serde_json::Value = serde_json::from_slice(&std::fs::read(trace)?)?;
    let events = trace["traceEvents"].as_array().ok_or("no events")?;
    let mut names = Vec::new();
    for event in events {
        match event["ph"].as_str() {
            Some("X") => {
                let number = |key: &str| event[key].as_f64().filter(|number| *number >= 0.0).ok_or(key.to_string());
                for key in ["ts", "dur", "pid", "tid"] {
                    number(key)?;
                }
                names.push(event["name"].as_str().ok_or("no name")?.to_string());
            }
            Some("M") => assert_eq!(event["name"], "thread_name"),
            other => return Err(format!("{other:?}").into()),
        }
    }
    Ok(names)
}

/// The words of the profile's line that begins with `name`.
fn line<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.trim_start().starts_with(name));
    line.unwrap_or_else(|| panic!("no {name}: {text}")).split_whitespace().collect()
}

fn profile_on_the_cpu() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let trace = folder.path().join("trace.json");
    let more = ["--json", "--profile", "--trace", trace.to_str().ok_or("a path")?];
    let output = segment(folder.path(), "cpu", &[&photograph()], &more);
    assert_eq!(succeeded(&output).lines().count(), 1, "the profile is elsewhere");
    let text = said(&output);
    for name in ["model", "weights", "read", "first batch of tiles", "dynamics", "network", "masks", "pack", "max_pool"]
    {
        line(&text, name);
    }
    let words = line(&text, "conv3x3 8->8 at 224 x 224");
    // The last two are operations and bytes per second.
    let rates: Vec<f64> = words.iter().rev().take(2).map(|word| word.parse().unwrap()).collect();
    assert!(rates.iter().all(|&rate| rate > 0.0), "{words:?}");
    let names = events(&trace)?;
    for name in ["model", "read", "write", "network", "follow_flows", "conv3x3 8->8 at 224 x 224"] {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
    Ok(())
}

fn profile_on_a_device() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let trace = folder.path().join("trace.json");
    let more = ["--profile", "--trace", trace.to_str().ok_or("a path")?];
    let output = segment(folder.path(), "software", &[&photograph()], &more);
    succeeded(&output);
    let text = said(&output);
    for name in ["adapter", "device", "weights", "pipelines", "network"] {
        line(&text, name);
    }
    let layers = text.contains("conv3x3") && text.contains("GFLOP/s");
    assert!(layers || text.contains("no times of layers"), "{text}");
    let names = events(&trace)?;
    assert!(names.iter().any(|name| name == "pipelines"), "{names:?}");
    assert_eq!(names.iter().any(|name| name.starts_with("conv3x3")), layers);
    Ok(())
}

fn profile_of_a_stack() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let stack = root().join("tests/fixtures/volume/shallow.tif");
    let output = segment(folder.path(), "cpu", &[&stack], &["--stitch-threshold", "0.3", "--profile"]);
    succeeded(&output);
    let text = said(&output);
    line(&text, "stitch");
    // Five z-slices of at least one tile each.
    let runs: usize = line(&text, "unpack")[4].parse().unwrap();
    assert!(runs >= 5, "{text}");
    Ok(())
}

fn cached_from_run_to_run() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let run = || succeeded(&segment(folder.path(), "software", &[&photograph()], &["--tune", "--precision", "auto"]));
    run();
    let kept = files(&folder.path().join("kept"));
    assert!(kept.iter().any(|name| name.starts_with("tune-") && name.ends_with(".json")), "{kept:?}");
    let times = || -> Vec<_> {
        let time =
            |name: &String| std::fs::metadata(folder.path().join("kept").join(name)).unwrap().modified().unwrap();
        kept.iter().filter(|name| name.ends_with(".json")).map(time).collect()
    };
    let (first, found) = (times(), labels(folder.path(), "nuclei_cp_masks.tif"));
    run();
    assert_eq!(times(), first, "nothing was found out again");
    assert_eq!(labels(folder.path(), "nuclei_cp_masks.tif"), found);
    Ok(())
}

fn nothing_cached() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    succeeded(&segment(folder.path(), "software", &[&photograph()], &["--no-cache", "--precision", "auto"]));
    assert_eq!(files(folder.path()), ["out"]);
    Ok(())
}

fn memory_runs_out() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let photograph = root().join("models/demo.png");
    let run = |more: &[&str]| succeeded(&segment(folder.path(), "software", &[&photograph], more));
    run(&[]);
    let expected = labels(folder.path(), "demo_cp_masks.tif");
    // Room for two tiles of 224 x 224 with 8 channels; batches have eight tiles.
    run(&["--inject-fault", "memory=3300000"]);
    assert_eq!(labels(folder.path(), "demo_cp_masks.tif"), expected);
    Ok(())
}

fn fault(kind: &str, says: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let inputs: Vec<PathBuf> = ["a.png", "b.png", "c.png"].map(|name| folder.path().join(name)).into();
    for input in &inputs {
        std::fs::copy(photograph(), input)?;
    }
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    pass_the_check(folder.path());
    let output = segment(folder.path(), "software", &inputs, &["--inject-fault", kind]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(says) && text.contains("continuing on") && text.contains("1 of 3 inputs failed"), "{text}");
    assert_eq!(files(&folder.path().join("out")), ["b_cp_masks.tif", "c_cp_masks.tif"]);
    Ok(())
}

/// Runs a network once without a fault, so that the fault of a later run is not found by the check of the device.
fn pass_the_check(folder: &Path) {
    succeeded(&segment(folder, "software", &[&photograph()], &[]));
    std::fs::remove_dir_all(folder.join("out")).unwrap();
}

/// A GPU that computes nothing, and one that computes wrongly.
const WRONG: [&str; 2] = ["nothing", "wrong"];

fn wrong_results() -> Result<(), Failed> {
    for fault in WRONG {
        let folder = tempfile::tempdir()?;
        let demo = || {
            let mut program = program();
            program
                .args(["demo", "--device", "gpu", "--inject-fault", fault, "--output"])
                .arg(folder.path().join("out"));
            program.env("CYTOSHADE_CACHE", folder.path().join("kept")).output()
        };
        let restore = restore(folder.path(), &[&photograph()], &["--inject-fault", fault]);
        let segment = segment(folder.path(), "gpu", &[&photograph()], &["--inject-fault", fault]);
        for output in [demo()?, restore, segment] {
            let text = said(&output);
            assert_eq!(output.status.code(), Some(1), "{text}");
            for says in ["computes wrong results", "update its driver", "use the CPU"] {
                assert!(text.contains(says), "{text}");
            }
        }
        assert!(!folder.path().join("out").exists(), "nothing is written");
        assert_eq!(files(&folder.path().join("kept")).iter().filter(|name| name.starts_with("check-")).count(), 0);
    }
    Ok(())
}

fn wrong_results_on_auto() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    succeeded(&segment(folder.path(), "cpu", &[&photograph()], &[]));
    let expected = labels(folder.path(), "nuclei_cp_masks.tif");
    for fault in WRONG {
        std::fs::remove_dir_all(folder.path().join("out"))?;
        let output = segment(folder.path(), "auto", &[&photograph()], &["--inject-fault", fault]);
        succeeded(&output);
        assert!(said(&output).contains("computes wrong results"), "{}", said(&output));
        assert_eq!(labels(folder.path(), "nuclei_cp_masks.tif"), expected);
    }
    Ok(())
}

/// `cytoshade restore` with a small network on the software adapter.
fn restore(folder: &Path, inputs: &[&Path], more: &[&str]) -> Output {
    let mut program = program();
    program.arg("restore").args(inputs).args(["--device", "software", "--model"]).arg(restoration());
    program.env("CYTOSHADE_CACHE", folder.join("kept")).arg("--output").arg(folder.join("out")).args(more);
    program.output().unwrap()
}

fn restoration() -> PathBuf {
    root().join("tests/fixtures/restore/denoise_small.safetensors")
}

fn loss_in_restoration() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let inputs: Vec<PathBuf> = ["a.png", "b.png", "c.png"].map(|name| folder.path().join(name)).into();
    for input in &inputs {
        std::fs::copy(photograph(), input)?;
    }
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    pass_the_check(folder.path());
    succeeded(&restore(folder.path(), &[&photograph()], &[]));
    std::fs::remove_dir_all(folder.path().join("out"))?;
    let check = |output: Output, written: [&str; 2]| -> Result<(), Failed> {
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        for says in ["was lost", "continuing on", "1 of 3 inputs failed"] {
            assert!(text.contains(says), "{text}");
        }
        assert_eq!(files(&folder.path().join("out")), written);
        Ok(std::fs::remove_dir_all(folder.path().join("out"))?)
    };
    let restored = restore(folder.path(), &inputs, &["--inject-fault", "lose"]);
    check(restored, ["b_restored.tif", "c_restored.tif"])?;
    // The restoration runs first, and loses its device.
    let network = restoration();
    let more = ["--inject-fault", "lose", "--restore", network.to_str().ok_or("a path")?];
    check(segment(folder.path(), "software", &inputs, &more), ["b_cp_masks.tif", "c_cp_masks.tif"])
}

fn restoration_options() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let photograph = photograph();
    let run = |more: &[&str]| -> Result<Vec<f32>, Failed> {
        let output = restore(folder.path(), &[&photograph], more);
        succeeded(&output);
        let path = folder.path().join("out/nuclei_restored.tif");
        let images = cytoshade_formats::read(&path, &cytoshade_formats::ReadOptions::default())?;
        Ok(images[0].to_planes(0)?.into_vec())
    };
    let plain = run(&["--no-cache"])?;
    assert!(!folder.path().join("kept").exists(), "nothing is kept where that is said");
    let tuned = run(&["--tune", "--precision", "auto"])?;
    let kept = files(&folder.path().join("kept"));
    assert!(kept.iter().any(|name| name.starts_with("tune-")), "{kept:?}");
    cytoshade_tests::agree::l2_within(&tuned, &plain, 1e-3)?;
    let direct = run(&["--kernel", "direct"])?;
    cytoshade_tests::agree::l2_within(&direct, &plain, 1e-5)?;
    // f16 rounds visibly, so the option has an effect.
    if cytoshade::adapters().iter().any(|adapter| adapter.offers.contains(&"SHADER_F16")) {
        assert!(kept.iter().any(|name| name.starts_with("precision-")), "{kept:?}");
        let half = run(&["--precision", "f16"])?;
        cytoshade_tests::agree::l2_within(&half, &plain, 4e-3)?;
        assert_ne!(half, plain);
    }
    Ok(())
}

fn precision_is_chosen() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let run = |precision: &str| {
        let more = ["--profile", "--precision", precision];
        let output = segment(folder.path(), "software", &[&photograph()], &more);
        succeeded(&output);
        (said(&output), labels_of(&folder.path().join("out/nuclei_cp_masks.tif")))
    };
    let (auto, ours) = run("auto");
    assert!(auto.contains("), f16 "), "{auto}");
    line(&auto, "precision");
    // The trial's result also holds for a photograph, by the project's measure.
    let (plain, reference) = run("f32");
    assert!(plain.contains("), f32 "), "{plain}");
    cytoshade_tests::agree::masks(&ours, &reference)?;
    // An edited cache entry is used, an invalid one is not.
    let note = folder.path().join("kept");
    let name = files(&note).into_iter().find(|name| name.starts_with("precision-")).ok_or("no note")?;
    let text = std::fs::read_to_string(note.join(&name))?;
    std::fs::write(note.join(&name), text.replace("\"value\": true", "\"value\": false"))?;
    assert!(run("auto").0.contains("), f32 "));
    std::fs::write(note.join(&name), text.replace("\"value\": true", "\"value\": 7"))?;
    assert!(run("auto").0.contains("), f16 "));
    assert_eq!(std::fs::read_to_string(note.join(&name))?, text);
    Ok(())
}

fn labels_of(path: &Path) -> Vec<u32> {
    let images = cytoshade_formats::read(path, &cytoshade_formats::ReadOptions::default()).unwrap();
    images[0].to_planes(0).unwrap().as_slice().iter().map(|&value| value as u32).collect()
}

fn precision_on_the_cpu() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let output = segment(folder.path(), "cpu", &[&photograph()], &["--precision", "auto", "--tune", "--profile"]);
    succeeded(&output);
    assert!(said(&output).contains("), f32 "), "{}", said(&output));
    Ok(())
}
