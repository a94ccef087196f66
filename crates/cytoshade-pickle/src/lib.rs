//! Reads Python pickles as plain data, without calling anything.
//!
//! A pickle is a program for a small stack machine whose opcodes can call any Python function. This reader interprets
//! the opcodes that build data. It keeps a call as data ([`Value::Call`]) if the caller allows its [`Global`]; any
//! other name is an error or, with [`Others::KeepOpaque`], an opaque value with that name.
//!
//! Values are in one list and refer to each other by index. A pickle can share values and even put a list into itself;
//! the reader does not follow such cycles, and recursion is limited.
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
