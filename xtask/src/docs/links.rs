//! Links, images and anchors.

use std::collections::BTreeMap;

use super::Problem;
use super::page::{Link, Page};
use super::repository::Repository;

/// Prefix of addresses of files on the repository's main branch.
const BLOB: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/");
/// Addresses of folders.
const TREE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/tree/main/");

/// Folders published separately: relative links out of them are broken.
const PUBLISHED_ALONE: [&str; 2] = ["docs/src/", "crates/cytoshade-web/npm/"];

const SUMMARY: &str = "docs/src/SUMMARY.md";

/// The book's summary lists every chapter.
pub(super) fn check_summary(pages: &BTreeMap<String, Page>) -> Vec<Problem> {
    let Some(summary) = pages.get(SUMMARY) else { return Vec::new() };
    let links = || summary.links.iter().filter_map(|link| link.target.as_deref());
    let listed = |path: &str| links().any(|target| join(SUMMARY, target).as_deref() == Some(path));
    let chapters = pages.keys().filter(|path| path.starts_with("docs/src/") && *path != SUMMARY);
    let missing = chapters.filter(|path| !listed(path));
    missing.map(|path| Problem::new(summary, 1, format!("{path} is not in the summary"))).collect()
}

pub(super) fn check(page: &Page, pages: &BTreeMap<String, Page>, repository: &Repository) -> Vec<Problem> {
    let complaint = |link: &Link| match &link.target {
        Some(target) => check_target(page, target, pages, repository).err(),
        None => Some("a reference that has no definition".into()),
    };
    page.links.iter().filter_map(|link| Some(Problem::new(page, link.line, complaint(link)?))).collect()
}

fn check_target(
    page: &Page,
    target: &str,
    pages: &BTreeMap<String, Page>,
    repository: &Repository,
) -> Result<(), String> {
    let (address, fragment) = target.split_once('#').map_or((target, None), |(path, fragment)| (path, Some(fragment)));
    let path = match address.strip_prefix(BLOB).or_else(|| address.strip_prefix(TREE)) {
        Some(path) => path.into(),
        None if address.contains(':') => return check_url(address),
        None if address.is_empty() => page.path.clone(),
        None => relative(page, address)?,
    };
    if !repository.contains(&path) && !pages.contains_key(&path) {
        return Err(format!("{target}: no such file in the repository"));
    }
    fragment.map_or(Ok(()), |fragment| check_fragment(&path, fragment, pages, repository))
}

/// The path from the root of a relative link's target.
fn relative(page: &Page, address: &str) -> Result<String, String> {
    let path = join(&page.path, address).ok_or(format!("{address} leads outside of the repository"))?;
    match PUBLISHED_ALONE.iter().find(|folder| page.path.starts_with(**folder)) {
        Some(folder) if !path.starts_with(folder) => {
            Err(format!("{address} leads out of {folder}, which is published by itself: link to {BLOB}{path}"))
        }
        _ => Ok(path),
    }
}

/// A fragment is a heading of a Markdown file or a function of a Rust file.
fn check_fragment(
    path: &str,
    fragment: &str,
    pages: &BTreeMap<String, Page>,
    repository: &Repository,
) -> Result<(), String> {
    if let Some(page) = pages.get(path) {
        return if page.anchors.contains(fragment) {
            Ok(())
        } else {
            Err(format!("{path} has no heading #{fragment}"))
        };
    }
    if !path.ends_with(".rs") {
        return Err(format!("{path} has no headings to link to"));
    }
    let defined = repository.text(path)?.contains(&format!("fn {fragment}("));
    if defined { Ok(()) } else { Err(format!("{path} defines no function {fragment}")) }
}

/// External addresses are only checked for their form, without network access.
fn check_url(url: &str) -> Result<(), String> {
    if url.starts_with("mailto:") {
        return Ok(());
    }
    let rest = url.strip_prefix("https://").ok_or(format!("{url}: take https"))?;
    let host = rest.split('/').next().unwrap_or_default();
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if host.contains('.') && host.split('.').all(is_part) { Ok(()) } else { Err(format!("{url}: no host")) }
}

/// The path from the root of `target`, a path relative to the file `from`; `None` if it leads outside.
pub(super) fn join(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}
