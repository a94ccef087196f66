//! Files that strangers may have made: opened only where they are files, and spoken of without their names.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(not(target_family = "wasm"))]
mod file_identity;
#[cfg(not(target_family = "wasm"))]
mod open;
#[cfg(not(target_family = "wasm"))]
mod pending_file;
#[cfg(not(target_family = "wasm"))]
mod private_file;
mod redacted;

#[cfg(not(target_family = "wasm"))]
pub use file_identity::FileIdentity;
#[cfg(not(target_family = "wasm"))]
pub use open::{Links, open};
#[cfg(not(target_family = "wasm"))]
pub use pending_file::{Existing, PendingFile, remove_pending_files, sweep_stale_files};
#[cfg(not(target_family = "wasm"))]
pub use private_file::{read_private_file, write_private_file};
pub use redacted::Redacted;
