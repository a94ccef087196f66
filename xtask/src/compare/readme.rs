//! The figures in the README.

use crate::shell::{Outcome, root};

const BEGIN: &str = "<!-- figures, written by `cargo xtask compare --publish` -->\n";
const END: &str = "<!-- end of the figures -->\n";

/// Replaces the figures in the README.
pub(super) fn write(figures: &str) -> Outcome {
    let path = root().join("README.md");
    let failed = |error: std::io::Error| format!("README.md: {error}");
    let text = std::fs::read_to_string(&path).map_err(failed)?;
    let replaced =
        replace(&text, figures).ok_or_else(|| format!("README.md has no place for figures: {BEGIN}{END}"))?;
    std::fs::write(&path, replaced).map_err(failed)
}

fn replace(text: &str, figures: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{}\n{END}{after}", figures.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_replaced_where_the_readme_has_them() {
        let text = std::fs::read_to_string(root().join("README.md")).unwrap();
        let once = replace(&text, "one\n").unwrap();
        assert!(once.contains(&format!("{BEGIN}one\n{END}")));
        assert_eq!(replace(&once, "two"), replace(&text, "two"));
        assert_eq!(replace("nothing", "one"), None);
    }
}
