//! Files that strangers may have made: opened only where they are files, and spoken of without their names.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(not(target_family = "wasm"))]
mod open;
mod redacted;

#[cfg(not(target_family = "wasm"))]
pub use open::{Links, open};
pub use redacted::Redacted;
