//! How `cargo xtask compare` drives a peer: it starts each as a process, which stays, and asks it to run by a line on
//! its standard input; each line is answered by one. So runs of all peers can take turns, and each keeps what it has
//! compiled and allocated.
//!
//! A network's peer is started with `MODEL TILES SIDE THREADS`: the file of the network (`{n}` in it stands for the
//! batch), the file of the tiles (f32, [tiles, 2, side, side]), their side and the number of threads. It knows
//! - `run N`: run the first N tiles; answered by the seconds it took
//! - `save N FILE`: the same, with the output written as f32 [N, 3, side, side]
//! - `about`: answered by what it runs on, as far as that is worth a word
//! - `memory`: answered by the process's peak memory in bytes

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a network's peer is started with.
pub struct Job {
    /// The network's file, with `{n}` where the batch stands.
    pub model: String,
    pub side: usize,
    pub threads: usize,
    /// What the peer runs on.
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

    /// Answers lines until there are no more. `prepare` makes what runs batches of `n`; `run` is given that and the
    /// tiles, and is what is timed.
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

/// Answers each line of standard input by one on standard output; an error is a line that begins with `error`.
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

/// Peak memory of this process, as Linux knows it.
fn peak_memory() -> Outcome<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok((kib * 1024).to_string())
}
