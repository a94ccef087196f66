//! The CPU's tests on other processors than the one at hand.

use crate::debian;
use crate::shell::{Outcome, cargo, root, run, succeeds};

/// The network, and the stages, whose loops are compiled for each instruction set too.
const TESTS: [&str; 6] = ["--test", "network_cpu", "--test", "stages", "--test", "volume_cpu"];

/// WebAssembly's SIMD, in Node.
pub(crate) fn wasm(bench: bool) -> Outcome {
    const TARGET: &str = "wasm32-wasip1";
    add(TARGET)?;
    let script = root().join("xtask/wasi.mjs");
    // With its fast calls of WASI, Node 20's garbage collector misses what waits beneath them, and crashes.
    let runner = format!("node --no-warnings --no-turbo-fast-api-calls {}", script.display());
    // Of the tests that cross crates, those that build without a GPU and threads.
    let test = [&["test", "--package", "cytoshade-tests"], &TESTS[..]].concat();
    let measure = ["run", "--profile", "web", "--package", "cytoshade-benches", "--bin", "cpu_throughput"];
    let what = if bench { &measure[..] } else { &test[..] };
    run(cargo(what).args(["--target", TARGET]).env("CARGO_TARGET_WASM32_WASIP1_RUNNER", runner))
}

/// NEON, under qemu where this machine has another processor.
pub(crate) fn neon(rest: &[String]) -> Outcome {
    const TARGET: &str = "aarch64-unknown-linux-gnu";
    const PACKAGES: [&str; 3] = ["qemu-user-static", "gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"];
    add(TARGET)?;
    let mut test = cargo(&["test", "--package", "cytoshade-cpu", "--package", "cytoshade-tests", "--lib"]);
    // Whole stacks, too, which need more than WASI has.
    test.args(TESTS).args(["--test", "volume", "--target", TARGET]);
    if !cfg!(target_arch = "aarch64") {
        let there = ["qemu-aarch64-static", "aarch64-linux-gnu-gcc"].iter().all(|name| succeeds(name, &["--version"]));
        if !there {
            debian::install(&PACKAGES, "no emulator and linker for aarch64 found", "take a machine that is one")?;
        }
        test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc");
        let runner = "qemu-aarch64-static -L /usr/aarch64-linux-gnu";
        test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", runner);
        // The network of the published width would take an hour.
        test.env_remove("CYTOSHADE_TEST_DATA");
    }
    run(test.arg("--").args(rest))
}

fn add(target: &str) -> Outcome {
    run(std::process::Command::new("rustup").args(["target", "add", target]))
}
