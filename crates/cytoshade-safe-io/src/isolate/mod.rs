//! Processes untrusted bytes in a separate, confined process.
//!
//! The process can neither open files nor use the network, and its memory and time are limited.
//!
//! The parent ([`Isolated`]) starts a program with an open file as standard input and reads its standard output. The
//! child calls [`confine`] before it reads the first byte. If the bytes make the child crash, hang, exhaust memory or
//! run injected code, the parent gets an [`IsolationError`].
//!
//! On Linux, seccomp limits the child's system calls, Landlock also blocks files and the network, and resource limits
//! bound its memory and descriptors. Other Unix systems have some of the resource limits. Elsewhere only the parent's
//! time limit and the separate process protect.

#[cfg(unix)]
mod limits;
#[cfg(target_os = "linux")]
mod sandbox;

use std::fs::File;
use std::io::{self, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The protections that hold in a confined process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// The system limits memory, descriptors and file sizes.
    pub resource_limits: bool,
    /// Landlock blocks files and sockets.
    pub landlock: bool,
    /// seccomp limits system calls.
    pub seccomp: bool,
}

/// Why an isolated process gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IsolationError {
    /// The process did not start.
    #[error("cannot start the process that reads the file: {0}")]
    Start(#[source] io::Error),
    /// The process exceeded the time limit and was killed.
    #[error("reading took more than {} s, and was stopped; raise the time limit if the file can be trusted", .0.as_secs_f64())]
    Time(Duration),
    /// The process ended before its result was complete.
    #[error(
        "the process that read the file ended early ({status}): it crashed or ran out of memory; do not trust the file"
    )]
    Ended {
        /// Its exit status.
        status: ExitStatus,
    },
}

/// A confined process whose output is received in pieces. Dropping this kills it.
#[derive(Debug)]
pub struct Isolated {
    child: Mutex<Child>,
    output: ChildStdout,
    time: Duration,
}

impl Isolated {
    /// Starts a program with `input` as its standard input and `time` for each piece of its output.
    ///
    /// Its standard error is discarded.
    ///
    /// # Errors
    /// [`IsolationError::Start`].
    pub fn start(mut program: Command, input: File, time: Duration) -> Result<Self, IsolationError> {
        program.stdin(input).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = program.spawn().map_err(IsolationError::Start)?;
        let output = child.stdout.take().ok_or_else(|| IsolationError::Start(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self { child: Mutex::new(child), output, time })
    }

    /// Passes the process's standard output to `receive`, which reads as much as it needs.
    ///
    /// If `receive` exceeds the time limit, the process is killed. Between calls the process blocks on a full pipe.
    /// Untrusted bytes may control the process: `receive` must check the output like any untrusted file.
    ///
    /// # Errors
    /// [`IsolationError`] if the process failed; the inner result is that of `receive`.
    pub fn receive<T, E>(
        &mut self,
        receive: impl FnOnce(&mut dyn Read) -> Result<T, E>,
    ) -> Result<Result<T, E>, IsolationError> {
        let Self { child, output, time } = self;
        let is_done = (Mutex::new(false), Condvar::new());
        let (received, timed_out) = std::thread::scope(|scope| {
            let watchdog = scope.spawn(|| {
                let guard = lock(&is_done.0);
                let waited = is_done.1.wait_timeout_while(guard, *time, |is_done| !*is_done);
                let is_late = !*waited.unwrap_or_else(PoisonError::into_inner).0;
                is_late && lock(child).kill().is_ok()
            });
            let received = receive(output);
            *lock(&is_done.0) = true;
            is_done.1.notify_all();
            (received, watchdog.join().unwrap_or(false))
        });
        if timed_out {
            return Err(IsolationError::Time(*time));
        }
        match received {
            Ok(received) => Ok(Ok(received)),
            Err(error) => self.failure().map_or(Ok(Err(error)), Err),
        }
    }

    /// The process's failure, if it caused incomplete output.
    fn failure(&self) -> Option<IsolationError> {
        /// Enough time for a crashed process to exit.
        const MOMENT: Duration = Duration::from_millis(500);
        let start = Instant::now();
        while start.elapsed() < MOMENT {
            if let Ok(Some(status)) = lock(&self.child).try_wait() {
                return (!status.success()).then_some(IsolationError::Ended { status });
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        None
    }
}

impl Drop for Isolated {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Confines the calling process permanently, as far as the system can, and limits its memory.
///
/// Call it before starting any thread: only the resource limits apply to existing threads.
pub fn confine(memory_bytes: u64) -> Confinement {
    #[cfg(unix)]
    let resource_limits = limits::apply(memory_bytes);
    #[cfg(not(unix))]
    let resource_limits = {
        let _ = memory_bytes;
        false
    };
    #[cfg(target_os = "linux")]
    let (landlock, seccomp) = (sandbox::landlock(), sandbox::seccomp());
    #[cfg(not(target_os = "linux"))]
    let (landlock, seccomp) = (false, false);
    Confinement { resource_limits, landlock, seccomp }
}
