//! A peer: a process that runs something each time it is asked.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::Compare;

/// Time that an engine's threads may go on spinning after a run, in which no other is measured.
const REST: std::time::Duration = std::time::Duration::from_millis(200);

/// A process that answers lines with lines.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) name: String,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    pub(super) fn start(name: &str, mut command: Command, options: &Compare) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot start {name}: {error}");
        set_threads(&mut command, options.threads);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().map_err(failed)?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(format!("{name} has no standard input and output"));
        };
        Ok(Self { name: name.into(), process, input, output: BufReader::new(output) })
    }

    /// A number.
    pub(super) fn ask(&mut self, words: &[&str]) -> Result<f64, String> {
        let name = &self.name;
        let failed = |error: std::io::Error| format!("{name}: {error}");
        writeln!(self.input, "{}", words.join("\t")).map_err(failed)?;
        let mut answer = String::new();
        if self.output.read_line(&mut answer).map_err(failed)? == 0 {
            return Err(format!("{name} ended before it answered"));
        }
        answer.trim().parse().map_err(|_| format!("{name}: {}", answer.trim()))
    }

    /// Seconds that a run took.
    pub(super) fn run(&mut self, words: &[&str]) -> Result<f64, String> {
        std::thread::sleep(REST);
        self.ask(words)
    }

    /// Peak memory so far in bytes.
    pub(super) fn memory(&mut self) -> Result<f64, String> {
        self.ask(&["memory"])
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It only waits for lines: nothing is lost, whether or not this succeeds.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The same number of threads for whatever an engine takes it from.
pub(super) fn set_threads(command: &mut Command, threads: usize) {
    for name in [
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "RAYON_NUM_THREADS",
        "RTEN_NUM_THREADS",
        "LP_NUM_THREADS",
    ] {
        command.env(name, threads.to_string());
    }
}
