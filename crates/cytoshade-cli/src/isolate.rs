//! `--isolate`: decodes each input in a confined child process, which runs this program.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use clap::Args;
use cytoshade::Image;
use cytoshade_formats::transfer::{
    Contents, receive_contents, receive_images, send_contents, send_failure, send_images,
};
use cytoshade_formats::{Error, ImageFile, Item, Limits, ReadOptions, parse_size};
use cytoshade_safe_io::isolate::{Confinement, Isolated, IsolationError, confine};
use cytoshade_safe_io::{Links, open};

use crate::failure::Failure;
use crate::inputs::ReadArgs;
use crate::report::warn;

/// The name of the hidden command of the child process.
pub(crate) const COMMAND: &str = "read-isolated";

/// Options of the isolation; off by default.
#[derive(Debug, Default, Args)]
pub(crate) struct IsolateArgs {
    /// Decode each input in a separate process with limited memory and time, for files of unknown origin. On Linux the
    /// process cannot open files or sockets. A file that crashes or exploits its decoder fails alone
    #[arg(long)]
    isolate: bool,
    /// Memory limit of the process
    #[arg(long, value_name = "BYTES", default_value = "4G", value_parser = parse_bytes)]
    isolate_memory: u64,
    /// Time limit of the process for each image, in seconds
    #[arg(long, value_name = "N", default_value_t = 60)]
    isolate_seconds: u64,
}

fn parse_bytes(text: &str) -> Result<u64, &'static str> {
    parse_size(text).ok_or("expected a number of bytes, such as 4G")
}

impl IsolateArgs {
    /// True if inputs are isolated.
    pub(crate) fn is_on(&self) -> bool {
        self.isolate
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.isolate_seconds)
    }
}

/// A file that the child process decodes, item by item.
pub(crate) struct IsolatedFile {
    /// The process, and the number of items received from it.
    process: Mutex<(Isolated, usize)>,
    limits: Limits,
}

impl IsolatedFile {
    /// Starts the process for a file, and receives the list of its items.
    pub(crate) fn open(
        path: &Path,
        read: &ReadArgs,
        is_stack: bool,
        args: &IsolateArgs,
    ) -> Result<(Contents, Self), Failure> {
        let at = |error: Error| Failure::at(path, error);
        let file = open(path, Links::Follow).map_err(Error::Read).map_err(at)?;
        let mut program = this_program()?;
        program.arg(COMMAND).args(read.words()).arg(format!("--memory={}", args.isolate_memory));
        if is_stack {
            program.arg("--stack");
        }
        let limits = read.options(is_stack).limits;
        let isolated = |error: IsolationError| Failure::at(path, error);
        let mut process = Isolated::start(program, file, args.time()).map_err(isolated)?;
        let received = process.receive(|input| {
            let mut confinement = [0];
            input.read_exact(&mut confinement).map_err(Error::Read)?;
            Ok((confinement, receive_contents(input, &limits)?))
        });
        let ([confinement], contents) = received.map_err(isolated)?.map_err(at)?;
        warn_of_weakness(confinement);
        Ok((contents, Self { process: Mutex::new((process, 0)), limits }))
    }

    /// The z-slices of an item. Items must be read in order, each once.
    pub(crate) fn read(&self, path: &Path, items: &[Item], item: &Item) -> Result<Vec<Image>, Failure> {
        let mut guard = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let (process, received) = &mut *guard;
        let mut rest = items.iter().skip(*received);
        let skipped = rest.position(|other| other == item);
        let skipped = skipped.ok_or_else(|| Failure::at(path, "its images must be read in order"))?;
        let coming = items.iter().skip(*received).take(skipped + 1);
        let images = process.receive(|input| {
            coming.map(|item| receive_images(input, item, &self.limits)).last().unwrap_or_else(|| Ok(Vec::new()))
        });
        *received += skipped + 1;
        images.map_err(|error| Failure::at(path, error))?.map_err(|error| Failure::at(path, error))
    }
}

/// This program, even if its file was replaced since the start.
fn this_program() -> Result<Command, Failure> {
    let path = if cfg!(target_os = "linux") {
        "/proc/self/exe".into()
    } else {
        std::env::current_exe().map_err(Failure::run)?
    };
    let mut program = Command::new(path);
    // The environment may hold secrets that a decoder must not read.
    if cfg!(unix) {
        program.env_clear();
    }
    Ok(program)
}

const RESOURCE_LIMITS: u8 = 1;
const LANDLOCK: u8 = 2;
const SECCOMP: u8 = 4;

/// Warns once if the system confines decoders less than `--isolate` promises.
fn warn_of_weakness(confinement: u8) {
    static WARNED: Once = Once::new();
    let has = |part| confinement & part != 0;
    let is_strong = has(RESOURCE_LIMITS) && (has(SECCOMP) || has(LANDLOCK));
    if !is_strong {
        WARNED.call_once(|| {
            warn("this system limits only the time of isolated processes in full, not their memory, files and sockets");
        });
    }
}

/// Decodes the file on standard input for another process of this program.
#[derive(Debug, Args)]
pub(crate) struct ReadIsolated {
    #[command(flatten)]
    read: ReadArgs,
    #[arg(long)]
    stack: bool,
    #[arg(long)]
    memory: u64,
}

pub(crate) fn run(args: &ReadIsolated) -> Result<(), Failure> {
    let options = args.read.options(args.stack);
    let file = standard_input().map_err(Failure::run)?;
    // The confined process cannot query the length.
    let length = file.metadata().map_err(Failure::run)?.len();
    let Confinement { resource_limits, landlock, seccomp } = confine(args.memory);
    let flags = [(resource_limits, RESOURCE_LIMITS), (landlock, LANDLOCK), (seccomp, SECCOMP)];
    let confinement = flags.into_iter().filter(|(holds, _)| *holds).map(|(_, flag)| flag).sum();
    let mut out = std::io::stdout().lock();
    out.write_all(&[confinement]).map_err(Failure::run)?;
    if let Err(error) = send(file, length, &options, &mut out) {
        send_failure(&mut out, &error).map_err(Failure::run)?;
    }
    out.flush().map_err(Failure::run)
}

fn send(file: File, length: u64, options: &ReadOptions, out: &mut dyn Write) -> Result<(), Error> {
    let file = ImageFile::from_file(file, length, options)?;
    let contents = Contents::new(&file, file.items(&options.selection)?);
    send_contents(out, &contents)?;
    contents.items.iter().try_for_each(|item| send_images(out, &file.images(item)?))
}

#[cfg(unix)]
fn standard_input() -> std::io::Result<File> {
    use std::os::fd::AsFd;
    std::io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn standard_input() -> std::io::Result<File> {
    use std::os::windows::io::AsHandle;
    std::io::stdin().as_handle().try_clone_to_owned().map(File::from)
}
