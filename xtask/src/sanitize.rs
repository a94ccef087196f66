//! Runs tests under Miri and AddressSanitizer, which detect undefined behaviour and invalid accesses.

use std::process::Command;

use crate::shell::{Outcome, root, run};

/// Run tests under Miri and AddressSanitizer
///
/// Miri runs those of the CPU crate, AddressSanitizer all. Both need nightly Rust with the components miri and rust-src.
#[derive(Debug, clap::Args)]
pub(crate) struct Sanitize {
    /// Which sanitizer; both by default
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Run only these packages under AddressSanitizer
    #[arg(long)]
    package: Vec<String>,
    /// Arguments for the test programs, such as a filter
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
    // crossbeam's queues, used by rayon, cast integers to pointers and reach a list's node from its link, which Stacked
    // Borrows forbids; and rayon's threads outlive the tests.
    let flags = "-Zmiri-tree-borrows -Zmiri-permissive-provenance -Zmiri-ignore-leaks -Zmiri-disable-isolation";
    let mut test = nightly(&["miri", "test", "--package", "cytoshade-cpu", "--lib", "--"]);
    // Under Miri, detection returns the features of the build. Miri lacks one instruction of the AVX-512 kernels.
    let target = if cfg!(target_arch = "x86_64") { "-Ctarget-feature=+avx2,+fma" } else { "" };
    run(test.args(&options.rest).env("MIRIFLAGS", flags).env("RUSTFLAGS", target))
}

fn address(options: &Sanitize) -> Outcome {
    // This takes long, so one run reports all failures.
    let mut test = nightly(&["test", "--no-fail-fast"]);
    for package in &options.package {
        test.args(["--package", package]);
    }
    if options.package.is_empty() {
        test.arg("--workspace");
    }
    // With an explicit target, build scripts and macros run without the sanitizer. As a variable, it also reaches the tests
    // that build the program.
    test.env("CARGO_BUILD_TARGET", "x86_64-unknown-linux-gnu").env("CARGO_TARGET_DIR", root().join("target/sanitize"));
    for flags in ["RUSTFLAGS", "RUSTDOCFLAGS"] {
        test.env(flags, "-Zsanitizer=address");
    }
    // Tests provoke failed allocations in the readers, which return errors. Leaks are not reported: drivers have some, in
    // libraries that are unloaded before the report.
    test.env("ASAN_OPTIONS", "allocator_may_return_null=1:detect_leaks=0");
    run(test.arg("--").args(&options.rest))
}
