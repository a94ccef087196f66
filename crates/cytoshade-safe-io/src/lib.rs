//! Safe reading of untrusted files: opening them, metering their cost, and naming them in messages.
//!
//! - [`open`] opens regular files and nothing else; [`open_private_file`], [`read_private_file`] and [`write_private_file`]
//!   are for a program's own files.
//! - [`Meter`] counts the memory and the work that one file costs, before they are spent; [`CostLimits`] bounds them.
//! - [`Input`] reads numbers and slices from bytes, and never past their end; [`ValueLimits`] bounds single values.
//! - [`printable`] and [`quoted`] put names from outside into messages; [`Redacted`] takes them out again.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(not(target_family = "wasm"))]
mod file_identity;
mod input;
#[cfg(not(target_family = "wasm"))]
pub mod isolate;
mod meter;
#[cfg(not(target_family = "wasm"))]
mod open;
#[cfg(not(target_family = "wasm"))]
mod pending_file;
mod printable;
#[cfg(not(target_family = "wasm"))]
mod private_file;
mod redacted;
mod value_limits;

#[cfg(not(target_family = "wasm"))]
pub use file_identity::FileIdentity;
pub use input::{EndOfInput, Input};
pub use meter::{CostLimits, Meter, MeterError, reserve};
#[cfg(not(target_family = "wasm"))]
pub use open::{Links, open, open_with};
#[cfg(not(target_family = "wasm"))]
pub use pending_file::{Existing, PendingFile, remove_pending_files, sweep_stale_files};
pub use printable::{printable, printable_path, quoted};
#[cfg(not(target_family = "wasm"))]
pub use private_file::{create_private_folder, open_private_file, read_private_file, write_private_file};
pub use redacted::Redacted;
pub use value_limits::ValueLimits;
