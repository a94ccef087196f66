//! What can be wrong with a file.

use cytoshade_safe_io::Redacted;

use crate::Format;

/// Everything that this crate refuses. Each message says what was found, what was expected and what to do; none
/// carries a path, which the caller adds, unless the system's or a library's own words do: see [`Error::redacted`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system could not open or read the file.
    #[error("cannot read the file: {0}")]
    Read(#[source] std::io::Error),
    /// The operating system could not create, write or rename the file. Nothing is left behind.
    #[error("cannot write the file: {0}")]
    Write(#[source] std::io::Error),
    /// The first bytes are of no format that is read here.
    #[error(
        "the file is {found}; expected TIFF, PNG, JPEG, NPY, BMP, PNM, WebP, JPEG 2000 or JPEG XL: convert it to one of these"
    )]
    UnknownFormat {
        /// What the first bytes look like.
        found: String,
    },
    /// The file breaks its format's rules or ends too early.
    #[error("the {format} file is damaged or cut short: {what}; get a whole copy of it")]
    Damaged {
        /// The format that the first bytes announce.
        format: Format,
        /// What was found, and what was expected in its place.
        what: String,
    },
    /// The file may be in order, but uses a part of its format that is not read here.
    #[error("the {format} file has {found}; expected {expected}: convert it")]
    Unsupported {
        /// The format that the first bytes announce.
        format: Format,
        /// What was found.
        found: String,
        /// What is read.
        expected: &'static str,
    },
    /// The file states or holds more than the reader was allowed to take in.
    #[error(
        "{what} is {found}, over the limit of {limit}; raise it with --limits {}=N (`Limits::{field}`), or split the file",
        field.replace('_', "-")
    )]
    Limit {
        /// What was measured, with its unit.
        what: &'static str,
        /// What was found; `u64::MAX` where it does not fit.
        found: u64,
        /// The limit.
        limit: u64,
        /// The field of [`crate::Limits`] that holds it.
        field: &'static str,
    },
    /// A pickle mentions a Python name that plain data do not need. Nothing was called.
    #[error(
        "the pickle in the file asks for {name}, which is not among the names that arrays need; nothing was run: do \
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
        /// Its code.
        code: u8,
        /// Why it is refused.
        why: String,
    },
    /// The machine has no room for the image.
    #[error("the image needs {bytes} bytes of memory and there are not that many; split the file")]
    Memory {
        /// Bytes asked for.
        bytes: u64,
    },
    /// Array of a rank that is not accepted.
    #[error("the array has shape {shape:?}; expected {expected}: reshape it")]
    Shape {
        /// The shape found.
        shape: Vec<usize>,
        /// What is accepted.
        expected: &'static str,
    },
    /// Axes that are those of no image.
    #[error("the series has the axes {letters} of shape {shape:?}; expected {expected}")]
    Axes {
        /// The letters of the axes; `Q` for one without a name.
        letters: String,
        /// The lengths of the axes.
        shape: Vec<usize>,
        /// What is accepted, and how to choose.
        expected: String,
    },
    /// A series was asked for that the file does not have.
    #[error("there is no series {number}; the file has {series}, counted from 0")]
    NoSuchSeries {
        /// The number asked for.
        number: usize,
        /// How many there are.
        series: usize,
    },
    /// The image itself is not acceptable: a side under 2 pixels, or values that are not finite.
    #[error(transparent)]
    Image(#[from] cytoshade_core::Error),
    /// The process that reads a file in isolation reported an error.
    #[error("{message}")]
    Isolated {
        /// Its message, printable.
        message: String,
    },
    /// What was to be written does not fit the format or itself.
    #[error("cannot write this: {found}; expected {expected}")]
    Output {
        /// What was asked for.
        found: String,
        /// What can be written.
        expected: &'static str,
    },
}

impl Error {
    /// The message without folders and file names, as a service would log it.
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

/// Pickles are read out of `_seg.npy` files alone.
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

/// What a decoder says, on one line: a message may be a line of a log.
pub(crate) fn one_line(error: &impl std::fmt::Display) -> String {
    let printable = error.to_string().replace(char::is_control, " ");
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}
