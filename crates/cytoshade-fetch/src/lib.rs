//! Fetches a file over HTTPS: bounded, resumable, and kept only if it is the file that was asked for.
//!
//! [`fetch`] writes beside the target (`NAME.part`) and returns a [`Downloaded`], which gets its name with
//! [`Downloaded::keep`], after the caller has looked into it, and is removed otherwise.
//!
//! - Addresses are `https:`, or `http:` to this machine alone (127.0.0.0/8, `::1`, `localhost`). A redirect leads to
//!   `https:`, or from this machine to this machine. Certificates are checked against Mozilla's roots, which are built in.
//! - There are no cookies, no credentials, no proxies (those of the environment are not used) and no compressed transfer.
//! - A transfer that breaks off is continued where it was, at once or in a later call, if the server says by `ETag` or
//!   `Last-Modified` that the file is still the same one.
//! - Bytes and time are bounded whatever the server sends: headers, interim answers, chunks, trailers ([`Limits`]).
//! - The folder of the target and the files in it belong to the user alone, and none is a link.
//!
//! ```no_run
//! use cytoshade_fetch::{Address, Limits, Request, Trust, fetch};
//!
//! let request = Request {
//!     address: Address::parse("https://models.example/cyto3")?,
//!     target: "models/cyto3".into(),
//!     trust: Trust::Sha256([0x2d; 32]),
//!     size: None,
//!     limits: Limits::default(),
//! };
//! let downloaded = fetch(&request, &mut |progress| println!("{} bytes", progress.done))?;
//! let path = downloaded.keep()?;
//! # Ok::<(), cytoshade_fetch::Error>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod address;
mod client;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod notes;
mod part;
mod range;
mod transfer;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

pub use address::Address;
pub use cytoshade_safe_io::Redacted;
pub use error::Error;
pub use part::Downloaded;
pub use transfer::fetch;

/// A file to fetch, its target, and the conditions that it must meet.
#[derive(Clone, Debug)]
pub struct Request {
    /// The address that it comes from.
    pub address: Address,
    /// The file that it becomes. A missing folder is made for the user alone; [`Downloaded::keep`] replaces a file that is
    /// there.
    pub target: PathBuf,
    /// The hash that it must have.
    pub trust: Trust,
    /// The size in bytes that it must have, if that is known.
    pub size: Option<u64>,
    /// Bounds of size and time.
    pub limits: Limits,
}

/// Whether a file must have a known hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Its SHA-256 must be this one.
    Sha256([u8; 32]),
    /// Any file is accepted: the caller trusts the server. [`Downloaded::sha256`] is the hash that it has.
    Unverified,
}

/// Bounds of size and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file. Default 1 GiB.
    pub max_bytes: u64,
    /// Redirects that are followed. Default 5.
    pub redirects: u32,
    /// Times that a transfer which breaks off is continued. Default 4.
    pub retries: u32,
    /// Pause before that. Default 1 s.
    pub pause: Duration,
    /// Time to find the server and connect to it, and again time for its answer to begin. Default 30 s.
    pub answer: Duration,
    /// Time in which [`Limits::stall_bytes`] of the file must arrive. Default 30 s.
    pub stall: Duration,
    /// Bytes that must arrive in [`Limits::stall`], so that a trickle is a stall too. Default 4096.
    pub stall_bytes: u64,
    /// Time for the whole transfer with its retries, beside the time that the file takes at [`Limits::floor`]. Default
    /// 120 s.
    pub grace: Duration,
    /// Bytes a second that the whole transfer must average. Default 16,384: a published U-Net may take half an hour.
    pub floor: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 1 << 30,
            redirects: 5,
            retries: 4,
            pause: Duration::from_secs(1),
            answer: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            stall_bytes: 4096,
            grace: Duration::from_secs(120),
            floor: 16_384,
        }
    }
}

impl Limits {
    /// The time that the transfer of a file of so many bytes may take in all.
    pub fn total(&self, bytes: u64) -> Duration {
        self.grace.saturating_add(Duration::from_secs(bytes / self.floor.max(1)))
    }
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are there, those of an earlier transfer included.
    pub done: u64,
    /// Bytes of the whole file, if the server states them.
    pub total: Option<u64>,
}
