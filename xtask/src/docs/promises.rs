//! Checks tables of promises: a row whose last column is "held by" must link its test.

use pulldown_cmark::{Event, Tag, TagEnd};

/// The header of the column that names tests.
const HELD_BY: &str = "held by";

/// The promises of a page, read event by event.
#[derive(Debug, Default)]
pub(super) struct Promises {
    headers: Vec<String>,
    in_head: bool,
    /// The current cell's column, from 1.
    column: usize,
    /// Tests that the current row names.
    tests: usize,
    untested: Vec<usize>,
}

impl Promises {
    pub(super) fn read(&mut self, event: &Event<'_>, line: usize) {
        match event {
            Event::Start(Tag::Table(_)) => self.headers.clear(),
            Event::Start(Tag::TableHead) => self.in_head = true,
            Event::End(TagEnd::TableHead) => self.in_head = false,
            Event::Start(Tag::TableRow) => (self.column, self.tests) = (0, 0),
            Event::Start(Tag::TableCell) if self.in_head => self.headers.push(String::new()),
            Event::Start(Tag::TableCell) => self.column += 1,
            Event::Text(text) if self.in_head => {
                self.headers.iter_mut().next_back().into_iter().for_each(|header| header.push_str(text));
            }
            // A function of a Rust file; the check of links verifies that it exists.
            Event::Start(Tag::Link { dest_url, .. }) if dest_url.contains(".rs#") => self.count(),
            Event::Code(text) if text.starts_with("cargo xtask") => self.count(),
            Event::End(TagEnd::TableRow) if self.headers.iter().any(|header| header == HELD_BY) && self.tests == 0 => {
                self.untested.push(line);
            }
            _ => {}
        }
    }

    /// The lines of the promises without a test.
    pub(super) fn untested(&self) -> impl Iterator<Item = usize> {
        self.untested.iter().copied()
    }

    fn count(&mut self) {
        let header = self.column.checked_sub(1).and_then(|at| self.headers.get(at));
        self.tests += usize::from(header.is_some_and(|header| header == HELD_BY));
    }
}
