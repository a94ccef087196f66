//! `cytoshade.toml`: options of commands in a file. Options of the command line win over the file.
//!
//! The schema is that of the command line: a table for each command, whose keys are its long options. The values become
//! words of the command line, which clap parses and checks.

mod args;
mod file;
mod show;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use cytoshade::Params;
use cytoshade_safe_io::{printable, printable_path};

use crate::discover::folder_of_argument;
use crate::failure::Failure;
use crate::report::warn;
use args::ConfigArgs;
use file::Setting;

pub(crate) use show::{Config, run};

/// The name of the file that is read without `--config`.
const FILE: &str = "cytoshade.toml";

/// The commands whose options a file can hold, and the table of each.
const COMMANDS: [(&str, &str); 3] = [("segment", "segment"), ("watch", "segment"), ("restore", "restore")];

/// The tables of a file, each named for the command whose long options are its keys.
const TABLES: [&str; 2] = ["segment", "restore"];

/// Parameters of a segmentation that [`Params::PLAIN`] does not list under the name of their option.
const PARAMETERS: [&str; 13] = [
    "chan",
    "chan2",
    "norm",
    "norm_percentile",
    "norm_range",
    "pages",
    "series",
    "axes",
    "channel_axis",
    "z_axis",
    "time_axis",
    "nan_background",
    "exclude_on_edges",
];

/// Adds the options that select a file to the commands that accept one.
pub(crate) fn augment(command: Command) -> Command {
    COMMANDS.iter().fold(command, |command, (name, _)| command.mut_subcommand(name, ConfigArgs::augment_args))
}

/// A command line with the options of a file.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The words, for clap.
    pub(crate) words: Vec<OsString>,
    /// The file, if one is used.
    path: Option<PathBuf>,
    /// The settings of the file that hold: the id of the option and the line.
    lines: Vec<(String, usize)>,
    /// The flags that the command line sets to false.
    off: Vec<String>,
}

/// Adds the options of a file to the words of a command line, which begin with the names of program and command.
///
/// The file is the one of `--config`, else `cytoshade.toml` in the folder of the first input, else in the current
/// folder. Of a file that was not named, only parameters are accepted.
///
/// # Errors
/// Fails if the file cannot be read, has an unknown key or a wrong value; with the line and the nearest key.
pub(crate) fn apply(command: &Command, words: Vec<OsString>) -> Result<Applied, Failure> {
    let mut applied = Applied { words, path: None, lines: Vec::new(), off: Vec::new() };
    let Some(subcommand) = keys_of(command, &applied.words) else { return Ok(applied) };
    (applied.words, applied.off) = without_negated_flags(subcommand, std::mem::take(&mut applied.words));
    // Errors are reported when clap parses the complete words.
    let typed = command.clone().ignore_errors(true).try_get_matches_from(&applied.words);
    let Some(matches) = typed.ok().and_then(|mut typed| Some(typed.remove_subcommand()?.1)) else { return Ok(applied) };
    let Some((path, is_named)) = find(&matches) else { return Ok(applied) };
    let at = |line: usize, message: String| Failure::usage(format!("{}:{line}: {message}", printable_path(&path)));
    let settings = file::read(&path, is_named, subcommand.get_name())?;
    let mut words = Vec::new();
    for Setting { key, value, line } in settings {
        let arg = file::option(subcommand, &key).map_err(|message| at(line, message))?;
        if !is_named && !is_parameter(arg) {
            let message = format!(
                "{key} names no parameter; a file that --config does not name may set parameters only; pass --config \
                 {0} if you trust the file, or --no-config to ignore it",
                printable_path(&path)
            );
            return Err(at(line, message));
        }
        let option = file::words(arg, &key, &value).map_err(|message| at(line, message))?;
        check(command, subcommand, &option).map_err(|message| at(line, message))?;
        if !is_typed(subcommand, &matches, &applied.off, arg) {
            words.extend(option);
            applied.lines.push((arg.get_id().to_string(), line));
        }
    }
    if !is_named && !words.is_empty() {
        warn(format_args!("using the parameters in {}; --no-config ignores them", printable_path(&path)));
    }
    applied.words.splice(2..2, words);
    applied.path = Some(path);
    Ok(applied)
}

/// The command whose options are the keys for a command line.
fn keys_of<'c>(command: &'c Command, words: &[OsString]) -> Option<&'c Command> {
    let (_, table) = COMMANDS.iter().find(|(name, _)| words.get(1).is_some_and(|word| word == name))?;
    command.find_subcommand(table)
}

/// The file to read, and whether the command line names it.
fn find(matches: &ArgMatches) -> Option<(PathBuf, bool)> {
    let args = ConfigArgs::from_arg_matches(matches).ok()?;
    if let Some(path) = args.config {
        return Some((path, true));
    }
    let inputs = matches.try_get_many::<PathBuf>("inputs").ok().flatten();
    let first = inputs.and_then(|mut inputs| inputs.next()).map(PathBuf::as_path);
    let beside = first.map(folder_of_argument);
    let folders = beside.into_iter().chain([PathBuf::new()]).filter(|_| !args.no_config);
    folders.map(|folder| folder.join(FILE)).find(|path| path.symlink_metadata().is_ok()).map(|path| (path, false))
}

/// True if an option is a parameter, which changes the result of a segmentation but not the files that a run uses.
pub(crate) fn is_parameter(arg: &Arg) -> bool {
    let name = arg.get_id().as_str();
    let name = name.strip_prefix("no_").unwrap_or(name);
    PARAMETERS.contains(&name) || Params::PLAIN.iter().any(|info| info.name == name)
}

/// True if the command line sets an option, or one that contradicts it.
fn is_typed(command: &Command, matches: &ArgMatches, off: &[String], arg: &Arg) -> bool {
    let is_set = |arg: &Arg| {
        let id = arg.get_id().as_str();
        off.iter().any(|name| name == id) || matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    let contradicts =
        |other: &Arg| command.get_arg_conflicts_with(other).iter().any(|refused| refused.get_id() == arg.get_id());
    is_set(arg)
        || command.get_arg_conflicts_with(arg).into_iter().any(is_set)
        || command.get_arguments().any(|other| is_set(other) && contradicts(other))
}

/// Parses the words of one option, to find the errors of its value.
fn check(command: &Command, subcommand: &Command, option: &[OsString]) -> Result<(), String> {
    use clap::error::ErrorKind;
    let names = [command.get_name(), subcommand.get_name()].map(OsString::from);
    match command.clone().try_get_matches_from(names.iter().chain(option)) {
        // Other options are missing here, not in the complete command line.
        Err(error) if error.kind() != ErrorKind::MissingRequiredArgument => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            Err(printable(line.strip_prefix("error: ").unwrap_or(line)))
        }
        _ => Ok(()),
    }
}

/// Replaces `--flag=true` by `--flag`, and removes `--flag=false`, so that the command line can contradict a file.
fn without_negated_flags(command: &Command, words: Vec<OsString>) -> (Vec<OsString>, Vec<String>) {
    let mut off = Vec::new();
    let flag = |word: &OsString| {
        let (name, value) = word.to_str()?.strip_prefix("--")?.split_once('=')?;
        let flags = || command.get_arguments().filter(|arg| matches!(arg.get_action(), ArgAction::SetTrue));
        let arg = flags().find(|arg| arg.get_long() == Some(name))?;
        Some((arg.get_id().to_string(), format!("--{name}"), value.parse::<bool>().ok()?))
    };
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let keep = |(at, word): (usize, OsString)| match flag(&word).filter(|_| at < end) {
        Some((_, word, true)) => Some(word.into()),
        Some((id, _, false)) => {
            off.push(id);
            None
        }
        None => Some(word),
    };
    (words.into_iter().enumerate().filter_map(keep).collect(), off)
}

#[cfg(test)]
mod tests;
