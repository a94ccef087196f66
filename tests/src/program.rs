//! Runs the command-line program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program, built beside the tests.
pub fn program() -> Command {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let path = BUILT.get_or_init(|| {
        let status = Command::new(env!("CARGO"))
            // The whole workspace, whose dependencies the tests have already built with these features.
            .args(["build", "--quiet", "--workspace", "--bin", "cytoshade"])
            .current_dir(root())
            .status()
            .unwrap();
        assert!(status.success());
        let target = std::env::current_exe().unwrap();
        let target = target.ancestors().nth(2).unwrap();
        target.join(format!("cytoshade{}", std::env::consts::EXE_SUFFIX))
    });
    let mut program = Command::new(path);
    // Tests must not share the user's cache.
    program.env("CYTOSHADE_CACHE", path.with_file_name("cytoshade-test-cache"));
    program
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Asserts that the program failed without a panic, with an error that contains `what`.
#[track_caller]
pub fn refused(output: &Output, what: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    let status = output.status.code();
    assert!(matches!(status, Some(1 | 2)), "status {status:?}: {error}");
    assert!(error.contains(what), "expected {what:?} in: {error}");
    assert!(!error.contains("panicked"), "{error}");
}

/// Asserts that the program succeeded. Returns its standard output.
#[track_caller]
pub fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The manifest that `segment` writes.
pub const MANIFEST: &str = "cytoshade-run.json";

/// The names of the files in a folder but for the manifest, in order.
pub fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|files| files.flatten().map(|file| file.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    names.retain(|name| name != MANIFEST);
    names.sort();
    names
}
