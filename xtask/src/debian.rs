//! Installs packages of Debian and Ubuntu.

use std::process::Command;

use crate::shell::{Outcome, run, succeeds};

/// Installs packages with apt-get, as root or through sudo.
///
/// Errors begin with `what`, the missing item, and end with `instead`, an alternative.
pub(crate) fn install(packages: &[&str], what: &str, instead: &str) -> Outcome {
    let words = format!("apt-get install -y {}", packages.join(" "));
    if !succeeds("apt-get", &["--version"]) {
        return Err(format!("{what}: install it ({} in Debian), or {instead}", packages.join(" ")));
    }
    let prefix: &[&str] = if succeeds("sh", &["-c", "test $(id -u) = 0"]) {
        &["env"]
    } else if succeeds("sudo", &["-n", "true"]) {
        &["sudo"]
    } else {
        return Err(format!("{what}, and no privileges to install it: run `sudo {words}`, or {instead}"));
    };
    let apt = |args: &[&str]| {
        let mut command = Command::new(prefix[0]);
        command.args(&prefix[1..]).args(["apt-get", "--quiet", "--yes"]).args(args);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        run(command)
    };
    apt(&["update"])?;
    apt(&[&["install", "--no-install-recommends"][..], packages].concat())
}
