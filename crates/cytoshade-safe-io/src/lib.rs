//! Safe reading of untrusted files: opening them, metering their cost, and naming them in messages.
//!
//! - [`open`] opens regular files and nothing else, and [`read_at_most`] bounds their length; [`open_private_file`],
//!   [`read_private_file`] and [`write_private_file`] are for a program's own files.
//! - [`Meter`] counts the memory and the work that one file costs, before they are spent; [`CostLimits`] bounds them.
//! - [`Input`] reads numbers and slices from bytes, and never past their end; [`ValueLimits`] bounds single values.
//! - [`printable`] and [`quoted`] put names from outside into messages; [`Redacted`] takes them out again.
//! - [`prefer_huge_pages`] advises Linux to use large pages for the memory of an image.
// `huge_pages` makes one call that the system marks as unsafe.
#![deny(unsafe_code)]
#![warn(missing_docs)]

#[cfg(not(target_family = "wasm"))]
mod file_identity;
mod huge_pages;
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
pub use huge_pages::prefer_huge_pages;
pub use input::{EndOfInput, Input};
pub use meter::{CostLimits, Meter, MeterError, reserve};
#[cfg(not(target_family = "wasm"))]
pub use open::{Links, open, open_with, read_at_most};
#[cfg(not(target_family = "wasm"))]
pub use pending_file::{Existing, PendingFile, folder_of, remove_pending_files, sweep_stale_files};
pub use printable::{printable, printable_path, quoted};
#[cfg(not(target_family = "wasm"))]
pub use private_file::{create_private_folder, open_private_file, read_private_file, write_private_file};
pub use redacted::{REDACTED, Redacted};
pub use value_limits::ValueLimits;
