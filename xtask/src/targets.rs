//! Runs the CPU's tests for other processors.

use crate::debian;
use crate::shell::{Outcome, cargo, root, run, succeeds};

/// Tests or measures on WebAssembly SIMD, in Node.
pub(crate) fn wasm(bench: bool) -> Outcome {
    const TARGET: &str = "wasm32-wasip1";
    add(TARGET)?;
    let script = root().join("xtask/wasi.mjs");
    // Node 20 calls WASI through frames that its garbage collector does not scan, and crashes; this flag disables them.
    let runner = format!("node --no-warnings --no-turbo-fast-api-calls {}", script.display());
    // Only this test binary builds without a GPU and threads.
    let test = ["test", "--package", "cytoshade-tests", "--test", "stages"];
    let measure = ["run", "--profile", "web", "--package", "cytoshade-benches", "--bin", "cpu_throughput"];
    let what = if bench { &measure[..] } else { &test[..] };
    run(cargo(what).args(["--target", TARGET]).env("CARGO_TARGET_WASM32_WASIP1_RUNNER", runner))
}

/// Tests on NEON, under qemu if this machine has another processor.
pub(crate) fn neon(rest: &[String]) -> Outcome {
    const TARGET: &str = "aarch64-unknown-linux-gnu";
    add(TARGET)?;
    let is_emulated = !cfg!(target_arch = "aarch64");
    if is_emulated {
        install_emulator()?;
    }
    let stages = ["--package", "cytoshade-cpu", "--package", "cytoshade-tests", "--lib", "--test", "stages"];
    // Whole stacks too, for which WASI lacks memory and files.
    let pipeline = ["--package", "cytoshade-tests", "--test", "pipeline"];
    for (tests, filter) in [(&stages[..], None), (&pipeline[..], Some("stack::"))] {
        let mut test = cargo(&["test", "--target", TARGET]);
        if is_emulated {
            test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc");
            let runner = "qemu-aarch64-static -L /usr/aarch64-linux-gnu";
            test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", runner);
            // With the network of the published width the tests would take an hour.
            test.env_remove("CYTOSHADE_TEST_DATA");
        }
        test.args(tests).arg("--").args(filter.filter(|_| rest.is_empty())).args(rest);
        run(test)?;
    }
    Ok(())
}

fn install_emulator() -> Outcome {
    const PACKAGES: [&str; 3] = ["qemu-user-static", "gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"];
    if ["qemu-aarch64-static", "aarch64-linux-gnu-gcc"].iter().all(|name| succeeds(name, &["--version"])) {
        return Ok(());
    }
    debian::install(&PACKAGES, "no emulator and linker for aarch64 found", "run this on an aarch64 machine")
}

fn add(target: &str) -> Outcome {
    run(std::process::Command::new("rustup").args(["target", "add", target]))
}
