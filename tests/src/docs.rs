//! The Rust snippets of the Markdown files, as documentation tests.

/// The crate `cytoshade` in a few lines.
#[doc = include_str!("../../README.md")]
mod readme {}

#[doc = include_str!("../../docs/src/rust.md")]
mod rust {}
