//! `cargo xtask compare`: the same network, weights, tiles and images on other engines.
//!
//! Every peer is a long-running process (`benches/peers/protocol`), so that runs alternate and other load on the
//! machine affects all of them equally. A peer is timed only after its output agrees with ours. Figures are ratios
//! within one run.

mod folder;
mod network;
mod peer;
mod pipeline;
mod plot;
mod readme;
mod setup;
mod shares;
mod stages;
mod table;
mod web;

use std::path::PathBuf;

use crate::shell::{Outcome, root};

/// Measure the network and the whole pipeline beside other engines, and write a table and a plot to benches/results
#[derive(Debug, clap::Args)]
pub(crate) struct Compare {
    /// Python with the packages of tests/oracle/requirements.txt and benches/peers/requirements.txt; by default, an
    /// environment is created in target/compare
    #[arg(long, env = "CYTOSHADE_COMPARE_PYTHON")]
    python: Option<PathBuf>,
    /// Network of the published width; by default the one in $CYTOSHADE_TEST_DATA, else the bundled network, which
    /// `python -m cellpose` and candle cannot run
    #[arg(long)]
    model: Option<PathBuf>,
    /// Threads for every engine
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    threads: usize,
    /// Run the shaders on the driver that `cargo xtask test --subgroup-matrix` installs, not on this machine's
    #[arg(long, conflicts_with_all = ["web", "stages"])]
    subgroup_matrix: bool,
    /// Rounds of the network; batches of 8 and whole images run fewer
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Run few rounds and only the small image, to try it out
    #[arg(long)]
    quick: bool,
    /// Measure the browser package beside onnxruntime-web in one headless Chromium instead (--quick skips WebGPU)
    #[arg(long)]
    web: bool,
    /// Measure every stage but the network beside the reference's own instead, on synthetic cells
    #[arg(long, conflicts_with = "web")]
    stages: bool,
    /// Measure everything, --stages too (as NAME-stages.md), and write the figures into the README and the book
    #[arg(long, conflicts_with_all = ["web", "stages", "quick", "only"])]
    publish: bool,
    /// Run only these measurements
    #[arg(long, value_enum)]
    only: Vec<Measure>,
    /// Images of `--only folder`
    #[arg(long, value_name = "N", default_value_t = 200)]
    images: usize,
    /// Skip peers whose name starts with this
    #[arg(long)]
    without: Vec<String>,
    /// Name of the results: benches/results/NAME.md and NAME.svg; NAME-web.md with --web
    #[arg(long, default_value = "compare")]
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Measure {
    /// The network alone
    Network,
    /// The network in WGSL on the machine's GPU or software adapter, beside engines on the CPU
    Shaders,
    /// Image file to mask file
    Pipeline,
    /// A folder of --images images, which takes long and is only measured on request
    Folder,
}

impl Compare {
    fn measures(&self, measure: Measure) -> bool {
        self.only.contains(&measure) || self.only.is_empty() && measure != Measure::Folder
    }

    fn wants(&self, peer: &str) -> bool {
        !self.without.iter().any(|start| peer.to_lowercase().starts_with(&start.to_lowercase()))
    }

    fn rounds(&self, most: usize) -> usize {
        if self.quick { 2 } else { self.rounds.min(most).max(1) }
    }
}

/// The measurements of one peer.
#[derive(Clone, Debug)]
struct Figure {
    peer: String,
    /// Seconds of each round, or bytes.
    values: Vec<f64>,
}

/// Figures of one measurement, ours first.
#[derive(Clone, Debug)]
struct Group {
    title: String,
    unit: Unit,
    figures: Vec<Figure>,
    /// Peers that were not measured, each with the reason.
    left_out: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Seconds,
    Bytes,
}

impl Figure {
    fn min(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn median(&self) -> f64 {
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

pub(crate) fn compare(options: &Compare) -> Outcome {
    if options.web {
        return web::compare(options);
    }
    if options.stages {
        return stages::compare(options, &options.name);
    }
    let setup = setup::Setup::new(options)?;
    let (mut groups, mut shares) = (Vec::new(), shares::Shares::default());
    if options.measures(Measure::Network) {
        groups.extend(network::measure(options, &setup)?);
    }
    if options.measures(Measure::Shaders) {
        groups.extend(network::measure_shaders(options, &setup)?);
    }
    if options.measures(Measure::Pipeline) {
        let of_images = pipeline::measure(options, &setup)?;
        groups.extend(of_images.0);
        shares = of_images.1;
    }
    if options.measures(Measure::Folder) {
        groups.extend(folder::measure(options, &setup)?);
    }
    let table = table::table(options, &setup, &groups, &shares);
    println!("{table}");
    write(&format!("{}.md", options.name), &table)?;
    let plot = plot::plot(&groups);
    write(&format!("{}.svg", options.name), &plot)?;
    if options.publish {
        readme::write(&table::summary(options, &setup, &groups, &shares))?;
        write_file("docs/src/plots/compare.svg", &plot)?;
        stages::compare(options, &format!("{}-stages", options.name))?;
    }
    Ok(())
}

/// Writes a file of results.
fn write(name: &str, text: &str) -> Outcome {
    write_file(&format!("benches/results/{name}"), text)
}

fn write_file(path: &str, text: &str) -> Outcome {
    let path = root().join(path);
    eprintln!("writing {}", path.display());
    std::fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
