//! Messages without paths.

use std::fmt;

/// A message as others than the person who typed the path may read it, in a service's log for instance: without folders
/// and file names.
///
/// What the caller knows to be a path or a file name is left out by the caller. Beyond that, everything from the first
/// word with a separator (`/` or `\`) to the last one is taken out here, since a part of the message that came from a
/// file or from the system may hold a path too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted(String);

impl Redacted {
    /// The message without what looks like a path.
    pub fn new(message: impl fmt::Display) -> Self {
        Self(without_paths(&message.to_string()))
    }

    /// What the system said. Only its own words are taken: an error that a library made up may hold a path.
    pub fn io(error: &std::io::Error) -> Self {
        match error.raw_os_error() {
            Some(code) => Self::new(std::io::Error::from_raw_os_error(code)),
            None => Self::new(error.kind()),
        }
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stands for a path.
const GAP: &str = "[…]";

fn without_paths(message: &str) -> String {
    let separator = |c| matches!(c, '/' | '\\');
    let (Some(first), Some(last)) = (message.find(separator), message.rfind(separator)) else {
        return message.into();
    };
    // A path in quotes may have spaces in it: then it begins and ends with them.
    let start = start_of(&message[..first]);
    let end = last + end_of(&message[last..]);
    // What a path may end with and what the sentence goes on with.
    let kept = message[..end].trim_end_matches([':', ';', ',', '.', ')']).len();
    format!("{}{GAP}{}", &message[..start], &message[kept.max(last + 1).min(end)..])
}

/// Where the word before a separator begins.
fn start_of(before: &str) -> usize {
    let quotes = before.matches('"').count();
    match before.rfind('"') {
        Some(at) if quotes % 2 == 1 => at,
        _ => before.rfind([' ', '(', '"', '\'', '`']).map_or(0, |at| at + 1),
    }
}

/// Where the word after a separator ends.
fn end_of(after: &str) -> usize {
    let quotes = after.matches('"').count();
    match after.find('"') {
        Some(at) if quotes % 2 == 1 => at + 1,
        _ => after.find([' ', '"', '\'', '`']).unwrap_or(after.len()),
    }
}
