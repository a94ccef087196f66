//! The errands of Cytoshade's developers: `cargo xtask <errand>`.
#![forbid(unsafe_code)]

mod compare;
mod driver;
mod shell;

use clap::{Parser, Subcommand};

use shell::{Outcome, cargo, run};

/// The targets that must compile, beside the one at hand.
const TARGETS: [&str; 4] =
    ["wasm32-unknown-unknown", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// The errands of Cytoshade's developers
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    errand: Errand,
}

#[derive(Debug, Subcommand)]
enum Errand {
    /// Set up what the tests need, and run all of them
    Test {
        /// Leave the machine alone: without a Vulkan driver the GPU tests are reported as ignored
        #[arg(long)]
        no_install: bool,
        /// Handed to the tests after `--`, a filter for instance
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Formatting, lints and documentation, warnings being errors
    Lint,
    /// Check that every supported target compiles
    Targets,
    Compare(compare::Compare),
    /// Run the CPU network's tests under WebAssembly's SIMD, in Node
    Wasm,
    /// Run the CPU stages under AddressSanitizer, and the portable path and the index arithmetic under Miri (needs nightly
    /// Rust with the components miri and rust-src)
    Sanitize,
    /// Run the reference and write the fixtures anew (needs Python)
    Fixtures {
        /// Stages; all of them where none is given
        stages: Vec<String>,
    },
}

fn main() -> std::process::ExitCode {
    let outcome = match Cli::parse().errand {
        Errand::Test { no_install, rest } => test(no_install, &rest),
        Errand::Lint => lint(),
        Errand::Targets => targets(),
        Errand::Compare(options) => compare::compare(&options),
        Errand::Wasm => wasm(),
        Errand::Sanitize => sanitize(),
        Errand::Fixtures { stages } => fixtures(&stages),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("xtask: {what}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn test(no_install: bool, rest: &[String]) -> Outcome {
    if !no_install {
        driver::install()?;
    }
    let mut args = vec!["test", "--workspace"];
    if !rest.is_empty() {
        args.push("--");
        args.extend(rest.iter().map(String::as_str));
    }
    run(cargo(&args))
}

fn lint() -> Outcome {
    run(cargo(&["fmt", "--all", "--check"]))?;
    run(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    run(cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

fn targets() -> Outcome {
    run(std::process::Command::new("rustup").args(["target", "add"]).args(TARGETS))?;
    // The library is built for the browser, and the whole product checked elsewhere. `check` needs no linker.
    run(cargo(&["build", "--package", "cytoshade", "--package", "cytoshade-web", "--target", TARGETS[0]]))?;
    for target in &TARGETS[1..] {
        run(cargo(&["check", "--package", "cytoshade-cli", "--target", target]))?;
    }
    Ok(())
}

fn wasm() -> Outcome {
    const TARGET: &str = "wasm32-wasip1";
    run(std::process::Command::new("rustup").args(["target", "add", TARGET]))?;
    let runner = format!("node --no-warnings {}", shell::root().join("xtask/wasi.mjs").display());
    run(cargo(&["test", "--package", "cytoshade-tests", "--test", "network_cpu", "--target", TARGET])
        .env("CARGO_TARGET_WASM32_WASIP1_RUNNER", runner))
}

fn sanitize() -> Outcome {
    const TARGET: &str = "x86_64-unknown-linux-gnu";
    let nightly = |args: &[&str]| {
        let mut command = std::process::Command::new("rustup");
        command.args(["run", "nightly", "cargo"]).args(args);
        command
    };
    // The queues beneath rayon turn integers into pointers, and its threads outlive the tests.
    let flags = "-Zmiri-permissive-provenance -Zmiri-ignore-leaks -Zmiri-disable-isolation";
    run(nightly(&["miri", "test", "--package", "cytoshade-cpu", "--lib"]).env("MIRIFLAGS", flags))?;
    let tests = ["test", "--package", "cytoshade-tests", "--test", "network_cpu", "--test", "stages"];
    run(nightly(&[&tests[..], &["--target", TARGET]].concat())
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("CARGO_TARGET_DIR", shell::root().join("target/sanitize")))
}

fn fixtures(stages: &[String]) -> Outcome {
    run(std::process::Command::new("bash").arg("tests/oracle/setup.sh"))?;
    run(std::process::Command::new("target/oracle/bin/python").arg("tests/oracle/make_fixtures.py").args(stages))
}
