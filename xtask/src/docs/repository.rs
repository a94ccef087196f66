//! The targets of references in Markdown files: the repository's files and the names in its sources.

use std::collections::{BTreeSet, HashSet};
use std::process::Command;

use super::links::join;
use crate::shell::{lines, root};

/// Files that define names.
const SOURCES: [&str; 12] = ["rs", "wgsl", "ts", "js", "mjs", "html", "py", "sh", "toml", "json", "lock", "dict"];

/// The files of the repository that git does not ignore.
#[derive(Debug, Default)]
pub(super) struct Repository {
    files: BTreeSet<String>,
    /// All words of the sources: letters, digits and underscores.
    words: HashSet<String>,
    /// The same with hyphens: options and crates.
    hyphenated: HashSet<String>,
    /// The Markdown files whose snippets a Rust file includes as documentation tests.
    tested: BTreeSet<String>,
}

impl Repository {
    pub(super) fn read() -> Result<Self, String> {
        let mut git = Command::new("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
        // A removed file stays in the index until the removal is committed.
        let files = lines(git)?.into_iter().filter(|path| root().join(path).is_file()).collect();
        let mut repository = Self { files, ..Self::default() };
        let sources: Vec<String> = repository.files.iter().filter(|path| is_source(path)).cloned().collect();
        for path in sources {
            let text = repository.text(&path)?;
            repository.words.extend(words_of(&text).map(String::from));
            repository.hyphenated.extend(hyphenated(&text).filter(|word| word.contains('-')).map(String::from));
            repository.tested.extend(included(&path, &text));
        }
        Ok(repository)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    pub(super) fn text(&self, path: &str) -> Result<String, String> {
        let bytes = std::fs::read(root().join(path)).map_err(|error| format!("cannot read {path}: {error}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whether a path from the root is a file, or a folder with files.
    pub(super) fn contains(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let first_within = self.files.range(folder.clone()..).next();
        path.is_empty() || self.files.contains(path) || first_within.is_some_and(|file| file.starts_with(&folder))
    }

    /// Whether the path of a file ends in these components.
    pub(super) fn contains_end(&self, path: &str) -> bool {
        let end = format!("/{path}");
        self.files.iter().any(|file| file == path || file.ends_with(&end))
    }

    pub(super) fn has_word(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    pub(super) fn has_hyphenated(&self, word: &str) -> bool {
        self.hyphenated.contains(word)
    }

    /// Whether the snippets of a page are documentation tests.
    pub(super) fn tests_snippets_of(&self, page: &str) -> bool {
        self.tested.contains(page)
    }
}

fn is_source(path: &str) -> bool {
    // The tests of these checks contain names that must not be found.
    let is_test = path == "xtask/src/docs/mod.rs";
    !is_test && path.rsplit_once('.').is_some_and(|(_, extension)| SOURCES.contains(&extension))
}

/// The words of a text: letters, digits and underscores.
pub(super) fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The words of a text, including hyphens.
pub(super) fn hyphenated(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c)).filter(|word| !word.is_empty())
}

/// The Markdown files that a Rust file includes as documentation.
fn included<'a>(path: &'a str, text: &'a str) -> impl Iterator<Item = String> + 'a {
    let targets = text.split("doc = include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next());
    targets.filter(|target| target.ends_with(".md")).filter_map(move |target| join(path, target))
}
