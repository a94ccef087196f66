//! Measures every stage but the network beside the reference's own, on the same planes and stacks.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::peer::Peer;
use super::setup::interpreter;
use super::table::processor;
use super::{Compare, Figure, write};
use crate::shell::{Outcome, cargo, lines, root, run, target_folder};

/// The whole dynamics, from `follow_flows` on.
const WHOLE: &str = "flows to masks";
const PLANE: [&str; 9] =
    ["normalize", "resize", "tile", "blend", "follow_flows", "masks", "flow_error", "fill_holes", WHOLE];
const STACK: [&str; 5] = ["normalize", "follow_flows", "masks", "fill_holes", WHOLE];
/// The stages of [`STACK`] that run on a GPU; those of [`PLANE`] all do.
const STACK_ON_GPU: [&str; 4] = ["normalize", "follow_flows", "masks", WHOLE];

/// After this time, no further round of a stage starts.
const ENOUGH: Duration = Duration::from_secs(8);

/// The times of one stage of a scene.
struct Row {
    stage: &'static str,
    ours: Figure,
    /// On the GPU, if it runs the stage.
    gpu: Option<Figure>,
    theirs: Figure,
}

/// The processes, which alternate.
struct Peers {
    ours: Peer,
    gpu: Option<Peer>,
    theirs: Peer,
}

/// Writes benches/results/`name`.md.
pub(super) fn compare(options: &Compare, name: &str) -> Outcome {
    run(cargo(&["build", "--release", "--package", "cytoshade-benches", "--bin", "stages_peer"]))?;
    let program = target_folder().join("release/stages_peer");
    let scenes = root().join("target/compare/scenes");
    let mut draw = Command::new(&program);
    draw.arg("write").arg(&scenes);
    let names = lines(draw)?;
    let mut peers = Peers::start(options, &program, &scenes)?;

    let load_before = load();
    let mut body = String::new();
    let mut warm = false;
    for scene in names.iter().filter(|scene| !options.quick || scene.starts_with("512")) {
        let stages = if is_stack(scene) { &STACK[..] } else { &PLANE[..] };
        if !warm {
            // The first use compiles shaders and Python's kernels, which must not be measured.
            for stage in stages {
                peers.turn(scene, stage)?;
            }
            warm = true;
        }
        let cells = peers.agree(scene, stages)?;
        let rows = stages.iter().map(|stage| measure(options, &mut peers, scene, stage));
        let rows: Vec<Row> = rows.collect::<Result<_, String>>()?;
        body.push_str(&table(scene, cells, &rows));
    }
    let page = format!("{}{body}", head(options, peers.gpu.as_ref(), &load_before, &load()));
    println!("{page}");
    write(&format!("{name}.md"), &page)
}

fn is_stack(scene: &str) -> bool {
    scene.matches('x').count() == 2
}

impl Peers {
    fn start(options: &Compare, program: &Path, scenes: &Path) -> Result<Self, String> {
        let ours = |device: &str, name: &str| {
            let mut command = Command::new(program);
            command.arg(device).arg(scenes);
            Peer::start(name, command, options)
        };
        let mut theirs = Command::new(interpreter(options)?);
        theirs.arg(root().join("benches/peers/stages.py")).arg(scenes);
        let mut adapter = Command::new(program);
        adapter.arg("adapter");
        // Without an adapter the table has no such column.
        let adapter = lines(adapter).ok().and_then(|names| names.into_iter().next());
        Ok(Self {
            ours: ours("cpu", "Cytoshade")?,
            gpu: adapter.map(|name| ours("gpu", &name)).transpose()?,
            theirs: Peer::start("Cellpose (PyPI cellpose 3.1.1.2)", theirs, options)?,
        })
    }

    /// The GPU, if it runs a stage of a scene.
    fn gpu(&mut self, scene: &str, stage: &str) -> Option<&mut Peer> {
        self.gpu.as_mut().filter(|_| !is_stack(scene) || STACK_ON_GPU.contains(&stage))
    }

    /// Checks that all backends agree. Returns the number of cells.
    ///
    /// All must find the same number of cells with the same area to a thousandth, and each stage on the GPU must agree
    /// with the CPU.
    fn agree(&mut self, scene: &str, stages: &[&str]) -> Result<f64, String> {
        let mut cells = 0.0;
        for what in ["covered", "cells"] {
            let theirs = self.theirs.number(&[what, scene])?;
            let mut ours = vec![self.ours.number(&[what, scene])?];
            if let Some(gpu) = &mut self.gpu {
                ours.push(gpu.number(&[what, scene])?);
            }
            for ours in ours {
                if theirs < 1.0 || (ours - theirs).abs() > 1e-3 * theirs {
                    return Err(format!("{scene}: {what}: found {ours}, the reference {theirs}"));
                }
            }
            cells = theirs;
        }
        for stage in stages {
            if let Some(gpu) = self.gpu(scene, stage)
                && gpu.number(&["agrees", scene, stage])? < 1.0
            {
                return Err(format!("{scene}: {stage} on {} differs from that on the CPU", gpu.name));
            }
        }
        Ok(cells)
    }

    /// Runs a stage once on each backend. Returns the seconds of ours, the GPU's and the reference's.
    fn turn(&mut self, scene: &str, stage: &str) -> Result<(f64, Option<f64>, f64), String> {
        let words = ["run", scene, stage];
        let ours = self.ours.run(&words)?;
        let gpu = self.gpu(scene, stage).map(|gpu| gpu.run(&words)).transpose()?;
        Ok((ours, gpu, self.theirs.run(&words)?))
    }
}

fn measure(options: &Compare, peers: &mut Peers, scene: &str, stage: &'static str) -> Result<Row, String> {
    let figure = |peer: &Peer| Figure { peer: peer.name.clone(), values: Vec::new() };
    let gpu = peers.gpu(scene, stage).map(|gpu| figure(gpu));
    let mut row = Row { stage, ours: figure(&peers.ours), gpu, theirs: figure(&peers.theirs) };
    let start = Instant::now();
    for round in 0..options.rounds(7) {
        if round > 1 && start.elapsed() > ENOUGH {
            break;
        }
        let (ours, gpu, theirs) = peers.turn(scene, stage)?;
        row.ours.values.push(ours);
        if let (Some(figure), Some(gpu)) = (&mut row.gpu, gpu) {
            figure.values.push(gpu);
        }
        row.theirs.values.push(theirs);
    }
    let times = |figure: &Figure| format!("{:.1} times as fast", row.theirs.median() / figure.median());
    let gpu = row.gpu.as_ref().map(|gpu| format!(", on the GPU {}", times(gpu))).unwrap_or_default();
    eprintln!("{scene}, {stage}: {}{gpu}", times(&row.ours));
    Ok(row)
}

fn head(options: &Compare, gpu: Option<&Peer>, before: &str, after: &str) -> String {
    let gpu = gpu.map_or_else(
        || "No adapter was available, not even a software one.".into(),
        |gpu| {
            format!(
                "The GPU is {}. Inputs and outputs of its stages stay on the device, except for the labels at the very end; those of a \
                 stack are read back before fill_holes, which runs on the host. It was measured after each of its stages had agreed \
                 with that on the CPU.",
                gpu.name
            )
        },
    );
    format!(
        "# Stage by stage beside the reference\n\n\
         `cargo xtask compare --stages --rounds {}` on {}, {} threads for all. The reference is PyPI `cellpose==3.1.1.2` on its plain CPU \
         path. All take turns on the same synthetic cells with noise (`benches/src/scenes.rs`), round by round, after they found \
         the same cells. Milliseconds are medians, with the least and the most in brackets; speedups over the reference are of the \
         medians. `masks` counts the end points, finds the seeds and grows them; `{WHOLE}` is everything from `follow_flows` on. {gpu}\n\n\
         Load average before: {before}; after: {after}.{}\n",
        options.rounds,
        processor(),
        options.threads,
        if options.quick { " A quick run, on few rounds: not for quoting." } else { "" },
    )
}

fn table(scene: &str, cells: f64, rows: &[Row]) -> String {
    let on_gpu = rows.iter().any(|row| row.gpu.is_some());
    let (column, line) = if on_gpu { (" GPU, ms | GPU, times as fast |", "---|---|") } else { ("", "") };
    let mut table = format!(
        "\n## {scene} ({cells} cells)\n\n| stage | reference, ms | CPU, ms | CPU, times as fast |{column}\n|---|---|---|---|{line}\n"
    );
    for Row { stage, ours, gpu, theirs } in rows {
        let _ = write!(table, "| {stage} | {} |", milliseconds(theirs));
        for figure in [Some(ours), gpu.as_ref()].into_iter().flatten() {
            let times = theirs.median() / figure.median();
            let digits = if times < 1.0 { 2 } else { 1 };
            let _ = write!(table, " {} | {times:.digits$} |", milliseconds(figure));
        }
        table.push_str(if on_gpu && gpu.is_none() { " on the host | |\n" } else { "\n" });
    }
    table
}

fn milliseconds(figure: &Figure) -> String {
    let most = figure.values.iter().copied().fold(0.0, f64::max);
    format!("{:.1} ({:.1} to {:.1})", figure.median() * 1e3, figure.min() * 1e3, most * 1e3)
}

/// The load average of the last minute, on Linux.
fn load() -> String {
    let average = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    average.split(' ').next().filter(|first| !first.is_empty()).unwrap_or("unknown").into()
}
