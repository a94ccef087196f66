//! The options that select a file of options.

use std::path::PathBuf;

use clap::Args;

// No doc comment: clap would make it the description of the command.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// File of options in TOML
    ///
    /// Options of the command line win. By default, the parameters in a `cytoshade.toml` in the folder of the first
    /// input or, without one there, in the current folder. `cytoshade config show` prints the keys.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Ignore a `cytoshade.toml` that --config does not name
    #[arg(long, conflicts_with = "config")]
    pub(super) no_config: bool,
}
