//! Errors of a model file.

use std::fmt;
use std::path::PathBuf;

use cytoshade_safe_io::{EndOfInput, MeterError, Redacted, printable, printable_path, quoted};

use crate::Sha256;

/// An error of this crate. Each message gives the cause, the expected value and the remedy.
///
/// Messages can name the file. [`Error::redacted`] omits the name, for logs. `{:?}` is for developers and contains
/// paths too.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read the model file {}: {source}", printable_path(path))]
    Io {
        /// The path as the caller gave it.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The hash of the bytes differs from the required one.
    #[error("the model's SHA-256 is {found}, expected {expected}; the file is damaged or another one: do not use it")]
    Hash {
        /// The hash of the bytes.
        found: Sha256,
        /// The required hash.
        expected: Sha256,
    },
    /// A text is not a SHA-256.
    #[error("{} is not a SHA-256; expected 64 hexadecimal digits", quoted(found))]
    HashText {
        /// The text, shortened.
        found: String,
    },
    /// The file has no supported format.
    #[error(
        "the model file is not safetensors, a torch file or ONNX (it looks like {looks_like}); give a Cellpose network \
         in one of these formats"
    )]
    UnknownFormat {
        /// The kind of file that it resembles.
        looks_like: &'static str,
    },
    /// The file has a format that this build does not read.
    #[error("this build reads no {format} files; build cytoshade with the feature `{feature}`")]
    NotBuilt {
        /// The format.
        format: &'static str,
        /// The feature that the build lacks.
        feature: &'static str,
    },
    /// A limit of [`crate::ReadLimits`] is exceeded.
    #[error(
        "the model file's {what} is {found}, over the limit of {limit}; raise ReadLimits::{field} if the file is trusted"
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
    #[error("no memory for {bytes} bytes of the model; close other programs or lower ReadLimits::cost.memory_bytes")]
    Memory {
        /// Size of the allocation.
        bytes: u64,
    },
    /// The container is damaged.
    #[error("the model file is damaged: {reason}")]
    Damaged {
        /// The cause, in the format's terms. Names from the file are in quotation marks.
        reason: String,
    },
    /// A pickle contains a Python name that plain data do not need. Nothing was called.
    #[error(
        "the pickle in the file mentions {name}, which is not among the names that plain tensors need; nothing was \
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
        /// The opcode.
        code: u8,
        /// The reason for the refusal.
        why: String,
    },
    /// An ONNX graph is not that of the network.
    #[error("the ONNX graph is not a Cellpose network: node {node} is {found}, expected {expected}")]
    Graph {
        /// The first node that differs: its name or its output's, printable and shortened.
        node: String,
        /// The kind of the node, printable and shortened.
        found: String,
        /// The kind of the network's node at this place.
        expected: String,
    },
    /// An external file of an ONNX model is missing or must not be read.
    #[error("the model's weights are in another file, {name}: {reason}")]
    External {
        /// The external file's name in the model, printable and shortened.
        name: String,
        /// The cause and the remedy. Names from the file are in quotation marks.
        reason: String,
    },
    /// A tensor has an unsupported type.
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
        /// The tensor's name, printable and shortened.
        name: String,
        /// The value.
        value: f32,
        /// Index into the flattened tensor.
        index: usize,
    },
    /// A weight is too large for f16.
    #[error(
        "tensor {} holds {value} at index {index}, beyond the range of f16 (up to 65504); write it as f32",
        printable(name)
    )]
    HalfRange {
        /// The tensor's name.
        name: String,
        /// The value.
        value: f32,
        /// Index into the flattened tensor.
        index: usize,
    },
    /// The tensors belong to a known architecture that this version does not run.
    #[error(
        "the file holds a {found} network (Cellpose 4), which this version does not run; give a U-Net of Cellpose 1 to 3, such as \
         cyto3"
    )]
    Architecture {
        /// Name of the architecture.
        found: &'static str,
    },
    /// No tensor of the file has a name of a supported network.
    #[error(
        "the file holds no Cellpose network; found {found}; expected the tensors of a U-Net of Cellpose 1 to 3, such as \
         downsample.down.res_down_0.conv.conv_0.2.weight, in the file itself or under state_dict, model_state_dict, model, net, \
         weights or params"
    )]
    NoNetwork {
        /// Names of the first tensors or entries, in quotation marks, and the number of others.
        found: String,
    },
    /// The network has the program's own architecture, for which this crate has no tensor names.
    #[error("a network of the architecture {architecture} cannot be saved; only U-Nets can: save its tensors yourself")]
    NotSaved {
        /// Name of the architecture.
        architecture: String,
    },
    /// The file holds no named tensors.
    #[error("an ONNX file holds a graph and no named tensors; give safetensors or a torch file")]
    NoTensors,
    /// The tensors are not those of a Cellpose network.
    #[error("the tensors are not those of a Cellpose network: {}", Listed(problems))]
    StateDict {
        /// Every missing, surplus or misshapen tensor.
        problems: Vec<Problem>,
    },
    /// The layers do not match each other.
    #[error(transparent)]
    Network(#[from] cytoshade_core::Error),
}

impl Error {
    /// The message without paths and without names from the file, for a service's log.
    pub fn redacted(&self) -> Redacted {
        match self {
            Error::Io { source, .. } => {
                Redacted::own(format_args!("cannot read a model file: {}", Redacted::io(source)))
            }
            Error::Hash { .. }
            | Error::UnknownFormat { .. }
            | Error::NotBuilt { .. }
            | Error::Limit { .. }
            | Error::Memory { .. }
            | Error::Architecture { .. }
            | Error::NoTensors
            | Error::Network(_) => Redacted::own(self),
            Error::Damaged { .. } | Error::Opcode { .. } => Redacted::new(self),
            Error::HashText { .. } => Redacted::own("a text is not a SHA-256; expected 64 hexadecimal digits"),
            Error::Global { .. } => Redacted::own(
                "the pickle in the file mentions a name that is not among those that plain tensors need; nothing was run",
            ),
            Error::Graph { .. } => {
                Redacted::own("the ONNX graph is not a Cellpose network: a node differs from the network's")
            }
            Error::External { reason, .. } => {
                Redacted::new(format_args!("the model's weights are in another file: {reason}"))
            }
            Error::Type { .. } => {
                Redacted::own("a tensor has a type that no network has; expected f32, f16, bf16 or f64")
            }
            Error::NotFinite { value, index, .. } => {
                Redacted::own(format_args!("a tensor holds {value} at index {index}; weights must be finite"))
            }
            Error::HalfRange { value, index, .. } => {
                Redacted::own(format_args!("a tensor holds {value} at index {index}, beyond the range of f16"))
            }
            Error::NoNetwork { .. } => Redacted::own("the file holds no Cellpose network"),
            Error::NotSaved { .. } => Redacted::own(
                "a network of this architecture cannot be saved; only U-Nets can: save its tensors yourself",
            ),
            Error::StateDict { problems } => {
                Redacted::own(format_args!("{} tensors are not those of a Cellpose network", problems.len()))
            }
        }
    }

    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Error::Damaged { reason: reason.into() }
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

#[cfg(feature = "torch")]
impl From<cytoshade_pickle::Error> for Error {
    fn from(error: cytoshade_pickle::Error) -> Self {
        use cytoshade_pickle::Error as Pickle;
        match error {
            Pickle::Limit { what, found, limit, field } => Error::Limit { what, found, limit, field },
            Pickle::Memory { bytes } => Error::Memory { bytes },
            Pickle::Damaged { reason } => Error::Damaged { reason },
            Pickle::Global { name } => Error::Global { name },
            Pickle::Opcode { name, code, why } => Error::Opcode { name, code, why },
        }
    }
}

/// A difference between a file's tensors and those of a Cellpose network.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A tensor is missing.
    Missing {
        /// Its name.
        name: String,
    },
    /// No Cellpose network has this tensor.
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
        /// The shape that the other tensors imply.
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

/// Problems listed in a message; [`Error::StateDict`] holds all of them.
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
