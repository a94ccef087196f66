//! Measures the network alone, on batches of tiles of 224 x 224.

use std::path::Path;
use std::process::Command;

use super::peer::Peer;
use super::setup::Setup;
use super::{Compare, Figure, Group, Unit};
use crate::subgroup_matrix;

const SIDE: usize = 224;
/// Maximum relative L2 error of a peer's output. f32 engines differ by about 1e-6.
/// about 1e-6.
const AGREEMENT: f64 = 1e-4;

/// The peer's name for our network in WGSL.
const SHADERS: &str = "Cytoshade in WGSL";

pub(super) fn measure(options: &Compare, setup: &Setup) -> Result<Vec<Group>, String> {
    let mut groups = Vec::new();
    for n in [1, 8] {
        let started = start(options, setup, setup.engines());
        let rounds = options.rounds(if n == 1 { usize::MAX } else { 5 });
        let (group, mut peers) = in_turns(format!("Network, batch of {n}"), n, rounds, setup, started)?;
        groups.push(group);
        if n == 8 {
            let memory = |peer: &mut Peer| Ok(Figure { peer: peer.name.clone(), values: vec![peer.memory()?] });
            let figures = peers.iter_mut().map(memory).collect::<Result<_, String>>()?;
            let title = "Network, batch of 8, peak memory of the process".into();
            groups.push(Group { title, unit: Unit::Bytes, figures, left_out: Vec::new() });
        }
    }
    Ok(groups)
}

/// Our network in WGSL, tile by tile with its transfers, beside engines on the CPU.
///
/// `None` without an adapter.
///
/// On a software adapter this measures the quality of the shaders, and their progress.
pub(super) fn measure_shaders(options: &Compare, setup: &Setup) -> Result<Option<Group>, String> {
    let program = setup.peer("peer-cytoshade");
    let ours = program
        .map(|path| if options.subgroup_matrix { subgroup_matrix::inside(&path) } else { Ok(Command::new(path)) })
        .transpose()?;
    let ours = Engine { name: SHADERS, command: ours, first: Some("wgsl"), model: "network.safetensors" };
    let peers = setup.engines().into_iter().filter(|engine| ["ONNX Runtime", "PyTorch"].contains(&engine.name));
    let mut started = start(options, setup, std::iter::once(ours).chain(peers).collect());
    let about = started.0.first_mut().filter(|peer| peer.name == SHADERS).map(|peer| peer.request(&["about"]));
    match about {
        Some(Ok(adapter)) => {
            let title = format!("Network in WGSL on {adapter}, batch of 1");
            Ok(Some(in_turns(title, 1, options.rounds(usize::MAX), setup, started)?.0))
        }
        none => {
            eprintln!("the network in WGSL is not measured: {none:?}");
            Ok(None)
        }
    }
}

/// Times the peers on batches of `n`, round by round, after comparing their outputs with ours.
fn in_turns(
    title: String,
    n: usize,
    rounds: usize,
    setup: &Setup,
    (mut peers, mut left_out): (Vec<Peer>, Vec<String>),
) -> Result<(Group, Vec<Peer>), String> {
    left_out.extend(check(&mut peers, setup, n)?);
    let mut figures: Vec<(Figure, Peer)> =
        peers.into_iter().map(|peer| (Figure { peer: peer.name.clone(), values: Vec::new() }, peer)).collect();
    let ours = figures.first().map(|(figure, _)| figure.peer.clone());
    let batch = n.to_string();
    for round in 0..rounds {
        eprintln!("{title}, round {}", round + 1);
        figures.retain_mut(|(figure, peer)| match peer.run(&["run", &batch]) {
            Ok(seconds) => {
                figure.values.push(seconds);
                true
            }
            Err(what) => {
                left_out.push(what);
                false
            }
        });
        if figures.first().map(|(figure, _)| &figure.peer) != ours.as_ref() {
            return Err(left_out.join("; "));
        }
    }
    let (figures, peers) = figures.into_iter().unzip();
    Ok((Group { title, unit: Unit::Seconds, figures, left_out }, peers))
}

/// The command of a peer that runs the network.
#[derive(Debug)]
struct Engine {
    name: &'static str,
    /// `None` if its program did not build or does not support this network.
    command: Option<Command>,
    /// First argument of the program.
    first: Option<&'static str>,
    /// File of the network in the peer's format.
    model: &'static str,
}

impl Setup {
    /// The engines on the CPU, ours first.
    fn engines(&self) -> Vec<Engine> {
        let onnx = "network_{n}.onnx";
        let (torch, tensors) = ("network.pth", "network.safetensors");
        let script = |name, first, model| {
            let command = Some(self.python("worker.py"));
            Engine { name, command, first: Some(first), model }
        };
        let program = |name, program: &str, model| {
            let fits = program != "peer-candle" || self.published_width;
            let command = self.peer(program).filter(|_| fits).map(Command::new);
            Engine { name, command, first: None, model }
        };
        vec![
            program("Cytoshade", "peer-cytoshade", tensors),
            script("ONNX Runtime", "onnxruntime", onnx),
            script("PyTorch", "torch", torch),
            script("PyTorch as Cellpose runs it", "cellpose", torch),
            program("tract", "peer-tract", onnx),
            program("rten", "peer-rten", onnx),
            program("candle", "peer-candle", tensors),
            program("burn", "peer-burn", tensors),
        ]
    }

    /// Starts a peer that runs the network and waits for requests.
    fn peer_of(&self, engine: Engine, options: &Compare) -> Result<Peer, String> {
        let name = engine.name;
        let mut command =
            engine.command.ok_or_else(|| format!("{name}: its program did not build, or cannot take this network"))?;
        command.args(engine.first).arg(self.file(engine.model)).arg(self.file("tiles.f32"));
        command.args([SIDE.to_string(), options.threads.to_string()]);
        Peer::start(name, command, options)
    }
}

/// Starts the peers in order. Returns those that started, and the errors of the others.
fn start(options: &Compare, setup: &Setup, engines: Vec<Engine>) -> (Vec<Peer>, Vec<String>) {
    let (mut peers, mut left_out) = (Vec::new(), Vec::new());
    for engine in engines.into_iter().filter(|engine| options.wants(engine.name)) {
        match setup.peer_of(engine, options) {
            Ok(peer) => peers.push(peer),
            Err(what) => left_out.push(what),
        }
    }
    (peers, left_out)
}

/// Runs every peer once and drops those whose output differs from ours. Returns the reasons.
fn check(peers: &mut Vec<Peer>, setup: &Setup, n: usize) -> Result<Vec<String>, String> {
    let batch = n.to_string();
    let mut ours: Option<Vec<f32>> = None;
    let mut left_out = Vec::new();
    for mut peer in std::mem::take(peers) {
        let file = setup.file("output.f32");
        let output = peer.run(&["save", &batch, &file.to_string_lossy()]).and_then(|_| read(&file));
        match (output, &ours) {
            (Ok(output), None) => {
                ours = Some(output);
                peers.push(peer);
            }
            (Err(what), None) => return Err(what),
            (Ok(output), Some(ours)) => {
                let difference = difference(ours, &output);
                eprintln!("{}: relative L2 difference to ours {difference:.1e}", peer.name);
                if difference <= AGREEMENT {
                    peers.push(peer);
                } else {
                    left_out.push(format!("{}: its output differs from ours by {difference:.1e}", peer.name));
                }
            }
            (Err(what), Some(_)) => left_out.push(what),
        }
    }
    Ok(left_out)
}

fn read(path: &Path) -> Result<Vec<f32>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect())
}

/// Relative L2 difference; infinite if the lengths differ or a value is NaN.
fn difference(ours: &[f32], other: &[f32]) -> f64 {
    if ours.len() != other.len() {
        return f64::INFINITY;
    }
    let square = |value: f64| value * value;
    let sum: f64 = ours.iter().zip(other).map(|(&a, &b)| square(f64::from(a) - f64::from(b))).sum();
    let norm: f64 = ours.iter().map(|&a| square(f64::from(a))).sum();
    let difference = (sum / norm).sqrt();
    if difference.is_nan() { f64::INFINITY } else { difference }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_is_relative_and_never_nan() {
        assert_eq!(difference(&[3.0, 4.0], &[3.0, 4.0]), 0.0);
        assert!((difference(&[3.0, 4.0], &[3.0, 4.5]) - 0.1).abs() < 1e-12);
        assert_eq!(difference(&[3.0, 4.0], &[3.0]), f64::INFINITY);
        assert_eq!(difference(&[3.0, 4.0], &[3.0, f32::NAN]), f64::INFINITY);
    }
}
