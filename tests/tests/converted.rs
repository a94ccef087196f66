//! Converted models open in Python, with the tensors that the reference reads from the source.
//!
//! `tests/oracle/check_converted.py` compares them; without the reference's environment these tests are reported as
//! ignored.

use std::path::PathBuf;
use std::process::Command;

use cytoshade_model::{LoadOptions, SaveOptions, convert_path};
use cytoshade_tests::program::root;
use cytoshade_tests::trial;
use libtest_mimic::{Arguments, Failed};

fn main() {
    let missing = python().is_none().then_some("target/oracle (tests/oracle/setup.sh) or CYTOSHADE_ORACLE");
    let trials =
        [("zip.pth", false), ("legacy.pth", false), ("zip_f16.pth", false), ("zip.pth", true)].map(|(name, half)| {
            trial(format!("{name}{}", if half { ", as f16" } else { "" }), missing, move || agrees(name, half))
        });
    let differs = trial("a changed weight is detected", missing, differs);
    libtest_mimic::run(&Arguments::from_args(), trials.into_iter().chain([differs]).collect()).exit();
}

/// A Python with the reference's packages.
fn python() -> Option<PathBuf> {
    let made = root().join("target/oracle/bin/python");
    std::env::var_os("CYTOSHADE_ORACLE").map(PathBuf::from).or_else(|| made.is_file().then_some(made))
}

fn source(name: &str) -> PathBuf {
    root().join("crates/cytoshade-model/tests/fixtures").join(name)
}

fn agrees(name: &str, half: bool) -> Result<(), Failed> {
    let save = SaveOptions { half, ..SaveOptions::default() };
    compare(name, &convert_path(&source(name), &LoadOptions::default(), &save)?.bytes, half)
}

fn differs() -> Result<(), Failed> {
    let mut bytes = convert_path(&source("zip.pth"), &LoadOptions::default(), &SaveOptions::default())?.bytes;
    // The last byte of the last tensor: another exponent, still a number.
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    match compare("zip.pth", &bytes, false) {
        Ok(()) => Err("the comparison does not detect a changed weight".into()),
        Err(_) => Ok(()),
    }
}

fn compare(name: &str, converted: &[u8], half: bool) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("converted.safetensors");
    std::fs::write(&path, converted)?;
    let python = python().ok_or("no Python")?;
    let mut command = Command::new(python);
    command.arg(root().join("tests/oracle/check_converted.py")).arg(source(name)).arg(&path).arg(if half {
        "half"
    } else {
        "whole"
    });
    let output = command.output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}
