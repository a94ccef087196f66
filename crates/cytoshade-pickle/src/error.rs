//! Errors of a pickle.

use cytoshade_safe_io::{EndOfInput, MeterError, Redacted};

/// An error of this crate. The enum is exhaustive, so that readers can map each variant to their own.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A limit of [`cytoshade_safe_io::ValueLimits`] or of the [`cytoshade_safe_io::Meter`] is exceeded.
    #[error(
        "the pickle's {what} is {found}, over the limit of {limit} (`{field}`); raise it for a file that you trust"
    )]
    Limit {
        /// The counted quantity.
        what: &'static str,
        /// The count.
        found: u64,
        /// The limit.
        limit: u64,
        /// The field that sets the limit.
        field: &'static str,
    },
    /// The system refused an allocation within the limits.
    #[error("no memory for {bytes} bytes of the pickle; close other programs or lower the limits")]
    Memory {
        /// Size of the allocation.
        bytes: u64,
    },
    /// The bytes are not a complete pickle, or not the expected values.
    #[error("the pickle is damaged: {reason}; get an intact copy of the file")]
    Damaged {
        /// The cause and the expected value. Names from the file are in quotation marks.
        reason: String,
    },
    /// A Python name that the caller does not allow. Nothing was called.
    #[error("the pickle mentions {name}, which is not among the names that its data need; nothing was run")]
    Global {
        /// Module and name, printable and shortened.
        name: String,
    },
    /// An opcode that does not build plain data. Nothing was called.
    #[error("the pickle has opcode {name} (0x{code:02x}), which is refused: {why}; nothing was run")]
    Opcode {
        /// The opcode's name in CPython's `pickletools`.
        name: &'static str,
        /// The opcode.
        code: u8,
        /// The reason for the refusal.
        why: String,
    },
}

impl Error {
    /// [`Error::Damaged`] with this reason.
    pub fn damaged(reason: impl Into<String>) -> Self {
        Error::Damaged { reason: reason.into() }
    }

    /// The message without names from the file, for a service's log.
    pub fn redacted(&self) -> Redacted {
        match self {
            Error::Limit { .. } | Error::Memory { .. } => Redacted::own(self),
            Error::Damaged { .. } | Error::Opcode { .. } => Redacted::new(self),
            Error::Global { .. } => {
                Redacted::own("the pickle mentions a name that is not among those that its data need; nothing was run")
            }
        }
    }
}

impl From<MeterError> for Error {
    fn from(error: MeterError) -> Self {
        match error {
            MeterError::Limit { what, found, limit, field } => Error::Limit { what, found, limit, field },
            MeterError::Memory { bytes } => Error::Memory { bytes },
        }
    }
}

impl From<EndOfInput> for Error {
    fn from(error: EndOfInput) -> Self {
        Error::damaged(error.to_string())
    }
}
