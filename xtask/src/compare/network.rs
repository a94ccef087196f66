//! The network alone, on batches of tiles of 224 x 224.

use std::path::Path;
use std::process::Command;

use super::peer::Peer;
use super::setup::Setup;
use super::{Compare, Figure, Group, Unit};

const SIDE: usize = 224;
const OURS: &str = "Cytoshade";
/// Relative L2 difference to our output above which a peer computes something else. f32 engines differ by about 1e-6.
const AGREEMENT: f64 = 1e-4;

pub(super) fn measure(options: &Compare, setup: &Setup) -> Result<Vec<Group>, String> {
    let mut groups = Vec::new();
    for n in [1, 8] {
        let (mut peers, mut left_out) = start(options, setup);
        left_out.extend(check(&mut peers, setup, n)?);
        let figure = |peer: Peer| (Figure { peer: peer.name.clone(), values: Vec::new() }, peer);
        let mut peers: Vec<(Figure, Peer)> = peers.into_iter().map(figure).collect();
        let batch = n.to_string();
        for round in 0..options.rounds(if n == 1 { usize::MAX } else { 5 }) {
            eprintln!("network, batch {n}, round {}", round + 1);
            let measured = peers.len();
            peers.retain_mut(|(figure, peer)| match peer.run(&["run", &batch]) {
                Ok(seconds) => {
                    figure.values.push(seconds);
                    true
                }
                Err(what) => {
                    left_out.push(what);
                    false
                }
            });
            if peers.len() < measured && peers.first().is_none_or(|(figure, _)| figure.peer != OURS) {
                return Err(left_out.join("; "));
            }
        }
        let (figures, mut peers): (Vec<Figure>, Vec<Peer>) = peers.into_iter().unzip();
        groups.push(Group { title: format!("Network, batch of {n}"), unit: Unit::Seconds, figures, left_out });
        if n == 8 {
            let memory = |peer: &mut Peer| Ok(Figure { peer: peer.name.clone(), values: vec![peer.memory()?] });
            let figures = peers.iter_mut().map(memory).collect::<Result<_, String>>()?;
            let title = "Network, batch of 8, peak memory of the process".into();
            groups.push(Group { title, unit: Unit::Bytes, figures, left_out: Vec::new() });
        }
    }
    Ok(groups)
}

/// Every peer that can be had, ours first; and why the others cannot.
fn start(options: &Compare, setup: &Setup) -> (Vec<Peer>, Vec<String>) {
    let onnx = "network_{n}.onnx";
    let script = |engine: &str| Some((setup.python("worker.py"), Some(engine.to_string())));
    let program = |name: &str| setup.peer(name).map(|path| (Command::new(path), None));
    let all = [
        (OURS, program("peer-cytoshade"), "network.safetensors"),
        ("ONNX Runtime", script("onnxruntime"), onnx),
        ("PyTorch", script("torch"), "network.pth"),
        ("PyTorch as Cellpose runs it", script("cellpose"), "network.pth"),
        ("tract", program("peer-tract"), onnx),
        ("rten", program("peer-rten"), onnx),
        ("candle", program("peer-candle").filter(|_| setup.published_width), "network.safetensors"),
        ("burn", program("peer-burn"), "network.safetensors"),
    ];
    let (mut peers, mut left_out) = (Vec::new(), Vec::new());
    for (name, command, model) in all.into_iter().filter(|(name, ..)| options.wants(name)) {
        let Some((mut command, engine)) = command else {
            left_out.push(format!("{name}: its program did not build, or cannot take this network"));
            continue;
        };
        command.args(engine).arg(setup.file(model)).arg(setup.file("tiles.f32"));
        command.args([SIDE.to_string(), options.threads.to_string()]);
        match Peer::start(name, command, options) {
            Ok(peer) => peers.push(peer),
            Err(what) => left_out.push(what),
        }
    }
    (peers, left_out)
}

/// Runs every peer once and drops those whose output is not ours. Returns what was dropped and why.
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

/// Relative L2 difference; infinite where the lengths differ or anything is no number.
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
    fn difference_sees_what_is_not_ours() {
        assert_eq!(difference(&[3.0, 4.0], &[3.0, 4.0]), 0.0);
        assert!((difference(&[3.0, 4.0], &[3.0, 4.5]) - 0.1).abs() < 1e-12);
        assert_eq!(difference(&[3.0, 4.0], &[3.0]), f64::INFINITY);
        assert_eq!(difference(&[3.0, 4.0], &[3.0, f32::NAN]), f64::INFINITY);
    }
}
