//! Checks licences, sources and advisories of all dependencies.

use std::process::Command;

use crate::shell::{Outcome, installed, lines, run};

/// The version of cargo-deny; its configuration format changes between versions.
const VERSION: &str = "0.20.2";

/// Runs cargo-deny's offline checks and, with `advisories`, fetches and checks the advisories.
pub(crate) fn check(advisories: bool) -> Outcome {
    tests_alone("protobuf")?;
    let program = installed("cargo-deny", "cargo-deny", VERSION)?;
    let mut command = Command::new(program);
    command.args(["check", "bans", "licenses", "sources"]);
    if advisories {
        command.arg("advisories");
    }
    run(command)
}

/// Fails if a test-only crate is in another build.
fn tests_alone(package: &str) -> Outcome {
    let tree = |edges| {
        let args =
            ["tree", "--locked", "--workspace", "--target", "all", "--prefix", "none", "--format", "{p}", "--edges"];
        let tree = lines(crate::shell::cargo(&[&args[..], &[edges]].concat()))?;
        Ok::<_, String>(tree.iter().any(|line| line.split(' ').next() == Some(package)))
    };
    if tree("normal,build")? {
        return Err(format!("{package} is in a build that is not a test; deny.toml states why it must not be"));
    }
    // A check that cannot fail proves nothing.
    if tree("normal,build,dev")? { Ok(()) } else { Err(format!("{package} is in no build: remove its check")) }
}
