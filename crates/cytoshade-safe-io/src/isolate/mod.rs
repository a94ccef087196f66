//! Work on untrusted bytes in a process of its own, which can neither open files nor use the network, and is limited in
//! memory and time.
//!
//! The parent ([`Isolated`]) starts a program, gives it an open file as standard input and reads its standard output. The
//! child calls [`confine`] before it reads the first byte. Whatever the bytes make the child do (crash, hang, take
//! memory, run foreign code) ends in an [`IsolationError`] of the parent.
//!
//! On Linux the child's system calls are limited by seccomp, its access to files and the network by Landlock too, and
//! its memory and descriptors by resource limits. Elsewhere, the parent's time limit and the separation of the
//! processes are all there is; other Unix systems have some of the resource limits too.

#[cfg(unix)]
mod limits;
#[cfg(target_os = "linux")]
mod sandbox;

use std::fs::File;
use std::io::{self, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Which protections hold in a confined process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// Memory, descriptors and file sizes are limited by the system.
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

/// A confined process whose output is received piece by piece. It is killed when this is dropped.
#[derive(Debug)]
pub struct Isolated {
    child: Mutex<Child>,
    output: ChildStdout,
    time: Duration,
}

impl Isolated {
    /// Starts a program with `input` as its standard input, which has `time` for each piece of its output. Its standard
    /// error is discarded.
    ///
    /// # Errors
    /// [`IsolationError::Start`].
    pub fn start(mut program: Command, input: File, time: Duration) -> Result<Self, IsolationError> {
        program.stdin(input).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = program.spawn().map_err(IsolationError::Start)?;
        let output = child.stdout.take().ok_or_else(|| IsolationError::Start(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self { child: Mutex::new(child), output, time })
    }

    /// Passes the process's standard output to `receive`, which takes as much of it as it needs.
    ///
    /// The process is killed if that takes longer than the time limit. Until the next call it waits at a full pipe.
    /// Untrusted bytes may control the process: `receive` must check the output like any untrusted file.
    ///
    /// # Errors
    /// [`IsolationError`] if the process is the cause; the inner result is that of `receive`.
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

    /// How the process ended, if it is to blame that its output could not be received.
    fn failure(&self) -> Option<IsolationError> {
        /// Enough for a process that has crashed to be gone.
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

/// Confines the calling process for good, as far as the system can, and limits its memory. Threads that exist already are confined by resource
/// limits alone: call it before any are started.
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
