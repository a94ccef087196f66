//! How the program ends after a failure: one sentence on standard error, and an exit status.

use std::fmt::Display;
use std::path::Path;

use crate::report::warn;

/// Exit status of an interrupted run, as shells report SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why the program ends.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments do not fit each other or the files: exit status 2, as for arguments that clap refuses.
    Usage(String),
    /// The run failed: exit status 1.
    Run(String),
    /// Some inputs failed, each with a message of its own: exit status 1.
    Some { failed: usize, of: usize },
    /// The user or the system ended the run: exit status 130.
    Interrupted { done: usize, of: usize },
    /// Results were saved, but not printed: exit status 1. The reason is on standard error.
    OutputLost,
}

impl Failure {
    pub(crate) fn run(what: impl Display) -> Self {
        Failure::Run(what.to_string())
    }

    pub(crate) fn usage(what: impl Display) -> Self {
        Failure::Usage(what.to_string())
    }

    /// A failure that concerns a file, which is named first.
    pub(crate) fn at(path: &Path, what: impl Display) -> Self {
        Failure::Run(format!("{}: {what}", cytoshade_safe_io::printable_path(path)))
    }

    /// The same failure, with the input that it concerns named first.
    pub(crate) fn about(self, input: &Path) -> Self {
        match self {
            Failure::Run(what) => Failure::at(input, what),
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

    pub(crate) fn print(&self) {
        match self {
            Failure::Usage(what) | Failure::Run(what) => warn(what),
            Failure::Some { failed, of } if *of > 1 => warn(format_args!("{failed} of {of} inputs failed")),
            Failure::Interrupted { done, of } => warn(format_args!("interrupted after {done} of {of} inputs")),
            Failure::Some { .. } | Failure::OutputLost => {}
        }
    }
}
