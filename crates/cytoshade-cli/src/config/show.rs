//! `cytoshade config show`: prints the options of a command line, and the source of each.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Subcommand};
use cytoshade_safe_io::printable_path;
use toml::de::DeValue;

use super::{Applied, COMMANDS, apply, file, keys_of};
use crate::failure::Failure;
use crate::report::print_line;

/// The column of the sources, unless an option is longer.
const MAX_COLUMN: usize = 40;

/// Print the options in effect
#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print every option of a command line and its source: the default, a line of a file, or the command line
    ///
    /// The output is a file for --config that sets the same options. Defaults are comments.
    Show {
        /// A command line after `cytoshade`, such as `segment images/*.tif --diameter 30`; default: `segment`
        #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
}

pub(crate) fn run(config: &Config) -> Result<(), Failure> {
    let ConfigCommand::Show { words } = &config.command;
    let default = [OsString::from(COMMANDS[0].0)];
    let words = if words.is_empty() { &default[..] } else { words };
    let command = crate::args::command();
    let words = [OsString::from(command.get_name())].iter().chain(words).cloned().collect();
    let applied = apply(&command, crate::cellpose::translate(&command, words)?)?;
    if let Err(error) = command.clone().try_get_matches_from(&applied.words)
        && error.kind() != ErrorKind::MissingRequiredArgument
    {
        error.exit();
    }
    print_line(text(&command, &applied)?);
    Ok(())
}

/// The table of the command's options. Without inputs, it is that of the current folder.
pub(super) fn text(command: &Command, applied: &Applied) -> Result<String, Failure> {
    let Some(subcommand) = keys_of(command, &applied.words) else {
        let commands = COMMANDS.map(|(name, _)| name).join(" or ");
        return Err(Failure::usage(format!("expected a command line of {commands}")));
    };
    let matches = command.clone().ignore_errors(true).try_get_matches_from(&applied.words).map_err(Failure::usage)?;
    let matches = matches.subcommand().map(|(_, matches)| matches.clone()).unwrap_or_default();
    let settings = file::keys(subcommand).map(|(key, arg)| match value(arg, &matches) {
        Some(value) => match source(arg, &matches, applied) {
            Some(source) => (format!("{key} = {value}"), source),
            None => (format!("# {key} = {value}"), "default".into()),
        },
        None => (format!("# {key}"), "not set".into()),
    });
    let settings: Vec<_> = settings.collect();
    let width = settings.iter().map(|(setting, _)| setting.len()).max().unwrap_or(0).min(MAX_COLUMN);
    let lines = settings.into_iter().map(|(setting, source)| format!("{setting:<width$}  # {source}"));
    Ok([format!("[{}]", subcommand.get_name())].into_iter().chain(lines).collect::<Vec<_>>().join("\n"))
}

/// The value of an option in TOML, if it has one.
fn value(arg: &Arg, matches: &ArgMatches) -> Option<String> {
    let id = arg.get_id().as_str();
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return Some(matches.get_flag(id).to_string());
    }
    let item = |text: &std::ffi::OsStr| {
        let text = text.to_string_lossy();
        if is_number(&text) { text.into_owned() } else { quote(&text) }
    };
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let mut occurrences = matches.get_raw_occurrences(id)?.map(|values| values.map(item).collect::<Vec<_>>());
    if !matches!(arg.get_action(), ArgAction::Append) {
        let values = occurrences.next()?;
        let is_several = arg.get_num_args().is_some_and(|range| range.min_values() > 1);
        return if is_several { Some(list(values)) } else { values.into_iter().next() };
    }
    let is_several = arg.get_num_args().is_some_and(|range| range.min_values() > 1);
    Some(if is_several { list(occurrences.map(list).collect()) } else { list(occurrences.flatten().collect()) })
}

/// True for a finite number in TOML, which has no `007` and no `1.`.
fn is_number(text: &str) -> bool {
    let is_finite = text.parse::<f64>().is_ok_and(f64::is_finite);
    let value = DeValue::parse(text);
    is_finite && value.is_ok_and(|value| matches!(value.get_ref(), DeValue::Integer(_) | DeValue::Float(_)))
}

/// A string of TOML.
fn quote(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

/// The source of an option's value, unless it is the default.
fn source(arg: &Arg, matches: &ArgMatches, applied: &Applied) -> Option<String> {
    let id = arg.get_id().as_str();
    if let (Some((_, line)), Some(path)) = (applied.lines.iter().find(|(name, _)| name == id), &applied.path) {
        return Some(format!("{}:{line}", printable_path(path)));
    }
    let is_typed = matches.value_source(id) == Some(ValueSource::CommandLine);
    (is_typed || applied.off.iter().any(|name| name == id)).then(|| "command line".into())
}
