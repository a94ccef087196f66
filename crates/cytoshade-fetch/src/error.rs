//! What can go wrong on the way.

use std::path::{Path, PathBuf};

use cytoshade_safe_io::Redacted;

use crate::Address;

/// Everything that ends a transfer. Each message says what was found, what was expected and what to do.
///
/// The message may name an address or a file, for the person who gave it; [`Error::redacted`] is for everybody else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address that is not fetched from.
    #[error("cannot fetch from {shown}: {reason}")]
    Address {
        /// The address, without credentials and query.
        shown: String,
        /// What is wrong with it, and what to do.
        reason: &'static str,
    },
    /// The server points to an address that is not followed.
    #[error("{from} redirects to {shown}, which is not followed: {reason}")]
    Redirect {
        /// The address that was asked.
        from: Box<Address>,
        /// Where it points, without credentials and query.
        shown: String,
        /// Why it is not followed.
        reason: &'static str,
    },
    /// The server points on and on.
    #[error("{address} leads through more than {limit} redirects; give the address of the file itself")]
    Redirects {
        /// The address that the request began with.
        address: Address,
        /// [`crate::Limits::redirects`].
        limit: u32,
    },
    /// The server could not be reached, or its answer could not be read.
    #[error("cannot fetch {address}: {source}")]
    Connection {
        /// The address that was asked.
        address: Address,
        /// What the client said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server has no such file to give.
    #[error("{address} answers with status {status}, expected 200: see that the address is right")]
    Status {
        /// The address that was asked.
        address: Address,
        /// The status of HTTP.
        status: u16,
    },
    /// The server sends something else than the file's own bytes.
    #[error("{address} sends the file packed as {encoding:?}, which was not asked for; nothing was kept")]
    Encoding {
        /// The address that was asked.
        address: Address,
        /// The header `Content-Encoding`, shortened.
        encoding: String,
    },
    /// The transfer broke off again and again.
    #[error("the transfer broke off after {done} bytes: {reason}; ask again to go on from there")]
    Broken {
        /// Bytes that are there.
        done: u64,
        /// What the client said.
        reason: String,
    },
    /// The server sends next to nothing.
    #[error("fewer than {expected} bytes came in {seconds} seconds, after {done}; ask again to go on from there")]
    Stalled {
        /// Bytes that are there.
        done: u64,
        /// Bytes that had to come.
        expected: u64,
        /// In this time.
        seconds: f64,
    },
    /// The file is larger than the caller takes.
    #[error("the file has {} bytes, over the limit of {limit}; raise the limit if it is meant", At(*found, "more"))]
    TooLarge {
        /// Its size, where the server says.
        found: Option<u64>,
        /// [`crate::Limits::max_bytes`].
        limit: u64,
    },
    /// The file has not the size that it must have.
    #[error("the file has {found} bytes, expected {expected}; it is another file, and was not kept")]
    Size {
        /// Its size.
        found: u64,
        /// [`crate::Request::size`].
        expected: u64,
    },
    /// The bytes are not those that were asked for.
    #[error("the file's SHA-256 is {}, expected {}; it is another file, and was not kept", hex(found), hex(expected))]
    Hash {
        /// Their hash.
        found: [u8; 32],
        /// The hash that was demanded.
        expected: [u8; 32],
    },
    /// Another transfer writes into the folder.
    #[error("another transfer is writing to {}; wait for it to end", folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// A file here could not be read or written.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// The message without addresses, folders and file names, as a service would log it.
    pub fn redacted(&self) -> Redacted {
        match self {
            Error::Address { reason, .. } => Redacted::new(format_args!("cannot fetch from an address: {reason}")),
            Error::Redirect { reason, .. } => Redacted::new(format_args!("a redirect is not followed: {reason}")),
            Error::Redirects { limit, .. } => {
                Redacted::new(format_args!("an address leads through more than {limit} redirects"))
            }
            // What the client says may hold the name of the server.
            Error::Connection { .. } => Redacted::new("a server could not be reached, or its answer could not be read"),
            Error::Status { status, .. } => {
                Redacted::new(format_args!("a server answers with status {status}, expected 200"))
            }
            Error::Encoding { .. } => {
                Redacted::new("a server sends the file packed, which was not asked for; nothing was kept")
            }
            Error::Broken { done, .. } => Redacted::new(format_args!("the transfer broke off after {done} bytes")),
            Error::Busy { .. } => Redacted::new("another transfer is writing to the folder; wait for it to end"),
            Error::Io { source, .. } => Redacted::new(format_args!("cannot write a file: {}", Redacted::io(source))),
            Error::Stalled { .. } | Error::TooLarge { .. } | Error::Size { .. } | Error::Hash { .. } => {
                Redacted::new(self)
            }
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
