//! Python pickles as plain data: nothing is ever called.
//!
//! A pickle is a program for a small stack machine whose opcodes may call any Python function. This reader interprets
//! the opcodes that build data. A call is kept as data ([`Value::Call`]) if the caller allows its [`Global`]; any other
//! name is an error that says it, or with [`Others::KeepOpaque`] a value that says it and holds nothing.
//!
//! Values live in one list and refer to each other by index. A pickle may share values and even put a list into itself;
//! nothing here follows such a cycle, and nothing recurses without a limit.
//!
//! The opcodes are those of CPython's `Lib/pickletools.py`.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod error;
mod globals;
mod machine;
pub mod numpy;
mod opcode;
mod plain;
mod tree;
mod value;
mod write;

pub use cytoshade_safe_io::{CostLimits, EndOfInput, Input, Meter, MeterError, ValueLimits};
pub use error::Error;
pub use globals::{CONTAINERS, Global, NAMESPACES, Others, PATHS};
pub use machine::read;
pub use plain::Plain;
pub use value::{Id, Pickle, Value, unexpected};
pub use write::write_npy;
