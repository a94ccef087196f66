//! Cellpose's command line: `cytoshade segment` accepts the options of `python -m cellpose`.
//!
//! The words are translated before clap parses them, so clap's help and errors describe one set of options.

mod options;

use std::ffi::OsString;

use clap::Command;
use cytoshade_safe_io::printable;

use crate::failure::Failure;
use options::{Meaning, OPTIONS, ZEROS};

/// The commands that accept Cellpose's options.
const COMMANDS: [&str; 2] = ["segment", "watch"];

/// Translates Cellpose's options after `segment` and `watch`, and accepts `_` for `-` in the options of every command.
///
/// `words` begin with the program's name and the command's.
///
/// # Errors
/// Fails if an option of Cellpose has no counterpart, with the reason, or lacks its value.
pub(crate) fn translate(command: &Command, words: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let name = words.get(1).and_then(|word| word.to_str());
    let Some(subcommand) = name.and_then(|name| command.find_subcommand(name)) else { return Ok(words) };
    let mut words = words.into_iter();
    let mut translated: Vec<OsString> = words.by_ref().take(2).collect();
    let mut is_cellpose = false;
    while let Some(word) = words.next() {
        if word == "--" {
            translated.push(word);
            break;
        }
        let Some((name, value)) = option(&word).filter(|(name, _)| !has_option(subcommand, name)) else {
            translated.push(word);
            continue;
        };
        let own = name.replace('_', "-");
        if has_option(subcommand, &own) {
            is_cellpose = true;
            translated.push(joined(&own, value));
            continue;
        }
        let meaning = COMMANDS.contains(&subcommand.get_name()).then(|| meaning(&own)).flatten();
        let Some(meaning) = meaning else {
            translated.push(word);
            continue;
        };
        is_cellpose = true;
        let mut value = || match value {
            Some(value) => Ok(OsString::from(value)),
            None => words.next().ok_or_else(|| Failure::usage(format!("--{} requires a value", printable(name)))),
        };
        match meaning {
            Meaning::Words(own) => translated.extend(own.iter().map(Into::into)),
            Meaning::Option(own) => translated.extend([own.into(), value()?]),
            Meaning::Ending(own) => {
                let ending = globset::escape(&value()?.to_string_lossy());
                translated.push(format!("{own}=*{ending}.*").into());
            }
            Meaning::Input => translated.push(value()?),
            Meaning::Always(_) => {}
            Meaning::None(reason) => {
                return Err(Failure::usage(format!(
                    "Cellpose's option --{} has no counterpart: {reason}",
                    printable(name)
                )));
            }
        }
    }
    translated.extend(words);
    if is_cellpose && COMMANDS.contains(&subcommand.get_name()) {
        replace_zeros(&mut translated);
    }
    Ok(translated)
}

/// The name of a long option without its dashes, and its value if that is joined by `=`.
fn option(word: &OsString) -> Option<(&str, Option<&str>)> {
    let option = word.to_str()?.strip_prefix("--")?;
    Some(option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value))))
}

fn joined(name: &str, value: Option<&str>) -> OsString {
    value.map_or_else(|| format!("--{name}"), |value| format!("--{name}={value}")).into()
}

/// True if a command has an option of this name or alias.
fn has_option(command: &Command, name: &str) -> bool {
    command
        .get_arguments()
        .any(|arg| arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&name)))
}

/// The meaning of an option of Cellpose, given with hyphens.
fn meaning(name: &str) -> Option<&'static Meaning> {
    OPTIONS.iter().find(|(other, _)| other.replace('_', "-") == name).map(|(_, meaning)| meaning)
}

/// Replaces the zeros by which Cellpose requests a default or an estimate.
fn replace_zeros(words: &mut Vec<OsString>) {
    for (name, replacement) in ZEROS {
        let named = |word: &OsString| option(word).is_some_and(|(found, _)| found == name);
        let Some(at) = words.iter().position(named) else { continue };
        let joined_value = option(&words[at]).and_then(|(_, value)| value);
        let (value, end) = match joined_value {
            Some(value) => (Some(value), at + 1),
            None => (words.get(at + 1).and_then(|next| next.to_str()), at + 2),
        };
        if value.is_some_and(|value| value.parse() == Ok(0.0)) {
            words.splice(at..end, replacement.map(|value| joined(name, Some(value))));
        }
    }
}

#[cfg(test)]
mod tests;
