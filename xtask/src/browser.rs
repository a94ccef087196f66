//! Tests the package, the demo page and the contact sheet in Chromium.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{Outcome, root, run};
use crate::{debian, web};

/// Paths at which distributions and vendors install Chromium.
const PROGRAMS: [&str; 5] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
];

const TESTS: [&str; 3] = ["package.test.mjs", "demo.test.mjs", "view.test.mjs"];

/// Runs the tests of the web package on the output of `cargo xtask web`.
pub(crate) fn test(may_install: bool, rest: &[String]) -> Outcome {
    let mut command = node(may_install)?;
    command.args(["--test", "--test-concurrency=1", "--test-reporter=spec"]).args(rest);
    command.args(TESTS.map(|name| root().join(web::FOLDER).join("tests").join(name)));
    // The tests have this program serve the demo page.
    let xtask = std::env::current_exe().map_err(|error| error.to_string())?;
    run(command.env("XTASK", xtask))
}

/// A Node.js command whose environment names Chromium.
pub(crate) fn node(may_install: bool) -> Result<Command, String> {
    let mut command = Command::new("node");
    command.env("CHROMIUM", chromium(may_install)?);
    Ok(command)
}

fn chromium(may_install: bool) -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    let found = || PROGRAMS.iter().map(Path::new).find(|path| path.is_file()).map(Path::to_owned);
    if found().is_none() && may_install {
        debian::install(&["chromium"], "no Chromium found", "set the environment variable CHROMIUM to its path")?;
    }
    found().ok_or("no Chromium found: install it, or set the environment variable CHROMIUM to its path".into())
}
