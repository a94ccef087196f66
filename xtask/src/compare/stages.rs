//! Every stage round the network beside the reference's own, on the same planes and stacks.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use super::peer::Peer;
use super::setup::interpreter;
use super::table::processor;
use super::{Compare, Figure, write};
use crate::shell::{Outcome, cargo, lines, root, run, target_folder};

/// The whole of the dynamics, to which the stages before it in [`PLANE`] and [`STACK`] add up.
const WHOLE: &str = "flows to masks";
const PLANE: [&str; 9] =
    ["normalize", "resize", "tile", "blend", "follow_flows", "masks", "flow_error", "fill_holes", WHOLE];
const STACK: [&str; 5] = ["normalize", "follow_flows", "masks", "fill_holes", WHOLE];

/// A stage is run no more often once this is spent on it.
const ENOUGH: Duration = Duration::from_secs(12);

/// What both sides took for a stage of a scene.
struct Row {
    stage: &'static str,
    ours: Figure,
    theirs: Figure,
}

/// Writes benches/results/`name`.md.
pub(super) fn compare(options: &Compare, name: &str) -> Outcome {
    run(cargo(&["build", "--release", "--package", "cytoshade-benches", "--bin", "stages_peer"]))?;
    let program = target_folder().join("release/stages_peer");
    let scenes = root().join("target/compare/scenes");
    let mut draw = Command::new(&program);
    draw.arg("write").arg(&scenes);
    let names = lines(draw)?;

    let mut ours = Command::new(&program);
    ours.arg(&scenes);
    let mut theirs = Command::new(interpreter(options)?);
    theirs.arg(root().join("benches/peers/stages.py")).arg(&scenes);
    let mut peers =
        [Peer::start("Cytoshade", ours, options)?, Peer::start("Cellpose (PyPI cellpose 3.1.1.2)", theirs, options)?];

    let load_before = load();
    let mut body = String::new();
    let mut warm = false;
    for scene in names.iter().filter(|scene| !options.quick || scene.starts_with("512")) {
        let stages = if scene.matches('x').count() == 2 { &STACK[..] } else { &PLANE[..] };
        if !warm {
            // What is compiled when it is first used is not to be measured.
            for stage in stages {
                turn(&mut peers, scene, stage)?;
            }
            warm = true;
        }
        let cells = agree(&mut peers, scene)?;
        let rows = stages.iter().map(|stage| measure(options, &mut peers, scene, stage));
        let rows: Vec<Row> = rows.collect::<Result<_, String>>()?;
        body.push_str(&table(scene, cells, &rows));
    }
    let page = format!("{}{body}", head(options, &load_before, &load()));
    println!("{page}");
    write(&format!("{name}.md"), &page)
}

/// Both find the same number of cells, which cover the same number of pixels, to a thousandth.
fn agree(peers: &mut [Peer; 2], scene: &str) -> Result<f64, String> {
    let mut cells = 0.0;
    for what in ["covered", "cells"] {
        let [ours, theirs] = peers;
        let (ours, theirs) = (ours.ask(&[what, scene])?, theirs.ask(&[what, scene])?);
        if theirs < 1.0 || (ours - theirs).abs() > 1e-3 * theirs {
            return Err(format!("{scene}: {what}: {ours}, the reference says {theirs}"));
        }
        cells = theirs;
    }
    Ok(cells)
}

/// Seconds of one run of each.
fn turn([ours, theirs]: &mut [Peer; 2], scene: &str, stage: &str) -> Result<[f64; 2], String> {
    Ok([ours.run(&["run", scene, stage])?, theirs.run(&["run", scene, stage])?])
}

fn measure(options: &Compare, peers: &mut [Peer; 2], scene: &str, stage: &'static str) -> Result<Row, String> {
    let figure = |peer: &Peer| Figure { peer: peer.name.clone(), values: Vec::new() };
    let mut row = Row { stage, ours: figure(&peers[0]), theirs: figure(&peers[1]) };
    let start = Instant::now();
    for round in 0..options.rounds(7) {
        if round > 1 && start.elapsed() > ENOUGH {
            break;
        }
        let [ours, theirs] = turn(peers, scene, stage)?;
        row.ours.values.push(ours);
        row.theirs.values.push(theirs);
    }
    eprintln!("{scene}, {stage}: {:.1} times as fast", row.theirs.median() / row.ours.median());
    Ok(row)
}

fn head(options: &Compare, before: &str, after: &str) -> String {
    format!(
        "# Stage by stage beside the reference\n\n\
         `cargo xtask compare --stages` on {}, {} threads for both. The reference is PyPI `cellpose==3.1.1.2` on its plain CPU \
         path. Both take turns on the same drawn cells with noise (`benches/src/scenes.rs`), round by round, after they had found the \
         same cells. Milliseconds are medians, in brackets the least and the most; the ratio is of the medians. `masks` \
         counts the end points, finds the seeds and grows them; `{WHOLE}` is all from `follow_flows` on.\n\n\
         Load average before: {before}; after: {after}.{}\n",
        processor(),
        options.threads,
        if options.quick { " A quick run, on few rounds: not for quoting." } else { "" },
    )
}

fn table(scene: &str, cells: f64, rows: &[Row]) -> String {
    let mut table = format!(
        "\n## {scene} ({cells} cells)\n\n| stage | Cytoshade, ms | reference, ms | times as fast |\n|---|---|---|---|\n"
    );
    for Row { stage, ours, theirs } in rows {
        let times = theirs.median() / ours.median();
        let _ = writeln!(table, "| {stage} | {} | {} | {times:.1} |", milliseconds(ours), milliseconds(theirs));
    }
    table
}

fn milliseconds(figure: &Figure) -> String {
    let most = figure.values.iter().copied().fold(0.0, f64::max);
    format!("{:.1} ({:.1} to {:.1})", figure.median() * 1e3, figure.min() * 1e3, most * 1e3)
}

/// How many processes wanted to run in the last minute, where Linux says it.
fn load() -> String {
    let average = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    average.split(' ').next().filter(|first| !first.is_empty()).unwrap_or("unknown").into()
}
