//! Developer tasks: `cargo xtask TASK`.
#![forbid(unsafe_code)]

mod browser;
mod compare;
mod debian;
mod deny;
mod docs;
mod driver;
mod features;
mod gpu_lab;
mod network;
mod publish;
mod sanitize;
mod semver;
mod serve;
mod shell;
mod sid;
mod subgroup_matrix;
mod targets;
mod web;

use clap::{Parser, Subcommand};

use shell::{Outcome, cargo, run};

/// The targets that must compile, beside that of this machine.
const TARGETS: [&str; 4] =
    ["wasm32-unknown-unknown", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// Developer tasks of Cytoshade
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what the tests need, and run all of them
    Test {
        /// Install nothing: without a Vulkan driver the GPU tests are reported as ignored
        #[arg(long)]
        no_install: bool,
        /// Run only the GPU tests, in a root of Debian sid whose driver has subgroup matrices. Needs Debian and root
        /// privileges; sets up the root (600 MB) if it is missing
        #[arg(long, conflicts_with = "no_install")]
        subgroup_matrix: bool,
        /// With --subgroup-matrix: if that root cannot be set up, print why and succeed
        #[arg(long, requires = "subgroup_matrix")]
        may_skip: bool,
        /// Build the web package and run its tests in Chromium instead
        #[arg(long, conflicts_with = "subgroup_matrix")]
        web: bool,
        /// Arguments for the test programs, such as a filter
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Build the npm package for browsers and its demo page into dist/ (needs Node.js)
    Web,
    /// Serve the demo page on 127.0.0.1; builds it if it is missing
    Serve {
        /// Port; 0 picks a free one
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
    /// Check formatting, lints and documentation without warnings, and that builds without network code have none
    Lint,
    /// Check licences and sources of what the workspace depends on, with cargo-deny, which is built if it is missing
    Deny {
        /// Also look for advisories, whose database is fetched
        #[arg(long)]
        advisories: bool,
    },
    /// Check that every supported target compiles
    Targets,
    /// Check the combinations of the library's features, and what each leaves out of the dependencies
    Features,
    GpuLab(gpu_lab::GpuLab),
    Publish(publish::Publish),
    Semver(semver::Semver),
    Compare(compare::Compare),
    /// Run the tests of the CPU's network and stages on WebAssembly SIMD, in Node
    Wasm {
        /// Measure the network instead, on one thread, compiled as for the browser
        #[arg(long)]
        bench: bool,
    },
    /// Run the tests of the CPU's network and stages on NEON, under qemu unless this machine is an aarch64
    Neon {
        /// Arguments for the test programs, such as a filter
        #[arg(last = true)]
        rest: Vec<String>,
    },
    Sanitize(sanitize::Sanitize),
    Docs(docs::Docs),
    /// Run the reference and write the fixtures again (needs Python)
    Fixtures {
        /// Stages; all of them by default
        stages: Vec<String>,
    },
}

fn main() -> std::process::ExitCode {
    let outcome = match Cli::parse().task {
        Task::Test { subgroup_matrix: true, may_skip, rest, .. } => subgroup_matrix::test(may_skip, &rest),
        Task::Test { web: true, no_install, rest, .. } => web::build().and_then(|()| browser::test(!no_install, &rest)),
        Task::Test { no_install, rest, .. } => test(no_install, &rest),
        Task::Web => web::build(),
        Task::Serve { port } => serve(port),
        Task::Lint => lint(),
        Task::Deny { advisories } => deny::check(advisories),
        Task::Targets => targets(),
        Task::Features => features::check(),
        Task::GpuLab(options) => gpu_lab::gpu_lab(&options),
        Task::Publish(options) => publish::publish(&options),
        Task::Semver(options) => semver::semver(&options),
        Task::Compare(options) => compare::compare(&options),
        Task::Wasm { bench } => targets::wasm(bench),
        Task::Neon { rest } => targets::neon(&rest),
        Task::Sanitize(options) => sanitize::sanitize(&options),
        Task::Docs(options) => docs::docs(&options),
        Task::Fixtures { stages } => fixtures(&stages),
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
    run(cargo(&args))?;
    // Without its network code the program is a different build.
    args.splice(1..2, ["--package", "cytoshade-cli", "--no-default-features"]);
    run(cargo(&args))
}

fn serve(port: u16) -> Outcome {
    if !shell::root().join("dist/demo/index.html").is_file() {
        web::build()?;
    }
    serve::serve(port)
}

fn lint() -> Outcome {
    // Two folders are workspaces of their own, because of their dependencies.
    for workspace in ["Cargo.toml", "benches/peers/Cargo.toml", "fuzz/Cargo.toml"] {
        run(cargo(&["fmt", "--all", "--check", "--manifest-path", workspace]))?;
    }
    network::check()?;
    run(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    // Without its network code the program is a different build.
    let without = ["--package", "cytoshade-cli", "--no-default-features", "--all-targets"];
    run(cargo(&[&["clippy"], &without[..], &["--", "-D", "warnings"]].concat()))?;
    run(cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

fn targets() -> Outcome {
    run(std::process::Command::new("rustup").args(["target", "add"]).args(TARGETS))?;
    // The library is built for the browser, the whole product only checked for the others: `check` needs no linker.
    run(cargo(&["build", "--package", "cytoshade", "--package", "cytoshade-web", "--target", TARGETS[0]]))?;
    // Code for the browser alone is linted for no other target.
    run(cargo(&["clippy", "--package", "cytoshade-web", "--target", TARGETS[0], "--", "-D", "warnings"]))?;
    for target in &TARGETS[1..] {
        // TLS is partly in C and needs a compiler for each target; everything else is checked.
        let packages = ["--package", "cytoshade-cli", "--package", "cytoshade-fetch", "--no-default-features"];
        run(cargo(&[&["check"], &packages[..], &["--target", target]].concat()))?;
    }
    Ok(())
}

fn fixtures(stages: &[String]) -> Outcome {
    run(std::process::Command::new("bash").arg("tests/oracle/setup.sh"))?;
    run(std::process::Command::new("target/oracle/bin/python").arg("tests/oracle/make_fixtures.py").args(stages))
}
