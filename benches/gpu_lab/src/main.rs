//! `cytoshade-gpu-lab run` compiles every pipeline for some devices, prints tables and checks limits.
//!
//! `cargo xtask gpu-lab` sets up what it needs.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use cytoshade_gpu_lab::devices::{Device, Setup, Tier};
use cytoshade_gpu_lab::error::Error;
use cytoshade_gpu_lab::lab::{Lab, Results};
use cytoshade_gpu_lab::{child, limits, product, table};

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile the pipelines of devices
    Run(Box<Run>),
    /// Open the device of the environment and compile the pipelines that the standard input names
    Compile,
}

#[derive(Debug, Args)]
struct Run {
    /// The tier of devices; may be repeated
    #[arg(long, required = true)]
    tier: Vec<Tier>,
    /// The root with the drivers of tier B
    #[arg(long, default_value = "/")]
    root: PathBuf,
    /// The folder of the no-op kernel drivers of tier B
    #[arg(long, default_value = ".")]
    shims: PathBuf,
    /// The program `gpu-lab-product`, to check the product on the devices of tier B
    #[arg(long)]
    product: Option<PathBuf>,
    /// Only the device of this name
    #[arg(long)]
    device: Option<String>,
    /// Only shaders with this text in their names
    #[arg(long)]
    shader: Option<String>,
    /// Write the texts of the compilers to this folder
    #[arg(long)]
    isa: Option<PathBuf>,
    /// The folder of the earlier pages
    #[arg(long)]
    results: PathBuf,
    /// The date of the page
    #[arg(long)]
    date: String,
    /// Write the page to this file instead of the standard output
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> std::process::ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(options) => run(*options),
        Command::Compile => child::serve(),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gpu-lab: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(options: Run) -> Result<(), Error> {
    let devices = Device::select(&options.tier, options.device.as_deref())?;
    let setup = Setup { root: options.root, shims: options.shims };
    let program = std::env::current_exe().map_err(|source| Error::File { path: "/proc/self/exe".into(), source })?;
    let lab = Lab { program, setup, shader: options.shader, texts: options.isa };
    let (mut results, mut findings) = (Vec::new(), Vec::new());
    for result in lab.run(&devices) {
        match result {
            Ok(result) => results.push(result),
            Err(error) => findings.push(error.to_string()),
        }
    }
    let before = table::last(&options.results, &options.date)?;
    let before = before.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
    let page = table::page(&options.date, &results, before);
    match &options.output {
        Some(path) => {
            std::fs::write(path, page).map_err(|source| Error::File { path: path.clone(), source })?;
            eprintln!("{}", path.display());
        }
        None => print!("{page}"),
    }
    findings.extend(limits::check(&results));
    if let Some(product) = &options.product {
        for Results { device, traits, .. } in results.iter().filter(|results| results.device.tier == Tier::B) {
            let pipelines = cytoshade_gpu_lab::pipelines::all(traits)?;
            findings.extend(product::check(&lab.setup, device, product, &pipelines)?);
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(Error::Findings(findings)) }
}
