//! Names in code: paths, Rust items, options, variables, crates and tasks must exist.

use clap::CommandFactory as _;

use super::Problem;
use super::page::{Code, CodeKind, Page};
use super::repository::{Repository, hyphenated, words_of};
use crate::Cli;

/// File extensions that the repository uses, and that are rare elsewhere.
const ENDINGS: [&str; 7] = [".rs", ".wgsl", ".py", ".ts", ".mjs", ".sh", ".md"];

/// Folders at the root that git ignores; pages may name their files.
const IGNORED: [&str; 2] = ["target/", "dist/"];

pub(super) fn check(page: &Page, repository: &Repository) -> Vec<Problem> {
    let of = |code: &Code| -> Vec<String> {
        let mut complaints = check_tasks(&code.text);
        if code.kind == CodeKind::Span {
            complaints.extend(check_span(&code.text, repository).err());
        }
        complaints
    };
    let problems =
        page.code.iter().flat_map(|code| of(code).into_iter().map(|what| Problem::new(page, code.line, what)));
    problems.collect()
}

/// Checks that every `cargo xtask TASK` names a task.
fn check_tasks(text: &str) -> Vec<String> {
    let is_task = |name: &str| Cli::command().get_subcommands().any(|task| task.get_name() == name);
    let words = text.split("cargo xtask ").skip(1).filter_map(|rest| rest.split_whitespace().next());
    // A placeholder or an option is not a task.
    let names = words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
    names.filter(|name| !is_task(name)).map(|name| format!("`cargo xtask {name}`: no task of that name")).collect()
}

/// Checks that the names in a code span exist.
fn check_span(text: &str, repository: &Repository) -> Result<(), String> {
    if let Some(word) = hyphenated(text).find(|word| !exists(word, repository)) {
        return Err(format!("`{text}`: no source mentions {word}"));
    }
    let mut words = text.split_whitespace();
    if let (Some(word), None) = (words.next(), words.next())
        && is_path(word, repository)
    {
        return check_path(word, repository);
    }
    // A pattern matches many names.
    let is_unknown = |word: &&str| (is_name(word) || text.contains("::")) && !repository.has_word(word);
    match words_of(text).find(is_unknown).filter(|_| !text.contains('*')) {
        Some(word) => Err(format!("`{text}`: no source mentions {word}")),
        None => Ok(()),
    }
}

/// Whether a word can only be a name: it has inner underscores or capitals.
fn is_name(word: &str) -> bool {
    let camel = word.as_bytes().windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    camel || word.trim_matches('_').contains('_')
}

/// Whether a word is neither an option nor a crate, or the sources mention it.
fn exists(word: &str, repository: &Repository) -> bool {
    match word.strip_prefix("--") {
        // clap turns a field into an option.
        Some(option) => repository.has_hyphenated(word) || repository.has_word(&option.replace('-', "_")),
        None => !word.starts_with("cytoshade-") || repository.has_hyphenated(word),
    }
}

fn is_path(word: &str, repository: &Repository) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c));
    let first = word.split('/').next().unwrap_or_default();
    let at_root = word.contains('/') && repository.contains(first);
    plain && (at_root || ENDINGS.iter().any(|ending| word.ends_with(ending)))
}

fn check_path(path: &str, repository: &Repository) -> Result<(), String> {
    let ignored = IGNORED.iter().any(|folder| path.starts_with(folder));
    if ignored || repository.contains(path) || repository.contains_end(path) {
        return Ok(());
    }
    Err(format!("`{path}`: no such path in the repository"))
}
