//! Runs other programs in the workspace's root.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Success, or a message for the developer.
pub(crate) type Outcome = Result<(), String>;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.parent().unwrap_or(folder).to_owned()
}

/// Cargo's target folder.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A cargo command.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

/// Sets the command's folder to the workspace's root, unless it has one, and prints the command.
fn announce(command: &mut Command) -> String {
    if command.get_current_dir().is_none() {
        command.current_dir(root());
    }
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let words = words.join(" ");
    eprintln!("$ {words}");
    words
}

/// Prints and runs a command, and fails if it fails.
pub(crate) fn run(mut command: impl std::borrow::BorrowMut<Command>) -> Outcome {
    let command = command.borrow_mut();
    let words = announce(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{words}` ended with {status}")),
        Err(error) => Err(format!("cannot run `{words}`: {error}")),
    }
}

/// Runs a command as [`run`] does, and returns the lines of its standard output.
pub(crate) fn lines(mut command: Command) -> Result<Vec<String>, String> {
    let words = announce(&mut command);
    let output = command.output().map_err(|error| format!("cannot run `{words}`: {error}"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{words}` ended with {}: {error}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(String::from).collect())
}

/// Whether a program succeeds; its output is discarded.
pub(crate) fn succeeds(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// The folder for tools shared between checkouts.
pub(crate) fn cache() -> PathBuf {
    let of_home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    let folder = ["XDG_CACHE_HOME", "LOCALAPPDATA"].iter().find_map(std::env::var_os).map(PathBuf::from);
    folder.or_else(of_home).unwrap_or_else(target_folder).join("cytoshade")
}

/// A program from crates.io in exactly this version, built once and kept outside the project.
pub(crate) fn installed(package: &str, program: &str, version: &str) -> Result<PathBuf, String> {
    let folder = cache().join(format!("{package}-{version}"));
    let path = folder.join("bin").join(format!("{program}{}", std::env::consts::EXE_SUFFIX));
    if !path.is_file() {
        let install = |locked: &[&str]| {
            // Unoptimized: the programs run for seconds, and building them takes minutes.
            let mut install = cargo(&["install", "--debug", package, "--version", version]);
            // A target of its own: cargo's own would be rebuilt for other flags.
            install.args(locked).arg("--root").arg(&folder).env("CARGO_TARGET_DIR", target_folder().join(package));
            run(install)
        };
        // A mirror of the registry can lack a version of the program's own lock file.
        install(&["--locked"]).or_else(|_| install(&[]))?;
    }
    Ok(path)
}
