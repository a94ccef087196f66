//! The tests where undefined behaviour and accesses out of bounds are seen.

use std::process::Command;

use crate::shell::{Outcome, root, run};

/// Run the CPU crate's tests under Miri, and all tests under AddressSanitizer (needs nightly Rust with the components miri
/// and rust-src)
#[derive(Debug, clap::Args)]
pub(crate) struct Sanitize {
    /// Which; both where none is given
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Only these packages under AddressSanitizer
    #[arg(long)]
    package: Vec<String>,
    /// Handed to the tests after `--`, a filter for instance
    #[arg(last = true)]
    rest: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// AVX2, the portable path and all index arithmetic of the CPU crate
    Miri,
    /// AddressSanitizer, on every instruction set of the machine
    Address,
}

pub(crate) fn sanitize(options: &Sanitize) -> Outcome {
    let wants = |part| options.parts.is_empty() || options.parts.contains(&part);
    if wants(Part::Miri) {
        miri(options)?;
    }
    if wants(Part::Address) {
        address(options)?;
    }
    Ok(())
}

fn nightly(args: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo"]).args(args);
    command
}

fn miri(options: &Sanitize) -> Outcome {
    // The queues beneath rayon turn integers into pointers and reach a list's node from its link, which the older rules of
    // borrowing do not know; and rayon's threads outlive the tests.
    let flags = "-Zmiri-tree-borrows -Zmiri-permissive-provenance -Zmiri-ignore-leaks -Zmiri-disable-isolation";
    let mut test = nightly(&["miri", "test", "--package", "cytoshade-cpu", "--lib", "--"]);
    // Miri detects what it was compiled for, and lacks one instruction of AVX-512's kernels.
    let target = if cfg!(target_arch = "x86_64") { "-Ctarget-feature=+avx2,+fma" } else { "" };
    run(test.args(&options.rest).env("MIRIFLAGS", flags).env("RUSTFLAGS", target))
}

fn address(options: &Sanitize) -> Outcome {
    // It takes long: all that fails is told at once.
    let mut test = nightly(&["test", "--no-fail-fast"]);
    for package in &options.package {
        test.args(["--package", package]);
    }
    if options.package.is_empty() {
        test.arg("--workspace");
    }
    // Naming the target keeps build scripts and macros free of it. As a variable the tests that build the program see it too.
    test.env("CARGO_BUILD_TARGET", "x86_64-unknown-linux-gnu").env("CARGO_TARGET_DIR", root().join("target/sanitize"));
    for flags in ["RUSTFLAGS", "RUSTDOCFLAGS"] {
        test.env(flags, "-Zsanitizer=address");
    }
    // What cannot be allocated is an error of the readers that tests provoke, not a mistake. Leaks are not looked for: drivers
    // have some, in libraries that are gone by the time they could be named, and all else is owned.
    test.env("ASAN_OPTIONS", "allocator_may_return_null=1:detect_leaks=0");
    run(test.arg("--").args(&options.rest))
}
