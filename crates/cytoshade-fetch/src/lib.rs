//! Fetches a file over HTTPS: bounded, resumable and verified.
//!
//! [`fetch`] writes beside the target (`NAME.part`) and returns a [`Downloaded`]. The caller can inspect the file, then
//! give it its name with [`Downloaded::keep`]; otherwise it is removed.
//!
//! - Addresses are `https:`, or `http:` to this machine only (127.0.0.0/8, `::1`, `localhost`). Redirects lead to
//!   `https:`, or from this machine to this machine. Certificates are checked against Mozilla's roots, which are built
//!   in.
//! - There are no cookies, no credentials, no proxies (those of the environment are ignored) and no compressed
//!   transfers.
//! - An interrupted transfer continues where it stopped, at once or in a later call, if the server's `ETag` or
//!   `Last-Modified` shows that the file is unchanged.
//! - Bytes and time are bounded whatever the server sends: headers, interim responses, chunks, trailers ([`Limits`]).
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

/// A file to fetch, its target, and its required hash and size.
#[derive(Clone, Debug)]
pub struct Request {
    /// The source address.
    pub address: Address,
    /// The target file.
    ///
    /// A missing folder is created for the user alone; [`Downloaded::keep`] replaces an existing file.
    pub target: PathBuf,
    /// The required hash.
    pub trust: Trust,
    /// The required size in bytes, if known.
    pub size: Option<u64>,
    /// Bounds on size and time.
    pub limits: Limits,
}

/// Whether the file must have a known hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The required SHA-256.
    Sha256([u8; 32]),
    /// Accepts any file: the caller trusts the server. [`Downloaded::sha256`] is the actual hash.
    Unverified,
}

/// Bounds on size and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file. Default 1 GiB.
    pub max_bytes: u64,
    /// Redirects to follow. Default 5.
    pub redirects: u32,
    /// Retries of an interrupted transfer. Default 4.
    pub retries: u32,
    /// Pause before a retry. Default 1 s.
    pub pause: Duration,
    /// Time to resolve and connect to the server, and again for its response to begin. Default 30 s.
    pub answer: Duration,
    /// Time in which [`Limits::stall_bytes`] of the file must arrive. Default 30 s.
    pub stall: Duration,
    /// Bytes that must arrive within [`Limits::stall`], so that a trickle counts as a stall. Default 4096.
    pub stall_bytes: u64,
    /// Time for the whole transfer with its retries, in addition to the file's time at [`Limits::floor`].
    ///
    /// Default 120 s.
    pub grace: Duration,
    /// Minimum average in bytes per second. Default 16,384: a published U-Net may take half an hour.
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
    /// The total time for the transfer of a file of `bytes` bytes.
    pub fn total(&self, bytes: u64) -> Duration {
        self.grace.saturating_add(Duration::from_secs(bytes / self.floor.max(1)))
    }
}

/// The progress of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes received, including those of an earlier transfer.
    pub done: u64,
    /// Bytes of the whole file, if the server states them.
    pub total: Option<u64>,
}
