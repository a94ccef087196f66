//! Failures of the program: one sentence on standard error, and an exit status.

use std::fmt::Display;
use std::path::Path;

/// Why the program ends.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line asks for what cannot be: exit status 2, as for words that clap refuses.
    Usage(String),
    /// The run failed: exit status 1.
    Run(String),
    /// Some inputs failed, and each has been printed: exit status 1.
    Some { failed: usize, of: usize },
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

    pub(crate) fn status(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Run(_) | Failure::Some { .. } => 1,
        }
    }

    pub(crate) fn print(&self) {
        match self {
            Failure::Usage(what) | Failure::Run(what) => eprintln!("cytoshade: {what}"),
            Failure::Some { failed, of } if *of > 1 => eprintln!("cytoshade: {failed} of {of} inputs failed"),
            Failure::Some { .. } => {}
        }
    }
}
