//! Work on untrusted bytes in a process of its own, which can neither open files nor use the network, and is limited in
//! memory and time.
//!
//! The parent ([`run`]) starts a program, gives it an open file as standard input and reads its standard output. The
//! child calls [`confine`] before it reads the first byte. Whatever the bytes make the child do (crash, hang, take
//! memory, run foreign code) ends in an [`IsolationError`] of the parent.
//!
//! On Linux the child's system calls are limited by seccomp, its access to files and the network by Landlock too, and
//! its memory, time and descriptors by resource limits. Elsewhere, the parent's time limit and the separation of the
//! processes are all there is; other Unix systems have some of the resource limits too.

#[cfg(unix)]
mod limits;
#[cfg(target_os = "linux")]
mod sandbox;

use std::fs::File;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What an isolated process may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsolationLimits {
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Time from start to end.
    pub time: Duration,
}

/// Which protections hold in a confined process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// Memory, processor time, descriptors and file sizes are limited by the system.
    pub resource_limits: bool,
    /// Files and sockets are out of reach by Landlock.
    pub landlock: bool,
    /// System calls are limited by seccomp.
    pub seccomp: bool,
}

/// Why an isolated process gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IsolationError {
    /// The process did not start.
    #[error("cannot start a process to read the file in: {0}")]
    Start(#[source] io::Error),
    /// The process took too long and was killed.
    #[error("reading took more than {} s, and was stopped; raise the time limit if the file can be trusted", .0.as_secs_f64())]
    Time(Duration),
    /// The process ended before it gave a whole result.
    #[error(
        "the process that read the file ended early ({status}), as it does on a crash or without memory; do not trust the file"
    )]
    Ended {
        /// How it ended.
        status: ExitStatus,
    },
}

/// Runs a program with `input` as its standard input and passes its standard output to `receive`.
///
/// The program's standard error is discarded. It is killed after `limits.time`, and if it goes on after `receive` has
/// failed. Untrusted bytes may control the process: `receive` must check its output like any untrusted file.
///
/// # Errors
/// [`IsolationError`]; the inner result is that of `receive`.
pub fn run<T, E>(
    mut program: Command,
    input: File,
    limits: IsolationLimits,
    receive: impl FnOnce(&mut dyn Read) -> Result<T, E>,
) -> Result<Result<T, E>, IsolationError> {
    program.stdin(input).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = program.spawn().map_err(IsolationError::Start)?;
    let Some(mut output) = child.stdout.take() else {
        return Err(IsolationError::Start(io::ErrorKind::BrokenPipe.into()));
    };
    let watched = Watched::new(child);
    let (received, timed_out, status) = std::thread::scope(|scope| {
        let watchdog = scope.spawn(|| watched.kill_after(limits.time));
        let received = receive(&mut output);
        let status = watched.finish(received.is_ok());
        (received, watchdog.join().unwrap_or(false), status)
    });
    drop(output);
    if timed_out {
        return Err(IsolationError::Time(limits.time));
    }
    match status.map_err(IsolationError::Start)? {
        Some(status) if !status.success() => Err(IsolationError::Ended { status }),
        _ => Ok(received),
    }
}

/// A child that one thread waits for while another may kill it.
struct Watched {
    child: Mutex<(Child, bool)>,
    finished: Condvar,
}

impl Watched {
    fn new(child: Child) -> Self {
        Self { child: Mutex::new((child, false)), finished: Condvar::new() }
    }

    /// Kills the child unless it is finished in time. True if it was killed.
    fn kill_after(&self, time: Duration) -> bool {
        let guard = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self.finished.wait_timeout_while(guard, time, |(_, is_finished)| !*is_finished);
        let (mut guard, _) = wait.unwrap_or_else(PoisonError::into_inner);
        let (child, is_finished) = &mut *guard;
        !*is_finished && child.kill().is_ok()
    }

    /// Waits for the child's end, and returns how it ended. If its output is not wanted, it is killed after a moment, which
    /// is `None`.
    fn finish(&self, is_wanted: bool) -> io::Result<Option<ExitStatus>> {
        /// Enough for a process that has crashed to be gone.
        const MOMENT: Duration = Duration::from_millis(500);
        let start = Instant::now();
        let finish = |is_finished: &mut bool| {
            *is_finished = true;
            self.finished.notify_all();
        };
        loop {
            let mut guard = self.child.lock().unwrap_or_else(PoisonError::into_inner);
            let (child, is_finished) = &mut *guard;
            if let Some(status) = child.try_wait()? {
                finish(is_finished);
                return Ok(Some(status));
            }
            if !is_wanted && start.elapsed() > MOMENT {
                child.kill()?;
                child.wait()?;
                finish(is_finished);
                return Ok(None);
            }
            drop(guard);
            // Its output has ended, so the process is about to.
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Confines the calling process for good, as far as the system can. Threads that exist already are confined by resource
/// limits alone: call it before any are started.
pub fn confine(limits: IsolationLimits) -> Confinement {
    #[cfg(unix)]
    let resource_limits = limits::apply(limits);
    #[cfg(not(unix))]
    let resource_limits = {
        let _ = limits;
        false
    };
    #[cfg(target_os = "linux")]
    let (landlock, seccomp) = (sandbox::landlock(), sandbox::seccomp());
    #[cfg(not(target_os = "linux"))]
    let (landlock, seccomp) = (false, false);
    Confinement { resource_limits, landlock, seccomp }
}
