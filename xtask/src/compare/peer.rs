//! A peer: a process that runs an engine once per request.

use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::Compare;

/// Pause before a run, in which the previous engine's threads stop spinning.
const REST: std::time::Duration = std::time::Duration::from_millis(200);

/// A process that answers each input line with an output line.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) name: String,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Its standard error.
    errors: std::fs::File,
}

impl Peer {
    pub(super) fn start(name: &str, mut command: Command, options: &Compare) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot start {name}: {error}");
        set_threads(&mut command, options.threads);
        // A file: nobody reads a pipe until the peer ends, so it would fill up.
        let errors = tempfile::tempfile().map_err(failed)?;
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(errors.try_clone().map_err(failed)?);
        let mut process = command.spawn().map_err(failed)?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(format!("{name} has no standard input and output"));
        };
        Ok(Self { name: name.into(), process, input, output: BufReader::new(output), errors })
    }

    /// Sends a request and returns its answer, a number.
    pub(super) fn number(&mut self, words: &[&str]) -> Result<f64, String> {
        let answer = self.request(words)?;
        answer.parse().map_err(|_| format!("{}: {answer}", self.name))
    }

    /// Sends a request, and returns the line of the answer.
    pub(super) fn request(&mut self, words: &[&str]) -> Result<String, String> {
        let mut answer = String::new();
        let sent = writeln!(self.input, "{}", words.join("\t"));
        match sent.and_then(|()| self.output.read_line(&mut answer)) {
            Ok(1..) => Ok(answer.trim().into()),
            _ => {
                let error = self.last_error();
                Err(format!("{} ended before it answered: {error}", self.name))
            }
        }
    }

    /// The last line of its standard error.
    fn last_error(&mut self) -> String {
        let mut all = Vec::new();
        // The process has ended or is useless; failures here only cost the message.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = self.errors.rewind().and_then(|()| self.errors.read_to_end(&mut all));
        let all = String::from_utf8_lossy(&all);
        all.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message").trim().into()
    }

    /// Requests a run, and returns its seconds.
    pub(super) fn run(&mut self, words: &[&str]) -> Result<f64, String> {
        std::thread::sleep(REST);
        self.number(words)
    }

    /// Peak memory of the process so far, in bytes.
    pub(super) fn memory(&mut self) -> Result<f64, String> {
        self.number(&["memory"])
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It only waits for requests: a failure here loses nothing.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sets the number of threads in the environment variables of all engines.
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
