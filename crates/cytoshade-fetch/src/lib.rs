//! Fetches a file: over HTTPS, bounded, resumable, and kept only when it is what it should be.
//!
//! [`fetch`] writes beside the target (`NAME.part`) and hands over an [`Downloaded`], which gets its name with
//! [`Downloaded::keep`], after the caller has looked into it, and is removed otherwise.
//!
//! - Addresses are `https:`, or `http:` to this machine alone (127.0.0.0/8, `::1`, `localhost`). A redirect leads to
//!   `https:`, or from this machine to this machine. Certificates are held against Mozilla's roots, which are built in.
//! - Nothing else speaks: no cookies, no credentials, no proxies (those of the environment are left alone), no
//!   compressed transfer.
//! - A transfer that breaks off goes on where it was, at once or in a later call, if the server says by `ETag` or
//!   `Last-Modified` that the file is still the same one.
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
//! let arrived = fetch(&request, &mut |progress| println!("{} bytes", progress.done))?;
//! let path = arrived.keep()?;
//! # Ok::<(), cytoshade_fetch::Error>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod address;
mod client;
mod error;
mod part;
mod transfer;

use std::path::PathBuf;
use std::time::Duration;

pub use address::Address;
pub use cytoshade_safe_io::Redacted;
pub use error::Error;
pub use part::Downloaded;
pub use transfer::fetch;

/// What is fetched, where to, and what it must be.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where it comes from.
    pub address: Address,
    /// The file that it becomes. Its folder must exist; a file that is there is replaced by [`Downloaded::keep`].
    pub target: PathBuf,
    /// What it must be.
    pub trust: Trust,
    /// The size in bytes that it must have, where that is known.
    pub size: Option<u64>,
    /// How long, how much, how often.
    pub limits: Limits,
}

/// What a file from afar must be to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Its SHA-256 must be this one.
    Sha256([u8; 32]),
    /// Anything is taken: whoever asks for this trusts the server. [`Downloaded::sha256`] says what came.
    Unverified,
}

/// How long, how much, how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file. Default 1 GiB.
    pub max_bytes: u64,
    /// Redirects that are followed. Default 5.
    pub redirects: u32,
    /// Times that a transfer which breaks off is taken up again. Default 4.
    pub retries: u32,
    /// Pause before that. Default 1 s.
    pub pause: Duration,
    /// Time to find the server and connect to it, and again time for its answer to begin. Default 30 s.
    pub answer: Duration,
    /// Time in which [`Limits::stall_bytes`] must arrive. Default 30 s.
    pub stall: Duration,
    /// Bytes that must arrive in [`Limits::stall`], so that a trickle is a stall too. Default 4096.
    pub stall_bytes: u64,
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
        }
    }
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are there, those of an earlier transfer among them.
    pub done: u64,
    /// Bytes of the whole file, where the server says.
    pub total: Option<u64>,
}
