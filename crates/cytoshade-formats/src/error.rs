//! The errors of reading and writing files.

use cytoshade_safe_io::Redacted;

use crate::Format;

/// An error of this crate. Each message gives the cause, the expected value and the remedy.
///
/// Messages contain no path of ours; the caller adds it. Messages of the system or of a library can contain one: see
/// [`Error::redacted`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system could not open or read the file.
    #[error("cannot read the file: {0}")]
    Read(#[source] std::io::Error),
    /// The operating system could not create, write or rename the file. No partial file remains.
    #[error("cannot write the file: {0}")]
    Write(#[source] std::io::Error),
    /// The first bytes match no supported format.
    #[error(
        "the file is {found}; expected TIFF, PNG, JPEG, NPY, BMP, PNM, WebP, JPEG 2000 or JPEG XL: convert it to one of these"
    )]
    UnknownFormat {
        /// The format that the first bytes suggest.
        found: String,
    },
    /// The file violates its format or ends too early.
    #[error("the {format} file is damaged or cut short: {what}; get an intact copy")]
    Damaged {
        /// The format indicated by the first bytes.
        format: Format,
        /// What was found and what was expected.
        what: String,
    },
    /// The file may be valid but uses a feature that this crate does not read.
    #[error("the {format} file has {found}; expected {expected}: convert it")]
    Unsupported {
        /// The format indicated by the first bytes.
        format: Format,
        /// What was found.
        found: String,
        /// The supported alternatives.
        expected: &'static str,
    },
    /// A size in the file exceeds a limit.
    #[error(
        "{what} is {found}, over the limit of {limit}; raise it with --limits {}=N (`Limits::{field}`), or split the file",
        field.replace('_', "-")
    )]
    Limit {
        /// The measured quantity, with its unit.
        what: &'static str,
        /// The value found; `u64::MAX` if it overflows.
        found: u64,
        /// The limit.
        limit: u64,
        /// The field of [`crate::Limits`] that sets the limit.
        field: &'static str,
    },
    /// A pickle refers to a Python name that plain data do not need. Nothing was called.
    #[error(
        "the pickle in the file refers to {name}, which arrays do not need; nothing was run: do \
         not open the file in Python"
    )]
    Global {
        /// Module and name, printable and shortened.
        name: String,
    },
    /// A pickle uses an opcode that does not build plain data. Nothing was called.
    #[error("the pickle in the file has opcode {name} (0x{code:02x}), which is refused: {why}; nothing was run")]
    Opcode {
        /// The opcode's name in CPython's `pickletools`.
        name: &'static str,
        /// The opcode.
        code: u8,
        /// The reason for the refusal.
        why: String,
    },
    /// The image does not fit in memory.
    #[error("the image needs {bytes} bytes of memory, more than this machine has free; split the file")]
    Memory {
        /// Bytes requested.
        bytes: u64,
    },
    /// An array of an unsupported rank.
    #[error("the array has shape {shape:?}; expected {expected}: reshape it")]
    Shape {
        /// The shape found.
        shape: Vec<usize>,
        /// The supported shapes.
        expected: &'static str,
    },
    /// A series whose axes form no image.
    #[error("the series has the axes {letters} of shape {shape:?}; expected {expected}")]
    Axes {
        /// The letters of the axes; `Q` for an unnamed axis.
        letters: String,
        /// The lengths of the axes.
        shape: Vec<usize>,
        /// The accepted axes, and how to select them.
        expected: String,
    },
    /// The file has no series of this number.
    #[error("series {number} not found; the file has {series} series, counted from 0: pass a smaller number")]
    NoSuchSeries {
        /// The requested number.
        number: usize,
        /// The number of series.
        series: usize,
    },
    /// The image is invalid: a side under 2 pixels, or samples that are not finite.
    #[error(transparent)]
    Image(#[from] cytoshade_core::Error),
    /// The process that reads a file in isolation reported an error.
    #[error("{message}")]
    Isolated {
        /// Its message, printable.
        message: String,
    },
    /// The data to write are inconsistent or do not fit the format.
    #[error("cannot write this: {found}; expected {expected}")]
    Output {
        /// The data given.
        found: String,
        /// The data accepted.
        expected: &'static str,
    },
}

impl Error {
    /// The message without folder and file names, for the log of a service.
    pub fn redacted(&self) -> Redacted {
        match self {
            Error::Read(source) => Redacted::new(format_args!("cannot read the file: {}", Redacted::io(source))),
            Error::Write(source) => Redacted::new(format_args!("cannot write the file: {}", Redacted::io(source))),
            other => Redacted::new(other),
        }
    }

    pub(crate) fn damaged(format: Format, what: impl Into<String>) -> Self {
        Error::Damaged { format, what: what.into() }
    }

    pub(crate) fn unsupported(format: Format, found: impl Into<String>, expected: &'static str) -> Self {
        Error::Unsupported { format, found: found.into(), expected }
    }
}

/// Only `_seg.npy` files hold pickles.
impl From<cytoshade_pickle::Error> for Error {
    fn from(error: cytoshade_pickle::Error) -> Self {
        use cytoshade_pickle::Error as Pickle;
        match error {
            Pickle::Limit { what, found, limit, field } => Error::Limit { what, found, limit, field },
            Pickle::Memory { bytes } => Error::Memory { bytes },
            Pickle::Damaged { reason } => Error::damaged(Format::Seg, reason),
            Pickle::Global { name } => Error::Global { name },
            Pickle::Opcode { name, code, why } => Error::Opcode { name, code, why },
        }
    }
}

/// A decoder's message on one line, for logs.
pub(crate) fn one_line(error: &impl std::fmt::Display) -> String {
    let printable = error.to_string().replace(char::is_control, " ");
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}
