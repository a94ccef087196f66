//! Errors of a transfer.

use std::path::{Path, PathBuf};

use cytoshade_safe_io::{Redacted, printable_path, quoted};

use crate::Address;

/// Errors that end a transfer. Each message states the finding, the expectation and the remedy.
///
/// The message may name an address, without its query, or a file, for the person who gave it; [`Error::redacted`] is for
/// everybody else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address that is not fetched from.
    #[error("cannot fetch from {shown}: {reason}")]
    Address {
        /// The address, without credentials and query.
        shown: String,
        /// The fault, and what to do.
        reason: &'static str,
    },
    /// The server redirects to an address that is not followed.
    #[error("{from} redirects to {shown}, which is not followed: {reason}")]
    Redirect {
        /// The address that was asked.
        from: Box<Address>,
        /// The address that it redirects to, without credentials and query.
        shown: String,
        /// Why it is not followed.
        reason: &'static str,
    },
    /// The server redirects again and again.
    #[error("{address} leads through more than {limit} redirects; give the address of the file itself")]
    Redirects {
        /// The address that the request began with.
        address: Address,
        /// [`crate::Limits::redirects`].
        limit: u32,
    },
    /// The server could not be reached, or its answer could not be read.
    #[error("cannot fetch {address}: {reason}")]
    Connection {
        /// The address that was asked.
        address: Address,
        /// The client's reason, without the address.
        reason: String,
    },
    /// The server does not give the file.
    #[error("{address} answers with status {status}, expected 200: check the address")]
    Status {
        /// The address that was asked.
        address: Address,
        /// The status of HTTP.
        status: u16,
    },
    /// The server compresses the file, which was not asked for.
    #[error("{address} sends the file packed as {}, which was not asked for; nothing was kept", quoted(encoding))]
    Encoding {
        /// The address that was asked.
        address: Address,
        /// The header `Content-Encoding`, shortened.
        encoding: String,
    },
    /// The transfer broke off again and again.
    #[error("the transfer broke off after {done} bytes: {reason}; the same command continues it")]
    Broken {
        /// Bytes that are there.
        done: u64,
        /// The client's reason.
        reason: String,
    },
    /// The server sends next to nothing.
    #[error("fewer than {expected} bytes came in {seconds} seconds, after {done}; the same command continues it")]
    Stalled {
        /// Bytes that are there.
        done: u64,
        /// Bytes that had to come.
        expected: u64,
        /// In this time.
        seconds: f64,
    },
    /// The whole transfer takes longer than its size allows.
    #[error(
        "the transfer is not done after {seconds:.0} seconds, with {done} bytes; the same command continues it, or allow more time"
    )]
    Deadline {
        /// Bytes that are there.
        done: u64,
        /// Time since the start.
        seconds: f64,
    },
    /// The server sends headers, interim answers or trailers without end.
    #[error("the server sends without end beside the file, of which {done} bytes came; check the address")]
    Endless {
        /// Bytes that are there.
        done: u64,
    },
    /// The file is larger than the caller accepts.
    #[error("the file has {} bytes, over the limit of {limit}; raise the limit if it is meant", At(*found, "more"))]
    TooLarge {
        /// Its size, if the server states it.
        found: Option<u64>,
        /// [`crate::Limits::max_bytes`].
        limit: u64,
    },
    /// The file has another size than it must have.
    #[error("the file has {found} bytes, expected {expected}; it is another file, and was not kept")]
    Size {
        /// Its size.
        found: u64,
        /// [`crate::Request::size`].
        expected: u64,
    },
    /// The bytes have another hash than they must have.
    #[error("the file's SHA-256 is {}, expected {}; it is another file, and was not kept", hex(found), hex(expected))]
    Hash {
        /// Their hash.
        found: [u8; 32],
        /// The hash that was demanded.
        expected: [u8; 32],
    },
    /// Another transfer writes into the folder.
    #[error("another transfer is writing to {}; wait for it to end", printable_path(folder))]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// A file here could not be read or written.
    #[error("cannot write {}: {source}", printable_path(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

impl Error {
    /// The message without addresses, folders and names of files, for a service's log.
    pub fn redacted(&self) -> Redacted {
        match self {
            Error::Address { reason, .. } => Redacted::own(format_args!("cannot fetch from an address: {reason}")),
            Error::Redirect { reason, .. } => Redacted::own(format_args!("a redirect is not followed: {reason}")),
            Error::Redirects { limit, .. } => {
                Redacted::own(format_args!("an address leads through more than {limit} redirects"))
            }
            // The reason may hold the name of the server.
            Error::Connection { .. } => Redacted::own("a server could not be reached, or its answer could not be read"),
            Error::Status { status, .. } => {
                Redacted::own(format_args!("a server answers with status {status}, expected 200"))
            }
            Error::Encoding { .. } => {
                Redacted::own("a server sends the file packed, which was not asked for; nothing was kept")
            }
            Error::Broken { done, .. } => Redacted::own(format_args!("the transfer broke off after {done} bytes")),
            Error::Busy { .. } => Redacted::own("another transfer is writing to the folder; wait for it to end"),
            Error::Io { source, .. } => Redacted::own(format_args!("cannot write a file: {}", Redacted::io(source))),
            Error::Stalled { .. }
            | Error::Deadline { .. }
            | Error::Endless { .. }
            | Error::TooLarge { .. }
            | Error::Size { .. }
            | Error::Hash { .. } => Redacted::own(self),
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        |source| Error::Io { path: path.to_path_buf(), source }
    }
}

struct At(Option<u64>, &'static str);

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(number) => write!(f, "{number}"),
            None => f.write_str(self.1),
        }
    }
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
