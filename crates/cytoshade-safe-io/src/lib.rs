//! Files that strangers may have made: opened only where they are files, and spoken of without their names.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(not(target_family = "wasm"))]
mod open;
#[cfg(not(target_family = "wasm"))]
mod private_file;
mod redacted;

#[cfg(not(target_family = "wasm"))]
pub use open::{Links, open};
#[cfg(not(target_family = "wasm"))]
pub use private_file::{read_private_file, write_private_file};
pub use redacted::Redacted;
