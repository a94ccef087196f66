//! The help of the program: the options that `-h` lists; the headings and examples of `--help`.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use cytoshade_safe_io::printable;

use crate::config::is_parameter;

/// The headings of `--help` for the options of a group; clap names it for the struct that declares them.
const HEADINGS: [(&str, &str); 6] = [
    ("FolderArgs", "Files of folders"),
    ("InputArgs", "Channels, intensities and tiles"),
    ("ReadArgs", "Content of files"),
    ("IsolateArgs", "Untrusted files"),
    ("BackendArgs", "Device"),
    ("ConfigArgs", "Options in a file"),
];

/// The heading of the other options that set a parameter of the segmentation.
const PARAMETERS: &str = "Cells";

/// The options that `-h` lists for commands with too many for a screen; `--help` lists all.
const COMMON: [&str; 12] =
    ["inputs", "model", "output", "recursive", "diameter", "chan", "chan2", "do_3d", "save", "device", "stack", "help"];

/// Commands of more options than this show only the common ones for `-h`.
const SCREEN: usize = 8;

/// Examples by command; the words of a subcommand are separated by a space.
const EXAMPLES: [(&str, &[&str]); 9] = [
    ("", &["cytoshade demo", "cytoshade segment cells.tif --diameter 30", "cytoshade doctor"]),
    (
        "segment",
        &[
            "cytoshade segment cells.tif",
            "cytoshade segment plate/ --recursive --model cyto3 --save rois,csv",
            "cytoshade segment stack.tif --do-3d --anisotropy 2 --output results",
        ],
    ),
    ("watch", &["cytoshade watch acquisition/ --model cyto3 --output results"]),
    ("restore", &["cytoshade restore noisy.tif --model denoise_cyto3 --output restored"]),
    ("convert", &["cytoshade convert seg cells_seg.npy --to tif,rois"]),
    ("config", &["cytoshade config show segment plate/ --diameter 30"]),
    ("doctor", &["cytoshade doctor", "cytoshade doctor --json --full"]),
    ("model", &["cytoshade model list", "cytoshade model fetch cyto3", "cytoshade model inspect cyto3"]),
    ("completions", &["cytoshade completions zsh > ~/.zfunc/_cytoshade"]),
];

/// Adds headings and examples, and shortens `-h`.
///
/// The commands get the order of `names`, since clap moves a command that is changed to the end.
pub(crate) fn arrange(command: Command, names: &[String]) -> Command {
    let command = with_examples(command, "");
    names.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |sub| {
            if sub.get_arguments().count() <= SCREEN {
                return with_examples(sub, name).mut_args(shorten);
            }
            let headings: Vec<(String, &str)> = sub.get_arguments().filter_map(|arg| heading(&sub, arg)).collect();
            with_examples(sub, name).mut_args(|arg| arrange_option(shorten(arg), &headings))
        })
    })
}

fn with_examples(command: Command, name: &str) -> Command {
    match EXAMPLES.iter().find(|(other, _)| *other == name) {
        Some((_, lines)) => command.after_long_help(format!("Examples:\n  {}", lines.join("\n  "))),
        None => command,
    }
}

/// The heading of an option, by its id. The common options have none: they are listed first.
fn heading(command: &Command, arg: &Arg) -> Option<(String, &'static str)> {
    let id = arg.get_id();
    let groups = command.get_groups().filter(|group| group.get_args().any(|other| other == id));
    let of_group = |name: &str| HEADINGS.iter().find(|(group, _)| *group == name).map(|(_, heading)| *heading);
    let heading = groups.into_iter().find_map(|group| of_group(group.get_id().as_str()));
    let heading = heading.or(is_parameter(arg).then_some(PARAMETERS)).filter(|_| !is_common(arg));
    Some((id.to_string(), heading?))
}

fn is_common(arg: &Arg) -> bool {
    COMMON.contains(&arg.get_id().as_str())
}

fn arrange_option(arg: Arg, headings: &[(String, &'static str)]) -> Arg {
    let heading = headings.iter().find(|(id, _)| *id == arg.get_id().as_str());
    let is_common = is_common(&arg);
    let arg = arg.hide_short_help(!is_common);
    match heading {
        Some((_, heading)) => arg.help_heading(*heading),
        None => arg,
    }
}

/// Keeps the first sentence of a help text for `-h`.
fn shorten(arg: Arg) -> Arg {
    let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let ends = text.match_indices(". ").map(|(at, _)| at);
    let end = ends.clone().find(|at| text[at + 2..].starts_with(|c: char| c.is_uppercase()));
    match end {
        Some(end) if arg.get_long_help().is_none() => {
            let first = text[..end].to_owned();
            arg.help(first).long_help(text)
        }
        _ => arg,
    }
}

/// The message for a command line without a command, which begins with an input or an option of `segment`.
pub(crate) fn missing_command(error: &clap::Error, first: Option<&OsString>) -> Option<String> {
    let (kind, word) = match error.kind() {
        ErrorKind::InvalidSubcommand => ("command", error.get(ContextKind::InvalidSubcommand)?),
        ErrorKind::UnknownArgument => ("option", error.get(ContextKind::InvalidArg)?),
        _ => return None,
    };
    let ContextValue::String(word) = word else { return None };
    let is_input = kind == "command" && (Path::new(word).exists() || word.contains(['.', '*', '/']));
    let first = first.and_then(|first| first.to_str());
    let is_option = kind == "option" && first.is_some_and(|first| first.starts_with(word.as_str()));
    let shown = printable(word);
    (is_input || is_option).then(|| {
        format!(
            "{shown} is no {kind} of cytoshade; did you mean `cytoshade segment {shown}`? --help lists the commands"
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::args::command;

    use super::*;

    /// Columns and rows of a small terminal, with a row for the prompt.
    const TERMINAL: (usize, usize) = (80, 23);

    #[test]
    fn short_help_fits_a_screen() {
        for name in command().get_subcommands().map(Command::get_name) {
            let mut command = command().find_subcommand(name).unwrap().clone().term_width(TERMINAL.0);
            let help = command.render_help().to_string();
            let (columns, rows) = (help.lines().map(|line| line.chars().count()).max(), help.lines().count());
            assert!(columns <= Some(TERMINAL.0) && rows <= TERMINAL.1, "{name}: {columns:?} x {rows}\n{help}");
        }
    }

    #[test]
    fn long_help_has_every_option() {
        for sub in command().get_subcommands_mut() {
            let help = sub.render_long_help().to_string();
            for arg in sub.get_arguments().filter(|arg| !arg.is_hide_set()) {
                let name = arg.get_long().map(|long| format!("--{long}"));
                assert!(name.iter().all(|name| help.contains(name)), "{} {name:?}", sub.get_name());
            }
        }
    }

    #[test]
    fn every_example_is_a_command_line() {
        for (name, examples) in EXAMPLES {
            for example in examples {
                // Without the redirection, which is the shell's.
                let words = example.split(" > ").next().unwrap().split(' ').map(OsString::from);
                command().try_get_matches_from(words).unwrap_or_else(|error| panic!("{example}: {error}"));
                assert!(example.starts_with(&format!("cytoshade {name}")), "{example}");
            }
        }
        assert!(EXAMPLES.iter().all(|(name, _)| name.is_empty() || command().find_subcommand(name).is_some()));
    }

    #[test]
    fn a_missing_command_is_suggested() {
        let said = |words: &[&str]| {
            let words: Vec<OsString> = ["cytoshade"].iter().chain(words).map(OsString::from).collect();
            let error = command().try_get_matches_from(&words).unwrap_err();
            missing_command(&error, words.get(1))
        };
        for words in [&["cells.tif"][..], &["plate/"], &["--diameter", "30"], &["--dir", "plate"]] {
            let said = said(words).unwrap();
            assert!(said.contains(&format!("cytoshade segment {}", words[0])), "{said}");
        }
        // clap suggests the nearest command and option.
        assert_eq!(said(&["segmnt"]), None);
        assert_eq!(said(&["segment", "cells.tif", "--diametr", "30"]), None);
    }

    #[test]
    fn common_options_exist() {
        let command = command();
        let ids: Vec<&str> = ["segment", "watch", "restore"]
            .iter()
            .flat_map(|name| command.find_subcommand(name).unwrap().get_arguments())
            .map(|arg| arg.get_id().as_str())
            .collect();
        assert!(COMMON.iter().all(|id| *id == "help" || ids.contains(id)), "{ids:?}");
        let segment = command.find_subcommand("segment").unwrap();
        for (group, _) in HEADINGS {
            assert!(segment.get_groups().any(|other| other.get_id() == group), "{group}");
        }
    }
}
