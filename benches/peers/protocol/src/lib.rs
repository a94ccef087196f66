//! The protocol between `cargo xtask compare` and a peer.
//!
//! A peer is a long-running process: it reads requests from its standard input and answers each with one line on its
//! standard output. Runs of all peers can therefore alternate, and each peer keeps its compiled code and its buffers.
//!
//! A peer of the network is started with `MODEL TILES SIDE THREADS`: the file of the network (in which `{n}` stands for the batch
//! size), the file of the tiles (f32, [tiles, 2, side, side]), their side and the number of threads. Its requests are
//! - `run N`: run the first N tiles, and answer with the seconds
//! - `save N FILE`: the same, and write the outputs as f32 [N, 3, side, side]
//! - `about`: answer with the device's name, which may be empty
//! - `memory`: answer with the process's peak memory in bytes

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// The arguments of a peer of the network.
pub struct Job {
    /// The network's file; `{n}` in it stands for the batch size.
    pub model: String,
    pub side: usize,
    pub threads: usize,
    /// The device's name.
    pub about: String,
    tiles: Vec<f32>,
}

impl Job {
    pub fn from_args() -> Outcome<Self> {
        Self::new(&std::env::args().skip(1).collect::<Vec<_>>())
    }

    /// From `MODEL TILES SIDE THREADS`.
    pub fn new(args: &[String]) -> Outcome<Self> {
        let [model, tiles, side, threads] = args else { return Err("expected MODEL TILES SIDE THREADS".into()) };
        let bytes = std::fs::read(tiles)?;
        let tiles = bytes.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
        let (side, threads) = (side.parse()?, threads.parse()?);
        Ok(Self { model: model.clone(), side, threads, about: String::new(), tiles })
    }

    /// The network's file for batches of `n`.
    pub fn model_for(&self, n: usize) -> String {
        self.model.replace("{n}", &n.to_string())
    }

    /// Answers requests until the input ends.
    ///
    /// `prepare` prepares the engine for batches of `n`; `run` runs it on the tiles, and is timed.
    pub fn serve<M>(
        &self,
        mut prepare: impl FnMut(usize) -> Outcome<M>,
        mut run: impl FnMut(&mut M, &[f32], usize) -> Outcome<Vec<f32>>,
    ) -> Outcome<()> {
        let mut prepared: Vec<(usize, M)> = Vec::new();
        answer_lines(|words| {
            if words == ["about"] {
                return Ok(self.about.clone());
            }
            let n: usize = words.get(1).ok_or("expected a batch")?.parse()?;
            if !prepared.iter().any(|(of, _)| *of == n) {
                prepared.push((n, prepare(n)?));
            }
            let Some((_, model)) = prepared.iter_mut().find(|(of, _)| *of == n) else { unreachable!() };
            let tiles = &self.tiles[..n * 2 * self.side * self.side];
            let start = Instant::now();
            let output = run(model, tiles, n)?;
            let seconds = start.elapsed().as_secs_f64();
            if let ["save", _, file] = words {
                std::fs::write(file, output.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?;
            }
            Ok(seconds.to_string())
        })
    }
}

/// Answers each line of standard input with a line on standard output.
///
/// An error is a line that begins with `error`.
pub fn answer_lines(mut answer: impl FnMut(&[&str]) -> Outcome<String>) -> Outcome<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split('\t').collect();
        let answer = if words == ["memory"] { peak_memory() } else { answer(&words) };
        let mut out = std::io::stdout().lock();
        match answer {
            Ok(answer) => writeln!(out, "{answer}")?,
            Err(error) => writeln!(out, "error {}", error.to_string().replace('\n', " "))?,
        }
        out.flush()?;
    }
    Ok(())
}

/// Peak memory of this process, from Linux's `/proc`.
fn peak_memory() -> Outcome<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok((kib * 1024).to_string())
}
