//! Messages without words from outside.

use std::fmt;

/// A message that may stand in a service's log: without folders, names of files, addresses and tokens.
///
/// The errors of this workspace leave out the fields that come from outside. What remains is redacted here by its form,
/// since a library or the system may have put such words into its own message:
///
/// - whatever stands between “ and ”, as [`crate::quoted`] puts names out of files into messages;
/// - from the first word with a separator of paths (`/` or `\`) on, everything: where a path with spaces ends cannot be
///   known;
/// - words that are neither plain words nor numbers: names with an extension, queries, long runs of letters and digits,
///   and whatever follows `Bearer`, `token` and the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted(String);

impl Redacted {
    /// A message that may hold words from outside: those are taken out.
    pub fn new(message: impl fmt::Display) -> Self {
        Self(redact(&message.to_string()))
    }

    /// A message whose every word is the program's own: constants, numbers, hashes. It is taken as it is.
    pub fn own(message: impl fmt::Display) -> Self {
        Self(message.to_string())
    }

    /// The system's description of an error. An error that a library composed may hold a path: its kind alone is taken.
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

/// Stands in place of the parts that were taken out.
const GAP: &str = "[…]";

fn redact(message: &str) -> String {
    let unquoted = without_quoted(message);
    let pathless = without_paths(&unquoted);
    without_tokens(&pathless)
}

/// Puts a gap in the place of each “name”; a mark without its pair takes everything behind it.
fn without_quoted(message: &str) -> String {
    let mut text = String::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('“') {
        text += before;
        text += GAP;
        rest = after.split_once('”').map_or("", |(_, rest)| rest);
    }
    text + rest
}

fn without_paths(message: &str) -> String {
    match message.find(['/', '\\']) {
        Some(at) => format!("{}{GAP}", &message[..start_of(&message[..at])]),
        None => message.into(),
    }
}

/// Start of the word before a separator, or of the quotation that the separator stands in.
fn start_of(before: &str) -> usize {
    let opens = |&at: &usize| {
        let previous = before[..at].chars().next_back();
        previous.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '[' | ':' | '='))
    };
    let quotation = ['"', '`', '\''].into_iter().filter_map(|quote| before.rfind(quote).filter(opens)).min();
    let word = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = before[word..].rfind(['(', '[', '"', '`', '\'']).map_or(word, |at| word + at + 1);
    quotation.map_or(word, |quotation| quotation.min(word))
}

/// Words behind which a secret follows.
const SECRETS: [&str; 8] = ["bearer", "basic", "token", "key", "apikey", "password", "secret", "signature"];
/// Characters of the longest plain word or number.
const PLAIN: usize = 24;
/// Characters of the longest mix of letters and digits.
const MIXED: usize = 12;

fn without_tokens(message: &str) -> String {
    let mut text = String::new();
    let mut after_secret = false;
    for piece in message.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let core = word.trim_matches(|c| "()[]{}.,:;!?'\"`…-".contains(c));
        let keep = core.is_empty() || word.contains(GAP) || !after_secret && is_plain(core);
        after_secret = SECRETS.iter().any(|secret| core.eq_ignore_ascii_case(secret));
        if keep {
            text += piece;
        } else {
            let start = word.find(core).unwrap_or(0);
            text += &word[..start];
            text += GAP;
            text += &word[start + core.len()..];
            text += &piece[word.len()..];
        }
    }
    text
}

/// Whether a word is one of a sentence: letters, a number, or a short mix of both as in `f16` and `SHA-256`.
fn is_plain(word: &str) -> bool {
    let length = word.chars().count();
    let all = |allowed: fn(char) -> bool| word.chars().all(allowed);
    let letters = length <= PLAIN && all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’'));
    let number = length <= PLAIN && all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '^' | '-' | '+' | 'x' | 'e'));
    let mixed = length <= MIXED && all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '^'));
    letters || number || mixed
}
