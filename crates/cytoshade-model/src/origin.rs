//! The file of a network.

use std::collections::BTreeMap;

use crate::{Format, Published, Sha256};

/// The file of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its format.
    pub format: Format,
    /// The hash of its parsed bytes, without external files.
    pub sha256: Sha256,
    /// The external files of an ONNX model, by their names in it, printable.
    pub parts: Vec<String>,
    /// Descriptions of the ignored parts of the file, one entry per kind.
    ///
    /// They are nodes outside the network in an ONNX graph, tensors and other entries beside a state dict, the prefix
    /// of its names, and counts of training batches.
    pub ignored: Vec<String>,
    /// The metadata of a safetensors file (`__metadata__`), printable and shortened. Nothing verifies it.
    pub metadata: BTreeMap<String, String>,
    /// The identity of the network, as far as it is known.
    pub identity: Identity,
}

/// The identity of the network in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Its hash is that of a published model.
    Published(&'static Published),
    /// It was opened under the name of a published model without a recorded hash: it may be any network.
    Unverified(&'static Published),
    /// No published network: fine-tuned, converted, or the user's own.
    Unknown,
}

impl Origin {
    /// The origin of a network from these bytes; `checked` is their hash if it was already checked.
    pub(crate) fn new(
        bytes: &[u8],
        checked: Option<Sha256>,
        format: Format,
        parts: Vec<String>,
        ignored: Vec<String>,
    ) -> Self {
        let sha256 = checked.unwrap_or_else(|| Sha256::digest(bytes));
        let identity = Published::with_hash(sha256).map_or(Identity::Unknown, Identity::Published);
        let metadata = match format {
            Format::Safetensors => crate::safetensors_file::metadata(bytes),
            _ => BTreeMap::new(),
        };
        Self { format, sha256, parts, ignored, metadata, identity }
    }
}
