//! A Markdown file, reduced to its checkable parts.

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{BrokenLink, CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::Problem;
use super::promises::Promises;
use super::repository::Repository;

#[derive(Debug, Default)]
pub(super) struct Page {
    /// From the root, with `/`.
    pub(super) path: String,
    /// The fragments of its headings.
    pub(super) anchors: BTreeSet<String>,
    pub(super) links: Vec<Link>,
    pub(super) code: Vec<Code>,
    promises: Promises,
}

/// A link or an image.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) line: usize,
    /// `None` if the reference has no definition.
    pub(super) target: Option<String>,
}

/// A code span or a code block.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) kind: CodeKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CodeKind {
    Span,
    /// A fenced block, with the info string of its fence.
    Fenced(String),
    Indented,
}

impl Page {
    pub(super) fn parse(path: &str, text: &str) -> Self {
        let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let line = |at: usize| starts.partition_point(|&start| start <= at);
        let mut undefined = Vec::new();
        let mut remember = |link: BrokenLink<'_>| -> Option<(CowStr<'_>, CowStr<'_>)> {
            // Single brackets are text: [C, H, W].
            if link.link_type != LinkType::Shortcut {
                undefined.push(Link { line: line(link.span.start), target: None });
            }
            None
        };
        let parser = Parser::new_with_broken_link_callback(text, Options::ENABLE_TABLES, Some(&mut remember));
        let mut page = Self { path: path.into(), ..Self::default() };
        let (mut heading, mut block, mut counts) = (None::<String>, None::<Code>, BTreeMap::new());
        for (event, range) in parser.into_offset_iter() {
            let line = line(range.start);
            page.promises.read(&event, line);
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    page.anchors.insert(anchor(&heading.take().unwrap_or_default(), &mut counts));
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(Link { line, target: Some(dest_url.into()) });
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    block = Some(Code { line, text: String::new(), kind: kind.into() });
                }
                Event::End(TagEnd::CodeBlock) => page.code.extend(block.take()),
                Event::Code(text) => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&text));
                    page.code.push(Code { line, text: text.into(), kind: CodeKind::Span });
                }
                Event::Text(text) => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&text));
                    block.iter_mut().for_each(|block| block.text.push_str(&text));
                }
                _ => {}
            }
        }
        page.links.extend(undefined);
        page
    }

    /// Checks that code blocks name their language, Rust snippets are tested, and promises link tests.
    pub(super) fn check_form(&self, repository: &Repository) -> Vec<Problem> {
        let tested = repository.tests_snippets_of(&self.path);
        let complaint = |code: &Code| match &code.kind {
            CodeKind::Indented => Some("an indented code block: fence it, with its language"),
            CodeKind::Fenced(info) if info.is_empty() => Some("a code block without a language: name it, or `text`"),
            CodeKind::Fenced(info) if info.starts_with("rust") && !tested => {
                Some("a Rust snippet that no test compiles: include this page in tests/src/docs.rs")
            }
            _ => None,
        };
        let blocks = self.code.iter().filter_map(|code| Some(Problem::new(self, code.line, complaint(code)?)));
        let untested = self.promises.untested().map(|line| {
            Problem::new(self, line, "no test holds this promise: link it as path/to/file.rs#name_of_the_test")
        });
        blocks.chain(untested).collect()
    }
}

impl From<CodeBlockKind<'_>> for CodeKind {
    fn from(kind: CodeBlockKind<'_>) -> Self {
        match kind {
            CodeBlockKind::Fenced(info) => CodeKind::Fenced(info.into()),
            CodeBlockKind::Indented => CodeKind::Indented,
        }
    }
}

/// The fragment of a heading as on GitHub: lower case, hyphens for spaces, numbered if repeated.
fn anchor(heading: &str, counts: &mut BTreeMap<String, usize>) -> String {
    let letter = |c: char| c.is_alphanumeric() || "-_".contains(c);
    let kept = heading.chars().map(|c| if c == ' ' { '-' } else { c }).filter(|&c| letter(c));
    let anchor = kept.collect::<String>().to_lowercase();
    let count = counts.entry(anchor.clone()).or_default();
    *count += 1;
    if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
}
