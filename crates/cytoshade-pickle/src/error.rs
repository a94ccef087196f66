//! What can be wrong with a pickle.

/// Everything that this crate refuses. A reader of files maps each variant to one of its own, so the list is whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A limit of [`crate::Limits`] is passed.
    #[error(
        "the pickle's {what} is {found}, over the limit of {limit} (`Limits::{field}`); raise it for a file you trust"
    )]
    Limit {
        /// What was counted.
        what: &'static str,
        /// What was found.
        found: u64,
        /// The limit.
        limit: u64,
        /// The field that sets it.
        field: &'static str,
    },
    /// The bytes are no whole pickle, or not of what was expected.
    #[error("the pickle is damaged: {reason}; get a whole copy of the file")]
    Damaged {
        /// What was found, and what was expected in its place.
        reason: String,
    },
    /// A Python name that the caller did not allow. Nothing was called.
    #[error("the pickle asks for {name}, which is not among the names that its data need; nothing was run")]
    Global {
        /// Module and name, printable and shortened.
        name: String,
    },
    /// An opcode that does not build plain data. Nothing was called.
    #[error("the pickle has opcode {name} (0x{code:02x}), which is refused: {why}; nothing was run")]
    Opcode {
        /// The opcode's name in CPython's `pickletools`.
        name: &'static str,
        /// Its code.
        code: u8,
        /// Why it is refused.
        why: String,
    },
}

impl Error {
    /// [`Error::Damaged`] for this reason.
    pub fn damaged(reason: impl Into<String>) -> Self {
        Error::Damaged { reason: reason.into() }
    }
}

/// A name out of a file as it may be printed: no control characters, no more than 100 characters.
pub fn printable(name: &str) -> String {
    let mut shown: String = name.chars().take(100).flat_map(char::escape_debug).collect();
    if name.chars().nth(100).is_some() {
        shown.push('…');
    }
    shown
}
