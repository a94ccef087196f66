//! Untrusted names in messages.

/// Characters of a name to print.
const NAME: usize = 100;
/// Characters of a path to print.
const PATH: usize = 1000;

/// A printable form of an untrusted name: one line, at most 100 characters of the name.
///
/// Control characters, invisible characters (including those that change the direction of text), combining marks and
/// the quotation marks of [`quoted`] become `\u{...}`; bytes that are not UTF-8 become `\x..`.
///
/// ```
/// use cytoshade_safe_io::printable;
/// assert_eq!(printable("conv\n\u{202e}0"), "conv\\n\\u{202e}0");
/// assert_eq!(printable(b"a\xff"), "a\\xff");
/// ```
pub fn printable(name: impl AsRef<[u8]>) -> String {
    escape(name.as_ref(), NAME)
}

/// An untrusted name for use within a sentence: [`printable`] between “ and ”.
///
/// The name itself contains neither mark, so [`crate::Redacted`] finds both ends.
pub fn quoted(name: impl AsRef<[u8]>) -> String {
    format!("“{}”", printable(name))
}

/// A printable form of a path: [`printable`], of up to 1000 characters.
pub fn printable_path(path: impl AsRef<std::path::Path>) -> String {
    escape(path.as_ref().as_os_str().as_encoded_bytes(), PATH)
}

fn escape(name: &[u8], most: usize) -> String {
    // A character takes at most four bytes: the rest of a long name is not scanned.
    let start = &name[..name.len().min(4 * (most + 1))];
    let mut text = String::new();
    let mut shown = 0;
    for chunk in start.utf8_chunks() {
        let valid = chunk.valid().chars().map(Ok);
        let invalid = chunk.invalid().iter().copied().map(Err);
        for piece in valid.chain(invalid) {
            if shown == most {
                return text + "…";
            }
            shown += 1;
            match piece {
                Ok(c @ ('\'' | '"' | '\\')) => text.push(c),
                Ok(c @ ('“' | '”')) => text.extend(c.escape_unicode()),
                Ok(c) => text.extend(c.escape_debug()),
                Err(byte) => text += &format!("\\x{byte:02x}"),
            }
        }
    }
    text
}
