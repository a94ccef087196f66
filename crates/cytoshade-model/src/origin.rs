//! The file that a network was read from.

use std::collections::BTreeMap;

use crate::{Format, Published, Sha256};

/// The file that a network was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its format.
    pub format: Format,
    /// The hash of its bytes, those that were parsed. Parts beside an ONNX model are not in it.
    pub sha256: Sha256,
    /// The files beside an ONNX model that its weights were read from, by the names that the model gives them, printable.
    pub parts: Vec<String>,
    /// The parts of the file that were ignored, in words, one entry a kind: nodes that an ONNX graph has beside the
    /// network, tensors and other entries beside a state dict, the prefix of its names, counts of training batches.
    pub ignored: Vec<String>,
    /// The metadata of a safetensors file (`__metadata__`), printable and shortened. Nothing verifies it.
    pub metadata: BTreeMap<String, String>,
    /// Which network it is, as far as that is known.
    pub identity: Identity,
}

/// Which network a file holds, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Its hash is that of a published model.
    Published(&'static Published),
    /// It was opened under the name of a published model without a known hash: it may be any network.
    Unverified(&'static Published),
    /// Not a known one: fine-tuned, converted, or of one's own.
    Unknown,
}

impl Origin {
    /// The origin of a network from these bytes; `checked` is their hash if it was checked before they were parsed.
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
