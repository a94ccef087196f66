//! WGSL without comments, indentation and spaces that separate nothing.

/// Removes line comments, indentation, empty lines, and spaces that separate nothing.
///
/// Code keeps its lines, so that a compiler's error can be located.
///
/// WGSL has no strings, so two slashes always begin a comment. Block comments, which could contain line comments, are
/// not removed: a test checks that no shader has any.
pub(crate) fn minify(source: &str) -> String {
    let mut small = String::new();
    for line in source.lines() {
        let code = line.split("//").next().unwrap_or_default().trim();
        if !code.is_empty() {
            tighten(code, &mut small);
            small += "\n";
        }
    }
    small
}

/// Appends a line without the spaces that separate nothing.
///
/// A space stays between two words, between two operators, which could form another, and beside `<` and `>`, where it
/// decides whether a list of a template begins.
fn tighten(line: &str, to: &mut String) {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_bracket = |c: char| "(){}[],;:".contains(c);
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        if let (Some(last), Some(first)) = (to.chars().next_back().filter(|c| *c != '\n'), word.chars().next()) {
            let has_angle = [last, first].iter().any(|c| "<>".contains(*c));
            let is_free = is_bracket(last) || is_bracket(first) || is_word(last) != is_word(first);
            if has_angle || !is_free {
                to.push(' ');
            }
        }
        to.push_str(word);
    }
}
