//! Failures of the program: a message on standard error and an exit status.

use std::fmt::{Display, Formatter};
use std::path::Path;

use crate::report::warn;

/// Exit status of an interrupted run: 128 + SIGINT, as in shells.
pub(crate) const INTERRUPTED: u8 = 130;

/// The reason of a failure.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments contradict each other or the files: exit status 2, as for errors of clap.
    Usage(String),
    /// The run failed: exit status 1.
    Run(String),
    /// Some inputs failed; each has printed its own message: exit status 1.
    Some { failed: usize, of: usize },
    /// The user or the system interrupted the run: exit status 130.
    Interrupted { done: usize, of: usize },
    /// The results were saved, but standard output failed: exit status 1. The reason is already printed.
    OutputLost,
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Usage(message) | Failure::Run(message) => f.write_str(message),
            Failure::Some { failed, of } => write!(f, "{failed} of {of} inputs failed"),
            Failure::Interrupted { done, of } => write!(f, "interrupted after {done} of {of} inputs"),
            Failure::OutputLost => f.write_str("a line of the output is lost"),
        }
    }
}

impl Failure {
    pub(crate) fn run(message: impl Display) -> Self {
        Failure::Run(message.to_string())
    }

    pub(crate) fn usage(message: impl Display) -> Self {
        Failure::Usage(message.to_string())
    }

    /// A failure of a file, prefixed with its path.
    pub(crate) fn at(path: &Path, message: impl Display) -> Self {
        Failure::Run(format!("{}: {message}", cytoshade_safe_io::printable_path(path)))
    }

    /// Prefixes the message with the path of the input.
    pub(crate) fn about(self, input: &Path) -> Self {
        match self {
            Failure::Run(message) => Failure::at(input, message),
            other => other,
        }
    }

    pub(crate) fn status(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Run(_) | Failure::Some { .. } | Failure::OutputLost => 1,
            Failure::Interrupted { .. } => INTERRUPTED,
        }
    }

    /// Prints the message on standard error, unless its parts are printed already.
    pub(crate) fn print(&self) {
        match self {
            Failure::Some { of: 1, .. } | Failure::OutputLost => {}
            failure => warn(failure),
        }
    }
}
