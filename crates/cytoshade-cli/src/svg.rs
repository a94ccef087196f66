//! Text in SVG and HTML.

use std::fmt::Write;

/// A text as content or as an attribute in quotes: markup in it has no effect, and control characters are replaced.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML forbids most of them; marks of direction could disguise a name.
            '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{fffe}'
            | '\u{ffff}' => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

/// The points of a line.
pub(crate) fn points(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    for (x, y) in points {
        let separator = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{separator}{x:.1},{y:.1}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_has_no_effect() {
        let text = escaped("<img src=x onerror=\"alert('1')\">&\u{1b}\u{202e}é");
        assert_eq!(text, "&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;\u{fffd}\u{fffd}é");
        assert_eq!(points([(1.0, 2.25), (3.0, 4.0)]), "1.0,2.2 3.0,4.0");
    }
}
