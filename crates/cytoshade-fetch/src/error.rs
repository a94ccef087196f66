//! Errors of a transfer.

use std::path::{Path, PathBuf};

use cytoshade_safe_io::{Redacted, printable_path, quoted};

use crate::Address;

/// An error that ends a transfer. Each message gives the cause, the expected value and the remedy.
///
/// Messages can name an address, without its query, or a file. [`Error::redacted`] omits both, for logs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address that is not allowed.
    #[error("cannot fetch from {shown}: {reason}")]
    Address {
        /// The address, without credentials and query.
        shown: String,
        /// The cause and the remedy.
        reason: &'static str,
    },
    /// The server redirects to an address that is not allowed.
    #[error("{from} redirects to {shown}, which is not followed: {reason}")]
    Redirect {
        /// The requested address.
        from: Box<Address>,
        /// The address that it redirects to, without credentials and query.
        shown: String,
        /// The reason that it is not followed.
        reason: &'static str,
    },
    /// The server redirects too often.
    #[error("{address} leads through more than {limit} redirects; give the address of the file itself")]
    Redirects {
        /// The first address of the request.
        address: Address,
        /// [`crate::Limits::redirects`].
        limit: u32,
    },
    /// The server could not be reached, or its response could not be read.
    #[error("cannot fetch {address}: {reason}")]
    Connection {
        /// The requested address.
        address: Address,
        /// The client's reason, without the address.
        reason: String,
    },
    /// The server does not return the file.
    #[error("{address} answers with status {status}, expected 200: check the address")]
    Status {
        /// The requested address.
        address: Address,
        /// The HTTP status.
        status: u16,
    },
    /// The server compresses the file without a request to do so.
    #[error("{address} sends the file compressed as {}, expected no compression; nothing was kept", quoted(encoding))]
    Encoding {
        /// The requested address.
        address: Address,
        /// The header `Content-Encoding`, shortened.
        encoding: String,
    },
    /// The transfer was interrupted more often than it is retried.
    #[error("the transfer was interrupted after {done} bytes: {reason}; the same command continues it")]
    Broken {
        /// Bytes received.
        done: u64,
        /// The client's reason.
        reason: String,
    },
    /// The transfer stalled.
    #[error("fewer than {expected} bytes arrived in {seconds} seconds, after {done}; the same command continues it")]
    Stalled {
        /// Bytes received.
        done: u64,
        /// Bytes expected in this time.
        expected: u64,
        /// The time.
        seconds: f64,
    },
    /// The whole transfer exceeds the time allowed for its size.
    #[error(
        "the transfer is incomplete after {seconds:.0} seconds, with {done} bytes; the same command continues it, or allow more time"
    )]
    Deadline {
        /// Bytes received.
        done: u64,
        /// Time since the start.
        seconds: f64,
    },
    /// The server sends endless headers, interim responses or trailers.
    #[error("the server sends endless headers or trailers; {done} bytes of the file arrived: check the address")]
    Endless {
        /// Bytes received.
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
    /// The file's size differs from the required one.
    #[error("the file has {found} bytes, expected {expected}; it is another file, and was not kept")]
    Size {
        /// Its size.
        found: u64,
        /// [`crate::Request::size`].
        expected: u64,
    },
    /// The file's hash differs from the required one.
    #[error("the file's SHA-256 is {}, expected {}; it is another file, and was not kept", hex(found), hex(expected))]
    Hash {
        /// The hash of the bytes.
        found: [u8; 32],
        /// The required hash.
        expected: [u8; 32],
    },
    /// Another transfer writes into the folder.
    #[error("another transfer is writing to {}; wait for it to end", printable_path(folder))]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// A local file could not be read or written.
    #[error("cannot write {}: {source}", printable_path(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

impl Error {
    /// The message without addresses, folders and file names, for a service's log.
    pub fn redacted(&self) -> Redacted {
        match self {
            Error::Address { reason, .. } => Redacted::own(format_args!("cannot fetch from an address: {reason}")),
            Error::Redirect { reason, .. } => Redacted::own(format_args!("a redirect is not followed: {reason}")),
            Error::Redirects { limit, .. } => {
                Redacted::own(format_args!("an address leads through more than {limit} redirects"))
            }
            // The reason may contain the name of the server.
            Error::Connection { .. } => {
                Redacted::own("a server could not be reached, or its response could not be read")
            }
            Error::Status { status, .. } => {
                Redacted::own(format_args!("a server answers with status {status}, expected 200"))
            }
            Error::Encoding { .. } => {
                Redacted::own("a server sends the file compressed, expected no compression; nothing was kept")
            }
            Error::Broken { done, .. } => {
                Redacted::own(format_args!("the transfer was interrupted after {done} bytes"))
            }
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
