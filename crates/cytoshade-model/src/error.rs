//! What can be wrong with a model file.

use std::fmt;
use std::path::PathBuf;

use cytoshade_safe_io::Redacted;

use crate::Sha256;

/// Everything that this crate refuses. Each message says what was found, what was expected and what to do.
///
/// The message may name the file, for the person who gave its path; [`Error::redacted`] is for everybody else. What
/// `{:?}` shows is for developers and holds paths too.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read the model file {}: {source}", path.display())]
    Io {
        /// The path as the caller gave it.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are not those that were asked for.
    #[error("the model's SHA-256 is {found}, expected {expected}; the file is damaged or another one: do not use it")]
    Hash {
        /// The hash of the bytes.
        found: Sha256,
        /// The hash that was demanded.
        expected: Sha256,
    },
    /// A text is not a SHA-256.
    #[error("{found:?} is not a SHA-256; expected 64 hexadecimal digits")]
    HashText {
        /// The text, shortened.
        found: String,
    },
    /// The file is of no format that can be read.
    #[error(
        "the model file is not safetensors, a torch file or ONNX (it looks like {looks_like}); give a Cellpose network \
         in one of these formats"
    )]
    UnknownFormat {
        /// What it seems to be.
        looks_like: &'static str,
    },
    /// A limit of [`crate::ReadLimits`] is passed.
    #[error(
        "the model file's {what} is {found}, over the limit of {limit}; raise ReadLimits::{field} if the file is trusted"
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
    /// The container is damaged.
    #[error("the model file is damaged: {reason}")]
    Damaged {
        /// What is wrong, in words of the format.
        reason: String,
    },
    /// A pickle mentions a Python name that is not plain data. Nothing was called.
    #[error(
        "the pickle in the file asks for {name}, which is not among the names that plain tensors need; nothing was \
         run: do not open the file in Python, and ask its author for a state dict or safetensors"
    )]
    Global {
        /// Module and name, printable and shortened.
        name: String,
    },
    /// A pickle uses an opcode that does not build plain data.
    #[error("the pickle in the file has opcode {name} (0x{code:02x}), which is refused: {why}; nothing was run")]
    Opcode {
        /// The opcode's name in CPython's `pickletools`.
        name: &'static str,
        /// Its code.
        code: u8,
        /// Why it is refused.
        why: String,
    },
    /// An ONNX graph is not that of the network.
    #[error("the ONNX graph is not a Cellpose network: node {node} is {found}, expected {expected}")]
    Graph {
        /// The first node that differs, by its name (or its output's), printable and shortened.
        node: String,
        /// What it is.
        found: String,
        /// What the network has in its place.
        expected: String,
    },
    /// A part that an ONNX model keeps beside itself is missing, or may not be read.
    #[error("the model's weights lie in another file, {name}: {reason}")]
    External {
        /// The part's name as the model states it, printable and shortened.
        name: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A tensor has a type that no network of this kind has.
    #[error("tensor {name} has type {found}; expected f32, f16, bf16 or (not in safetensors) f64")]
    Type {
        /// The tensor's name, printable and shortened.
        name: String,
        /// The type found.
        found: String,
    },
    /// A tensor holds NaN or infinity.
    #[error("tensor {name} holds {value} at index {index}; weights must be finite: the model is damaged")]
    NotFinite {
        /// The tensor's name.
        name: String,
        /// The value.
        value: f32,
        /// Index into the flattened tensor.
        index: usize,
    },
    /// A weight is too large for f16.
    #[error("tensor {name} holds {value} at index {index}, beyond the range of f16 (up to 65504); write it as f32")]
    HalfRange {
        /// The tensor's name.
        name: String,
        /// The value.
        value: f32,
        /// Index into the flattened tensor.
        index: usize,
    },
    /// The tensors are of an architecture that is known but cannot be run.
    #[error(
        "the file holds a {found} network (Cellpose 4), which this version does not run; give a U-Net of Cellpose 1 to 3, such as \
         cyto3"
    )]
    Architecture {
        /// Name of the architecture.
        found: &'static str,
    },
    /// The tensors are of no network that this version runs.
    #[error(
        "the file holds no Cellpose network; found {found}; expected the tensors of a U-Net of Cellpose 1 to 3, such as \
         downsample.down.res_down_0.conv.conv_0.2.weight"
    )]
    NoNetwork {
        /// Names of the first tensors that were found, printable and shortened, and how many more there are.
        found: String,
    },
    /// A network of a program's own architecture has no tensors that this crate can name.
    #[error("a network of the architecture {architecture} cannot be saved; only U-Nets can: save its tensors yourself")]
    NotSaved {
        /// Name of the architecture.
        architecture: String,
    },
    /// A file holds no named tensors.
    #[error("an ONNX file holds a graph and no named tensors; give safetensors or a torch file")]
    NoTensors,
    /// The tensors are not those of a Cellpose network.
    #[error("the tensors are not those of a Cellpose network: {}", Listed(problems))]
    StateDict {
        /// Every tensor that is missing, surplus or misshapen.
        problems: Vec<Problem>,
    },
    /// The layers do not fit each other.
    #[error(transparent)]
    Network(#[from] cytoshade_core::Error),
}

impl Error {
    /// The message without folders and file names, as a service would log it.
    pub fn redacted(&self) -> Redacted {
        match self {
            Error::Io { source, .. } => {
                Redacted::new(format_args!("cannot read a model file: {}", Redacted::io(source)))
            }
            Error::External { reason, .. } => {
                Redacted::new(format_args!("the model's weights lie in another file: {reason}"))
            }
            other => Redacted::new(other),
        }
    }

    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Error::Damaged { reason: reason.into() }
    }
}

impl From<cytoshade_pickle::Error> for Error {
    fn from(error: cytoshade_pickle::Error) -> Self {
        use cytoshade_pickle::Error as Pickle;
        match error {
            Pickle::Limit { what, found, limit, field } => Error::Limit { what, found, limit, field },
            Pickle::Damaged { reason } => Error::Damaged { reason },
            Pickle::Global { name } => Error::Global { name },
            Pickle::Opcode { name, code, why } => Error::Opcode { name, code, why },
        }
    }
}

/// One tensor that is not as a Cellpose network has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A tensor is not there.
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor is there that no Cellpose network has.
    Surplus {
        /// Its name, printable and shortened.
        name: String,
    },
    /// A tensor has the wrong shape.
    Shape {
        /// Its name.
        name: String,
        /// The shape found.
        found: Vec<usize>,
        /// The shape that the other tensors demand.
        expected: Vec<usize>,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Missing { name } => write!(f, "{name} is missing"),
            Problem::Surplus { name } => write!(f, "{name} is surplus"),
            Problem::Shape { name, found, expected } => {
                write!(f, "{name} has shape {found:?}, expected {expected:?}")
            }
        }
    }
}

/// Problems that a message lists; [`Error::StateDict`] holds all of them.
const LISTED: usize = 30;

struct Listed<'a>(&'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().take(LISTED).enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{problem}")?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
