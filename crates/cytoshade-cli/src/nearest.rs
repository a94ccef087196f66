//! Suggests the name nearest to a mistyped one.

/// Names that are less similar are not suggested; as in clap.
const SIMILARITY: f64 = 0.7;

/// The most similar name; `None` if all differ too much.
pub(crate) fn nearest<S: AsRef<str>>(typed: &str, names: impl IntoIterator<Item = S>) -> Option<S> {
    let similar = names.into_iter().map(|name| (strsim::jaro(name.as_ref(), typed), name));
    let (similarity, name) = similar.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (similarity > SIMILARITY).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_a_similar_name_is_suggested() {
        let names = ["diameter", "niter", "flow-threshold"];
        assert_eq!(nearest("diametre", names), Some("diameter"));
        assert_eq!(nearest("flow-treshold", names), Some("flow-threshold"));
        assert_eq!(nearest("quux", names), None);
        assert_eq!(nearest("x", [] as [&str; 0]), None);
    }
}
