//! Messages without untrusted words.

use std::fmt;

/// The placeholder for the parts that a redaction removes.
pub const REDACTED: &str = "[…]";

/// A message for a service's log: without folders, file names, addresses and tokens.
///
/// The errors of this workspace omit untrusted fields. The rest is redacted here by form, since the message of a
/// library or of the system may contain such words. The redaction removes:
///
/// - text between “ and ”, in which [`crate::quoted`] puts untrusted names;
/// - everything from the first word with a path separator (`/` or `\`) on: a path with spaces has no detectable end;
/// - words that are neither plain words nor numbers: names with an extension, queries, long runs of letters and digits,
///   and the words after `Bearer`, `token` and the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted(String);

impl Redacted {
    /// Redacts a message that may contain untrusted words.
    pub fn new(message: impl fmt::Display) -> Self {
        Self(redact(&message.to_string()))
    }

    /// Keeps a message that consists only of the program's own words: constants, numbers, hashes.
    pub fn own(message: impl fmt::Display) -> Self {
        Self(message.to_string())
    }

    /// The system's description of an error.
    ///
    /// Of an error composed by a library, which may contain a path, only the kind.
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

fn redact(message: &str) -> String {
    let unquoted = without_quoted(message);
    let pathless = without_paths(&unquoted);
    without_tokens(&pathless)
}

/// Replaces each “name” by a gap; an unpaired mark removes the rest of the message.
fn without_quoted(message: &str) -> String {
    let mut text = String::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('“') {
        text += before;
        text += REDACTED;
        rest = after.split_once('”').map_or("", |(_, rest)| rest);
    }
    text + rest
}

fn without_paths(message: &str) -> String {
    match message.find(['/', '\\']) {
        Some(at) => format!("{}{REDACTED}", &message[..start_of(&message[..at])]),
        None => message.into(),
    }
}

/// Start of the word before a separator, or of the quotation that contains the separator.
fn start_of(before: &str) -> usize {
    let opens = |&at: &usize| {
        let previous = before[..at].chars().next_back();
        previous.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '[' | ':' | '='))
    };
    let quotation = ['"', '`', '\''].into_iter().filter_map(|quote| before.rfind(quote).filter(opens)).min();
    let space = before.char_indices().rfind(|(_, c)| c.is_whitespace());
    let word = space.map_or(0, |(at, space)| at + space.len_utf8());
    let word = before[word..].rfind(['(', '[', '"', '`', '\'']).map_or(word, |at| word + at + 1);
    quotation.map_or(word, |quotation| quotation.min(word))
}

/// Words that precede a secret.
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
        let keep = core.is_empty() || word.contains(REDACTED) || !after_secret && is_plain(core);
        after_secret = SECRETS.iter().any(|secret| core.eq_ignore_ascii_case(secret));
        if keep {
            text += piece;
        } else {
            let start = word.find(core).unwrap_or(0);
            text += &word[..start];
            text += REDACTED;
            text += &word[start + core.len()..];
            text += &piece[word.len()..];
        }
    }
    text
}

/// Whether a word is plain: letters, a number, or a short mix of both like `f16` and `SHA-256`.
fn is_plain(word: &str) -> bool {
    let length = word.chars().count();
    let all = |allowed: fn(char) -> bool| word.chars().all(allowed);
    let letters = length <= PLAIN && all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’'));
    let number = length <= PLAIN && all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '^' | '-' | '+' | 'x' | 'e'));
    let mixed = length <= MIXED && all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '^'));
    letters || number || mixed
}
