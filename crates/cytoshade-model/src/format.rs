//! The formats of model files, told apart by content.

use std::fmt;

use crate::safetensors_file;

/// The magic number of a zip record's own header.
const ZIP: &[u8] = b"PK\x03\x04";
/// The magic number's pickle of torch's legacy form (protocol 2): `PROTO 2, LONG1 of 10 bytes`.
pub(crate) const TORCH_LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e";
/// The magic number of numpy files, which size models are.
pub(crate) const NUMPY: &[u8] = b"\x93NUMPY";

/// The formats that networks are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// safetensors.
    Safetensors,
    /// The zip form of `torch.save` (torch 1.6 and later).
    TorchZip,
    /// The legacy form of `torch.save`.
    TorchLegacy,
    /// An ONNX graph.
    Onnx,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Safetensors => "safetensors",
            Format::TorchZip => "torch (zip)",
            Format::TorchLegacy => "torch (legacy)",
            Format::Onnx => "ONNX",
        })
    }
}

impl Format {
    /// The format that some bytes begin as, if it is one of these. A file's name plays no part.
    ///
    /// It recognises every format, also those that this build does not read.
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        if safetensors_file::recognizes(bytes) {
            Some(Format::Safetensors)
        } else if bytes.starts_with(ZIP) {
            Some(Format::TorchZip)
        } else if bytes.starts_with(TORCH_LEGACY) {
            Some(Format::TorchLegacy)
        } else if matches!(bytes, [0x08, 1..=0x7f, ..]) {
            // Field 1 of ONNX's `ModelProto`: the version of the format.
            Some(Format::Onnx)
        } else {
            None
        }
    }
}
