//! The Rust snippets of the Markdown files, as documentation tests.

/// A short introduction to the crate `cytoshade`.
#[doc = include_str!("../../README.md")]
mod readme {}

#[doc = include_str!("../../docs/src/rust.md")]
mod rust {}
