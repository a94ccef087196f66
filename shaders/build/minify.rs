//! WGSL without comments and indentation.

/// Removes line comments, indentation and empty lines.
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
            small += code;
            small += "\n";
        }
    }
    small
}
