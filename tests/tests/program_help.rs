//! The program's help: the doctor, options in files, Cellpose's command line, completions and man pages.

use std::path::Path;
use std::process::Command;

use cytoshade_tests::program::{files, program, refused, root, succeeded};
use serde_json::Value;

/// The program in a folder that is the user's home too.
fn program_in(home: &Path) -> Command {
    let mut command = program();
    command.current_dir(home).env("HOME", home).env("USERPROFILE", home).env_remove("XDG_CACHE_HOME");
    for variable in ["CYTOSHADE_MODELS", "CELLPOSE_LOCAL_MODELS_PATH", "CYTOSHADE_CACHE"] {
        command.env_remove(variable);
    }
    command
}

fn photograph(folder: &Path, name: &str) {
    std::fs::copy(root().join("models/demo.png"), folder.join(name)).unwrap();
}

#[test]
fn the_doctor_tests_every_kernel_and_hides_private_names() {
    let home = tempfile::Builder::new().prefix("private-name").tempdir().unwrap();
    let models = home.path().join(".cellpose/models");
    std::fs::create_dir_all(&models).unwrap();
    std::fs::write(models.join("secret-project"), b"a model").unwrap();
    std::fs::write(models.join("cyto3"), b"another model").unwrap();
    let run = |words: &[&str]| program_in(home.path()).arg("doctor").args(words).output().unwrap();

    let output = run(&["--software", "--json"]);
    let said = succeeded(&output);
    let report: Value = serde_json::from_str(&said).unwrap();
    for key in ["version", "system", "threads", "instruction_sets", "adapters", "model_folders", "tests", "advice"] {
        assert!(!report[key].is_null(), "{key}: {said}");
    }
    let tests = report["tests"].as_array().unwrap();
    assert!(tests[0]["device"].as_str().unwrap().starts_with("CPU"));
    for test in &tests[1..] {
        let names: Vec<&str> =
            test["checks"].as_array().unwrap().iter().filter_map(|check| check["name"].as_str()).collect();
        for name in ["normalize", "network winograd f32", "network matrix f16", "follow_flows", "fill_holes"] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
    }
    let text = succeeded(&run(&[]));
    for said in [&said, &text] {
        assert!(!said.contains("private-name") && !said.contains("secret-project"), "{said}");
        assert!(said.contains("~/.cellpose/models") && said.contains("cytoshade model fetch cyto3"), "{said}");
    }
    let full = succeeded(&run(&["--full"]));
    assert!(full.contains("private-name") && full.contains("secret-project"), "{full}");
    refused(&run(&["--model", "no-such-model"]), "no-such-model");
}

#[test]
fn a_command_line_of_cellpose_segments_a_folder() {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().join("images");
    std::fs::create_dir(&images).unwrap();
    for name in ["a_img.png", "b_img.png", "b_masks.png", "other.png"] {
        photograph(&images, name);
    }
    let words = "segment --dir images --img_filter _img --mask_filter _masks --pretrained_model demo --diameter 0 \
                 --niter 0 --chan 0 --save_png --save_tif --save_txt --no_npy --use_gpu --verbose --device cpu";
    succeeded(&program_in(home.path()).args(words.split_whitespace()).output().unwrap());
    let found = files(&images);
    for name in ["a_img_cp_masks.tif", "a_img_cp_masks.png", "b_img_cp_masks.png", "b_img_cp_outlines.txt"] {
        assert!(found.iter().any(|file| file == name), "{name}: {found:?}");
    }
    assert!(!found.iter().any(|file| file.starts_with("other_") || file.ends_with("_seg.npy")), "{found:?}");
    let training = program_in(home.path()).args(["segment", "--dir", "images", "--train"]).output().unwrap();
    refused(&training, "Cytoshade does not train");
}

#[test]
fn parameters_beside_the_images_hold_and_are_shown() {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().join("images");
    std::fs::create_dir(&images).unwrap();
    photograph(&images, "a.png");
    std::fs::write(images.join("cytoshade.toml"), "[segment]\nmin-size = 1000000\nmax-size-fraction = 1\n").unwrap();
    let segment = |more: &[&str]| {
        let words = [&["segment", "images/a.png", "--model", "demo", "--device", "cpu", "--json"], more].concat();
        let output = program_in(home.path()).args(words).output().unwrap();
        let report: Value = serde_json::from_str(succeeded(&output).lines().next().unwrap()).unwrap();
        (report["cells"].as_u64().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (cells, said) = segment(&[]);
    assert!(cells == 0 && said.contains("using the parameters in images/cytoshade.toml"), "{cells}: {said}");
    let (cells, said) = segment(&["--no-config"]);
    assert!(cells > 0 && !said.contains("cytoshade.toml"), "{cells}: {said}");
    assert!(segment(&["--min-size", "15"]).0 > 0, "the command line wins");

    let show = ["config", "show", "segment", "images/a.png", "--diameter", "30"];
    let shown = succeeded(&program_in(home.path()).args(show).output().unwrap());
    let line = |start: &str| shown.lines().find(|line| line.starts_with(start)).map(str::to_owned).unwrap_or_default();
    assert!(line("min-size = 1000000").ends_with("images/cytoshade.toml:2"), "{shown}");
    assert!(line("diameter = 30").ends_with("command line") && line("# niter").ends_with("not set"), "{shown}");
    std::fs::write(images.join("cytoshade.toml"), "[segment]\nmodel = 'demo'\n").unwrap();
    let output = program_in(home.path()).args(["segment", "images/a.png"]).output().unwrap();
    refused(&output, "images/cytoshade.toml:2: model names no parameter");
}

#[test]
fn completions_and_man_pages_are_printed_and_written() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = succeeded(&program_in(home.path()).args(["completions", shell]).output().unwrap());
        assert!(said.contains("stitch-threshold"), "{shell}");
    }
    let page = succeeded(&program_in(home.path()).arg("man").output().unwrap());
    assert!(page.contains(".TH cytoshade 1"), "{page}");
    succeeded(&program_in(home.path()).args(["man", "--output", "man1"]).output().unwrap());
    let pages = files(&home.path().join("man1"));
    for name in ["cytoshade.1", "cytoshade-segment.1", "cytoshade-model-fetch.1"] {
        assert!(pages.iter().any(|page| page == name), "{name}: {pages:?}");
    }
}

#[test]
fn a_missing_command_and_a_folder_as_model_are_explained() {
    let home = tempfile::tempdir().unwrap();
    photograph(home.path(), "a.png");
    std::fs::create_dir(home.path().join("models")).unwrap();
    std::fs::write(home.path().join("models/mine"), b"").unwrap();
    let run = |words: &[&str]| program_in(home.path()).args(words).output().unwrap();
    refused(&run(&["a.png"]), "did you mean `cytoshade segment a.png`?");
    refused(&run(&["segment", "a.png", "--model", "models"]), "pass one of its files: mine");
    refused(&run(&["segment", "a.png", "--model", "cyt3"]), "did you mean cyto3?");
}
