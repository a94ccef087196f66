//! `cargo xtask docs`: checks every Markdown file of the repository and builds the book in `docs/`.

mod book;
mod links;
mod names;
mod page;
mod promises;
mod repository;

use std::collections::BTreeMap;

use crate::shell::{Outcome, cargo, run};
use page::Page;
use repository::Repository;

/// Check links, names and Rust snippets of all Markdown files, and build the book into target/book
#[derive(Debug, clap::Args)]
pub(crate) struct Docs {
    /// Check only; needs no mdBook
    #[arg(long)]
    check: bool,
}

pub(crate) fn docs(options: &Docs) -> Outcome {
    check()?;
    // The whole workspace, so that the tests later use what this builds.
    run(cargo(&["test", "--doc", "--workspace"]))?;
    if options.check { Ok(()) } else { book::build() }
}

/// A problem in a page.
#[derive(Debug)]
struct Problem {
    /// The page's path and the line, as `path:line`.
    place: String,
    what: String,
}

impl Problem {
    fn new(page: &Page, line: usize, what: impl Into<String>) -> Self {
        Self { place: format!("{}:{line}", page.path), what: what.into() }
    }
}

/// Reports all problems of the Markdown files, not only the first.
fn check() -> Outcome {
    let repository = Repository::read()?;
    let problems = problems(&repository, &pages(&repository)?);
    for Problem { place, what } in &problems {
        eprintln!("{place}: {what}");
    }
    match problems.len() {
        0 => Ok(()),
        count => Err(format!("{count} problems in the Markdown files; each line above names one")),
    }
}

fn problems(repository: &Repository, pages: &BTreeMap<String, Page>) -> Vec<Problem> {
    let mut problems = links::check_summary(pages);
    for page in pages.values() {
        problems.extend(links::check(page, pages, repository));
        // A record of measurements keeps the names of its date.
        if !page.path.starts_with("benches/results/") {
            problems.extend(names::check(page, repository));
            problems.extend(page.check_form(repository));
        }
    }
    problems
}

/// The Markdown files by path.
fn pages(repository: &Repository) -> Result<BTreeMap<String, Page>, String> {
    let paths = repository.files().filter(|path| path.ends_with(".md"));
    paths.map(|path| Ok((path.to_owned(), Page::parse(path, &repository.text(path)?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_of_the_repository_has_no_problem() {
        check().unwrap();
    }

    /// The problems of a page with this text at the repository's root.
    fn complaints(repository: &Repository, text: &str) -> Vec<String> {
        let mut pages = pages(repository).unwrap();
        pages.insert("PAGE.md".into(), Page::parse("PAGE.md", text));
        let problems = problems(repository, &pages).into_iter();
        problems.filter(|problem| problem.place.starts_with("PAGE.md")).map(|problem| problem.what).collect()
    }

    #[test]
    fn correct_pages_pass() {
        let repository = Repository::read().unwrap();
        for text in [
            "# One\n\n[a](#one) [b](README.md) [c](xtask/src) [d](https://example.org/x) ![e](benches/results/2026-11-21-compare.svg)",
            "[r](https://github.com/cytoshade/cytoshade/blob/main/README.md)",
            "[t](xtask/src/docs/mod.rs#correct_pages_pass)",
            "`xtask/src/main.rs`, `docs/mod.rs`, `Repository::read`, `--no-install`, `CYTOSHADE_TEST_DATA`, `cargo xtask lint`, `cytoshade-core`",
            "| promise | held by |\n|---|---|\n| it passes | [here](xtask/src/docs/mod.rs#correct_pages_pass) |",
            "```sh\ncargo xtask test --no-install\n```",
            "# A `b` c!\n\n# A `b` c!\n\n[x](#a-b-c) [y](#a-b-c-1)",
        ] {
            assert_eq!(complaints(&repository, text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn every_kind_of_mistake_is_reported() {
        let repository = Repository::read().unwrap();
        for (text, expected) in [
            ("[a](#one)", "no heading"),
            ("[a](README.md#one)", "no heading"),
            ("[a](NOWHERE.md)", "no such file"),
            ("![a](NOWHERE.svg)", "no such file"),
            ("[a](target/debug)", "no such file"),
            ("[a](../x.md)", "outside of the repository"),
            ("[a][b]", "no definition"),
            ("[a](http://example.org)", "https"),
            ("[a](https://example)", "no host"),
            ("[a](https://github.com/cytoshade/cytoshade/blob/main/NOWHERE.md)", "no such file"),
            ("[t](xtask/src/docs/mod.rs#defined_nowhere)", "defines no function"),
            ("[t](LICENSE-MIT#x)", "has no headings"),
            ("`xtask/src/nowhere.rs`", "no such path"),
            ("`nowhere.rs`", "no such path"),
            ("`Problem::defined_by_nobody_at_all`", "no source"),
            ("`--an-option-of-nobody`", "no source"),
            ("`CYTOSHADE_NOTHING_AT_ALL`", "no source"),
            ("`AStructOfNobody` and `a_function_of_nobody()`", "no source"),
            ("`cytoshade-crate-of-nobody`", "no source"),
            ("`cargo xtask nothing`", "no task"),
            ("```sh\ncargo xtask nothing\n```", "no task"),
            ("| promise | held by |\n|---|---|\n| it passes | faith |", "no test"),
            ("    cargo run", "fence"),
            ("```\ncargo run\n```", "language"),
            ("```rust\nfn main() {}\n```", "tests/src/docs.rs"),
        ] {
            let found = complaints(&repository, text);
            assert!(found.iter().any(|what| what.contains(expected)), "{text}: {found:?}");
        }
    }
}
