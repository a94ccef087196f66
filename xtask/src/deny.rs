//! Licences, sources and advisories of everything that the workspace depends on.

use std::process::Command;

use crate::shell::{Outcome, installed, lines, run};

/// The version of cargo-deny, whose configuration changes between versions.
const VERSION: &str = "0.20.2";

/// Runs cargo-deny: what needs no network, and with `advisories` the database of advisories too, which is fetched.
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

/// Fails if a crate that only tests may have is in another build.
fn tests_alone(package: &str) -> Outcome {
    let tree = |edges| {
        let args =
            ["tree", "--locked", "--workspace", "--target", "all", "--prefix", "none", "--format", "{p}", "--edges"];
        let tree = lines(crate::shell::cargo(&[&args[..], &[edges]].concat()))?;
        Ok::<_, String>(tree.iter().any(|line| line.split(' ').next() == Some(package)))
    };
    if tree("normal,build")? {
        return Err(format!("{package} is in a build that is no test; deny.toml says why it must not be"));
    }
    // A check that cannot fail would say nothing.
    if tree("normal,build,dev")? {
        Ok(())
    } else {
        Err(format!("{package} is in no build at all: take its check away"))
    }
}
