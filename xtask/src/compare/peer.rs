//! A peer: a process that runs something each time it is asked.

use std::io::{BufRead, BufReader, Read, Seek, Write};
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
    /// What it complains of.
    complaints: std::fs::File,
}

impl Peer {
    pub(super) fn start(name: &str, mut command: Command, options: &Compare) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot start {name}: {error}");
        set_threads(&mut command, options.threads);
        // Not a pipe, which would fill up while nobody reads it.
        let complaints = tempfile::tempfile().map_err(failed)?;
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(complaints.try_clone().map_err(failed)?);
        let mut process = command.spawn().map_err(failed)?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(format!("{name} has no standard input and output"));
        };
        Ok(Self { name: name.into(), process, input, output: BufReader::new(output), complaints })
    }

    /// A number.
    pub(super) fn ask(&mut self, words: &[&str]) -> Result<f64, String> {
        let answer = self.tell(words)?;
        answer.parse().map_err(|_| format!("{}: {answer}", self.name))
    }

    /// A line.
    pub(super) fn tell(&mut self, words: &[&str]) -> Result<String, String> {
        let mut answer = String::new();
        let asked = writeln!(self.input, "{}", words.join("\t"));
        match asked.and_then(|()| self.output.read_line(&mut answer)) {
            Ok(1..) => Ok(answer.trim().into()),
            _ => {
                let said = self.last_words();
                Err(format!("{} ended before it answered: {said}", self.name))
            }
        }
    }

    /// The last line that it wrote to its standard error.
    fn last_words(&mut self) -> String {
        let mut all = Vec::new();
        // It has closed its output, if it is there at all. What cannot be read says nothing.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = self.complaints.rewind().and_then(|()| self.complaints.read_to_end(&mut all));
        let all = String::from_utf8_lossy(&all);
        all.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing").trim().into()
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
