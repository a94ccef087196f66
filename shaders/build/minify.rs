//! WGSL without what only people read.

/// `source` without line comments, indentation and empty lines. What is left stays on its own line, so that an error
/// of a compiler can still be found.
///
/// WGSL has no strings, so that two slashes are always a comment. Block comments, which could hold line comments, are
/// not taken out: no shader has any, and a test sees to it.
pub(crate) fn minify(source: &str) -> String {
    let mut small = String::new();
    for line in source.lines() {
        let code = line.split("//").next().unwrap_or_default().trim();
        if !code.is_empty() {
            small += code;
            small += "\n";
        }
    }
    small
}
