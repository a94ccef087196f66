//! Measures whole images, from image file to mask file.
//!
//! Warm: in a process that has loaded the network. Cold: as a program started for one image.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::peer::{Peer, set_threads};
use super::setup::{Setup, program};
use super::shares::Shares;
use super::{Compare, Figure, Group, Unit};
use crate::shell::run;

const SIDES: [usize; 2] = [512, 2048];

/// The figures of whole images, and the shares of our stages in the warm ones.
pub(super) fn measure(options: &Compare, setup: &Setup) -> Result<(Vec<Group>, Shares), String> {
    let mut shares = Shares::default();
    if !setup.published_width {
        eprintln!(
            "whole images are skipped: Cellpose's programs only run a network of the published width; pass it as --model"
        );
        return Ok((Vec::new(), shares));
    }
    let mut groups = Vec::new();
    for side in SIDES.into_iter().take(if options.quick { 1 } else { SIDES.len() }) {
        let image = setup.file(&format!("image_{side}.png"));
        groups.extend(warm(options, setup, side, &image, &mut shares)?);
        groups.extend(cold(options, setup, side, &image)?);
    }
    Ok((groups, shares))
}

fn warm(
    options: &Compare,
    setup: &Setup,
    side: usize,
    image: &Path,
    shares: &mut Shares,
) -> Result<[Group; 2], String> {
    let model = setup.file("network.pth");
    let threads = options.threads.to_string();
    let ours = setup.peer("peer-cytoshade").ok_or("peer-cytoshade did not build")?;
    let arguments = |mut command: Command| {
        command.arg("pipeline").arg(&model).arg(&threads);
        command
    };
    let mut peers = [
        Peer::start("Cytoshade", arguments(Command::new(ours)), options)?,
        Peer::start("CellposeModel.eval", arguments(setup.python("worker.py")), options)?,
    ];
    let masks = |name: &str| setup.file(&format!("{name}_{side}_masks.tif"));
    let files = [masks("ours"), masks("theirs")];
    let mut figures = peers.each_ref().map(|peer| Figure { peer: peer.name.clone(), values: Vec::new() });
    // The first round is a warm-up.
    for round in 0..=options.rounds(5) {
        for ((peer, figure), file) in peers.iter_mut().zip(&mut figures).zip(&files) {
            let seconds = peer.run(&["run", &image.to_string_lossy(), &file.to_string_lossy()])?;
            eprintln!("{side} x {side}, warm, round {round}: {} {seconds:.2} s", peer.name);
            if round > 0 {
                figure.values.push(seconds);
            }
        }
        if round == 0 {
            agree(setup, &files)?;
        } else {
            shares.add(side, &peers[0].request(&["stages"])?);
        }
    }
    let memory = peers.each_mut().map(|peer| {
        let value = peer.memory()?;
        Ok::<_, String>(Figure { peer: peer.name.clone(), values: vec![value] })
    });
    let memory = memory.into_iter().collect::<Result<_, _>>()?;
    Ok([
        group(format!("{side} x {side}, warm"), Unit::Seconds, figures.into()),
        group(format!("{side} x {side}, warm, peak memory of the process"), Unit::Bytes, memory),
    ])
}

fn cold(options: &Compare, setup: &Setup, side: usize, image: &Path) -> Result<[Group; 2], String> {
    let model = setup.file("network.pth");
    let folder = setup.file("cold");
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let threads = options.threads.to_string();
    let mut ours = setup.python("cold.py");
    ours.arg(program()).args(["segment", "--device", "cpu", "--threads", &threads]);
    ours.arg(image).arg("--model").arg(&model).arg("--output").arg(&folder);
    let mut theirs = setup.python("cold.py");
    theirs.arg(&setup.python).args(["-m", "cellpose", "--save_tif", "--no_npy", "--image_path"]).arg(image);
    theirs.arg("--pretrained_model").arg(&model).arg("--savedir").arg(&folder);
    theirs.args(["--chan", "0", "--diameter", "0"]);
    let mut commands = [("Cytoshade", ours), ("python -m cellpose", theirs)];
    let figure = |peer: &str| Figure { peer: peer.into(), values: Vec::new() };
    let mut seconds = commands.each_ref().map(|(name, _)| figure(name));
    let mut memory = seconds.clone();
    for round in 0..options.rounds(3) {
        for (at, (name, command)) in commands.iter_mut().enumerate() {
            set_threads(command, options.threads);
            let (time, bytes, _) = once(command)?;
            eprintln!("{side} x {side}, cold, round {}: {name} {time:.2} s", round + 1);
            seconds[at].values.push(time);
            memory[at].values.push(bytes);
        }
    }
    Ok([
        group(format!("{side} x {side}, cold"), Unit::Seconds, seconds.into()),
        group(format!("{side} x {side}, cold, peak memory of the process"), Unit::Bytes, memory.into()),
    ])
}

/// Runs `cold.py` once, and returns its seconds, peak bytes, and the last line that the command printed.
pub(super) fn once(command: &mut Command) -> Result<(f64, f64, String), String> {
    let output = command.output().map_err(|error| format!("cannot run cold.py: {error}"))?;
    let answer = String::from_utf8_lossy(&output.stdout);
    let mut lines = answer.lines();
    let mut number = || lines.next().and_then(|line| line.parse().ok());
    match (number(), number()) {
        (Some(seconds), Some(bytes)) if output.status.success() => {
            Ok((seconds, bytes, lines.next().unwrap_or_default().to_owned()))
        }
        _ => Err(format!("cold.py failed: {answer}{}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// Fails unless both mask files agree, by the project's measure of mask agreement.
pub(super) fn agree(setup: &Setup, [ours, theirs]: &[PathBuf; 2]) -> Result<(), String> {
    run(Command::new(&setup.python).arg("tests/oracle/compare_masks.py").args([theirs, ours]))
}

pub(super) fn group(title: String, unit: Unit, figures: Vec<Figure>) -> Group {
    Group { title, unit, figures, left_out: Vec::new() }
}
