//! Writes the figures into the README, from which the book includes them.

use crate::shell::{Outcome, root};

/// The anchors are mdBook's: the book includes the lines between them.
const BEGIN: &str = "<!-- figures, written by `cargo xtask compare --publish` (ANCHOR: figures) -->\n";
const END: &str = "<!-- end of the figures (ANCHOR_END: figures) -->\n";

/// Replaces the figures in the README.
pub(super) fn write(figures: &str) -> Outcome {
    let path = root().join("README.md");
    let failed = |error: std::io::Error| format!("README.md: {error}");
    let text = std::fs::read_to_string(&path).map_err(failed)?;
    let replaced = replace(&text, figures)
        .ok_or_else(|| format!("README.md lacks the comments around the figures: {BEGIN}{END}"))?;
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
    fn figures_are_replaced_between_the_comments() {
        let text = std::fs::read_to_string(root().join("README.md")).unwrap();
        let once = replace(&text, "one\n").unwrap();
        assert!(once.contains(&format!("{BEGIN}one\n{END}")));
        assert_eq!(replace(&once, "two"), replace(&text, "two"));
        assert_eq!(replace("nothing", "one"), None);
    }
}
