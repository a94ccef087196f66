//! tifffile's description: `{"shape": [2, 3, 64, 64], "axes": "CZYX"}`, or in old files `shape=(2, 3)`.

/// The contents of the description.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Description {
    pub(super) shape: Vec<usize>,
    pub(super) axes: Option<String>,
    /// All planes follow the first page.
    pub(super) truncated: bool,
}

/// More axes than numpy allows.
const MAX_AXES: usize = 64;

impl Description {
    /// Parses a description; `None` if it is not tifffile's.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(shape) = text.strip_prefix("shape=(") {
            return Some(Self { shape: lengths(shape.split_once(')')?.0)?, ..Self::default() });
        }
        let mut rest = text.trim().strip_prefix('{')?;
        let mut found = Self::default();
        loop {
            rest = rest.trim_start_matches([' ', '\n', '\r', '\t', ',']);
            if rest.starts_with('}') {
                break;
            }
            let (key, after) = string(rest)?;
            let (value, after) = value(after.trim_start().strip_prefix(':')?.trim_start())?;
            match key {
                "shape" => found.shape = lengths(value.strip_prefix('[')?.strip_suffix(']')?)?,
                "axes" => found.axes = Some(string(value)?.0.to_owned()),
                "truncated" => found.truncated = value == "true",
                _ => {}
            }
            rest = after;
        }
        (!found.shape.is_empty()).then_some(found)
    }
}

fn lengths(text: &str) -> Option<Vec<usize>> {
    let lengths = text.split(',').map(str::trim).filter(|length| !length.is_empty());
    let lengths: Vec<usize> = lengths.take(MAX_AXES + 1).map(|length| length.parse().ok()).collect::<Option<_>>()?;
    (lengths.len() <= MAX_AXES && !lengths.contains(&0)).then_some(lengths)
}

/// A JSON string, unescaped, and the rest of the text.
fn string(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut is_escaped = false;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some((inner.get(..at)?, inner.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

/// A JSON value of any kind, and the rest of the text.
fn value(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0usize;
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        match rest.bytes().next()? {
            b'"' => at = text.len() - string(rest)?.1.len(),
            b'[' | b'{' => (depth, at) = (depth + 1, at + 1),
            b']' | b'}' if depth > 0 => (depth, at) = (depth - 1, at + 1),
            b',' | b'}' if depth == 0 => return Some((text.get(..at)?.trim_end(), rest)),
            byte if byte.is_ascii() => at += 1,
            _ => at += rest.chars().next()?.len_utf8(),
        }
        if depth == 0 && matches!(text.get(..at)?.bytes().next_back()?, b'"' | b']' | b'}') {
            return Some((text.get(..at)?, text.get(at..)?));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(Vec<usize>, Option<String>, bool)> {
        Description::parse(text).map(|found| (found.shape, found.axes, found.truncated))
    }

    #[test]
    fn descriptions() {
        assert_eq!(parse("{\"shape\": [2, 3]}"), Some((vec![2, 3], None, false)));
        assert_eq!(
            parse("{\"axes\": \"CYX\", \"shape\": [2, 3, 4]}"),
            Some((vec![2, 3, 4], Some("CYX".into()), false))
        );
        assert_eq!(
            parse(
                "{ \"note\": \"a \\\"}\u{e9}\", \"more\": {\"shape\": [9], \"x\": [[1], \"]\"]}, \"shape\":[2,3],\"truncated\":true }"
            ),
            Some((vec![2, 3], None, true))
        );
        assert_eq!(parse("shape=(2, 3,)"), Some((vec![2, 3], None, false)));
        for wrong in [
            "",
            "{",
            "{}",
            "[6]",
            "{\"shape\": [2, x]}",
            "{\"shape\": [0, 2]}",
            "{\"shape\": [2, 3]",
            "{\"shape\": ",
            "{\"\u{e9}",
            "{\"a\": \u{e9}",
            "shape=(-1)",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
