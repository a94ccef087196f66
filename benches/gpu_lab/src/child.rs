//! One process for each device: its compiler may abort, hang, or print its instructions.
//!
//! The child reads names of pipelines from its standard input, one a line, and answers with [`Message`]s among the
//! compilers' own output on its standard error.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::pipelines::{self, Pipeline};
use crate::report::{Executable, Message, Traits};
use crate::spirv;
use crate::vulkan::Device;

/// Most time to open a device.
const OPENING: Duration = Duration::from_secs(60);

/// Most time to compile a pipeline: compilers take up to seconds, on a crowded machine several times as long.
const COMPILING: Duration = Duration::from_secs(300);

/// Lines of a child's output in an error.
const LAST: usize = 5;

/// Runs the child's side: opens the device, then compiles the pipelines named on the standard input until it ends.
///
/// # Errors
/// [`Error::Vulkan`], [`Error::NoDevice`] and [`Error::NoStatistics`] if the device does not open.
pub fn serve() -> Result<(), Error> {
    let device = Device::open()?;
    let all = pipelines::all(device.traits())?;
    eprintln!("{}", Message::Device(device.traits().clone()).line());
    for name in std::io::stdin().lock().lines().map_while(Result::ok) {
        let Some(pipeline) = all.iter().find(|pipeline| pipeline.to_string() == name) else {
            eprintln!("{}", Message::Refused(format!("no pipeline is named {name:?}")).line());
            continue;
        };
        let words = spirv::compile(pipeline)?;
        let compiled = device.compile(&words, pipeline.shader.entry, pipeline.shader.storage.len() as u32);
        let message = compiled.map_or_else(|error| Message::Refused(error.to_string()), Message::Compiled);
        eprintln!("{}", message.line());
    }
    Ok(())
}

/// A child process with an open device.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
    /// Reads the standard output to its end.
    output: Option<JoinHandle<Vec<u8>>>,
    traits: Traits,
}

impl Child {
    /// Starts `command`, which runs [`serve`], and waits until its device is open.
    ///
    /// # Errors
    /// The reason that the device does not open, with the driver's last output.
    pub fn start(mut command: Command) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(|error| format!("the process does not start: {error}"))?;
        let lines = process.stderr.take().map(lines).ok_or("it has no standard error")?;
        let output = process.stdout.take().map(all);
        let mut child = Self { process, lines, output, traits: Traits::default() };
        match child.next(OPENING) {
            (Ok(Message::Device(traits)), _) => {
                child.traits = traits;
                Ok(child)
            }
            (Ok(other), _) => Err(format!("it answered {other:?}")),
            (Err(reason), output) => Err(with_last(&reason, &output)),
        }
    }

    /// The traits of the device.
    pub fn traits(&self) -> &Traits {
        &self.traits
    }

    /// Compiles a pipeline. After an error the process is of no more use.
    ///
    /// # Errors
    /// The reason that there is no result.
    pub fn compile(&mut self, pipeline: &Pipeline) -> Result<Vec<Executable>, String> {
        let Some(mut input) = self.process.stdin.as_ref() else { return Err("it has ended".into()) };
        writeln!(input, "{pipeline}").map_err(|error| format!("it takes no input: {error}"))?;
        match self.next(COMPILING) {
            (Ok(Message::Compiled(executables)), _) => Ok(executables),
            (Ok(Message::Refused(reason)) | Err(reason), output) => Err(with_last(&reason, &output)),
            (Ok(Message::Device(_)), _) => Err("it opened twice".into()),
        }
    }

    /// Ends the process and returns its standard output, to which Honeykrisp prints instructions.
    ///
    /// # Errors
    /// That there is none.
    pub fn finish(&mut self) -> Result<String, String> {
        drop(self.process.stdin.take());
        let output = self.output.take().and_then(|output| output.join().ok());
        output.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).ok_or("it has no output".into())
    }

    /// The next message within a time limit, and the output before it.
    fn next(&mut self, limit: Duration) -> (Result<Message, String>, Vec<String>) {
        let end = Instant::now() + limit;
        let mut output = Vec::new();
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => match Message::read(&line) {
                    Some(message) => return (Ok(message), output),
                    None => output.push(line),
                },
                Err(RecvTimeoutError::Timeout) => {
                    return (Err(format!("no answer within {} seconds", limit.as_secs())), output);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.process.wait().map_or_else(|error| error.to_string(), |s| s.to_string());
                    return (Err(format!("the process ended with {status}")), output);
                }
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It has ended, or is of no more use.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The lines of a stream as they arrive.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(stream).split(b'\n').map_while(Result::ok);
        let mut texts = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
        // The receiver is gone once the child is not needed.
        texts.all(|line| sender.send(line).is_ok())
    });
    receiver
}

/// A stream up to its end, or to an error.
fn all(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

/// A reason with the last lines of a child's output.
fn with_last(reason: &str, output: &[String]) -> String {
    let last = &output[output.len().saturating_sub(LAST)..];
    if last.is_empty() { reason.into() } else { format!("{reason}: {}", last.join(" | ")) }
}
