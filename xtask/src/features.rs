//! Checks the feature combinations that the library documents.

use crate::shell::{Outcome, cargo, lines, run};

/// Combinations of the library that must compile: each feature alone, on a build that has nothing else.
const LIBRARY: [&str; 9] =
    ["cpu", "gpu", "cpu,gpu", "cpu,torch", "cpu,onnx", "cpu,ndarray", "cpu,image", "cpu,serde", "cpu,tracing"];

/// Feature combinations of the underlying crates that must compile.
const OTHERS: [(&str, &str); 8] = [
    ("cytoshade-core", ""),
    ("cytoshade-core", "ndarray"),
    ("cytoshade-core", "image,serde"),
    ("cytoshade-cpu", ""),
    ("cytoshade-formats", ""),
    ("cytoshade-model", ""),
    ("cytoshade-model", "torch"),
    ("cytoshade-model", "onnx"),
];

/// Crates that the library must not depend on without a feature.
const WITHOUT: [(&str, &str, &[&str]); 3] = [
    ("cpu", "gpu", &["wgpu", "naga", "cytoshade-gpu", "cytoshade-shaders"]),
    ("cpu,gpu,onnx", "torch", &["cytoshade-pickle"]),
    ("cpu,gpu", "ndarray, image, serde and tracing", &["ndarray", "image", "tracing"]),
];

/// Compiles every combination, tests the optional features, and checks the dependency trees.
pub(crate) fn check() -> Outcome {
    for features in LIBRARY {
        run(check_with("cytoshade", features))?;
    }
    for (package, features) in OTHERS {
        run(check_with(package, features))?;
    }
    refuses_no_backend()?;
    for (features, absent, crates) in WITHOUT {
        without(features, absent, crates)?;
    }
    for features in ["", "torch", "onnx"] {
        let features = ["--no-default-features", "--features", features];
        run(cargo(&[&["test", "--package", "cytoshade-model", "--test", "not_built"][..], &features].concat()))?;
    }
    run(cargo(&["test", "--package", "cytoshade-core", "--package", "cytoshade", "--all-features", "--lib"]))?;
    run(cargo(&["test", "--package", "cytoshade", "--all-features", "--test", "features", "--test", "spans"]))
}

fn check_with(package: &str, features: &str) -> std::process::Command {
    let features = ["--no-default-features", "--features", features];
    let mut check = cargo(&["check", "--quiet", "--package", package]);
    check.args(features).env("RUSTFLAGS", "-D warnings");
    check
}

/// A library without a backend must fail at compile time with an explanation.
fn refuses_no_backend() -> Outcome {
    let output = check_with("cytoshade", "").output().map_err(|error| format!("cannot run cargo: {error}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && errors.contains("cytoshade needs a backend") {
        return Ok(());
    }
    Err(format!("a library without `cpu` and `gpu` must fail with an error that names them, found: {errors}"))
}

/// Fails if the library's dependencies without `absent` contain one of `crates`.
///
/// Also fails if they do not contain them with all features: otherwise the check could never fail.
fn without(features: &str, absent: &str, crates: &[&str]) -> Outcome {
    let found = dependencies(&["--no-default-features", "--features", features])?;
    if let Some(name) = crates.iter().find(|&&name| found.iter().any(|found| found == name)) {
        return Err(format!("cytoshade without {absent} depends on {name}"));
    }
    let all = dependencies(&["--all-features"])?;
    match crates.iter().find(|&&name| !all.iter().any(|found| found == name)) {
        Some(name) => Err(format!("cytoshade with all features does not depend on {name}")),
        None => Ok(()),
    }
}

fn dependencies(features: &[&str]) -> Result<Vec<String>, String> {
    let tree = ["tree", "--package", "cytoshade", "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let tree = lines(cargo(&[&tree, features].concat()))?;
    Ok(tree.iter().filter_map(|line| line.split(' ').next()).map(String::from).collect())
}
