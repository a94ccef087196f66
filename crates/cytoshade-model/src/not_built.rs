//! Stand-ins for the readers that this build lacks. Each refuses its files with [`Error::NotBuilt`](crate::Error::NotBuilt).

/// In place of the readers of torch files.
#[cfg(not(feature = "torch"))]
pub(crate) mod torch_file {
    use cytoshade_safe_io::Meter;

    use crate::tensor::Tensors;
    use crate::tensor_filter::Wanted;
    use crate::{Error, ReadLimits};

    type Read = Result<(Tensors, Vec<String>), Error>;

    pub(crate) fn read_zip(_: &[u8], _: Wanted, _: &ReadLimits, _: &mut Meter) -> Read {
        Err(Error::NotBuilt { format: "torch", feature: "torch" })
    }

    pub(crate) use read_zip as read_legacy;
}

/// In place of the reader of size models, which are pickles as torch files are.
#[cfg(not(feature = "torch"))]
pub(crate) mod size_model_file {
    use crate::{Error, ReadLimits, SizeModel};

    pub(crate) fn read(_: &[u8], _: &ReadLimits) -> Result<SizeModel, Error> {
        Err(Error::NotBuilt { format: "size model", feature: "torch" })
    }
}

/// In place of the reader of ONNX files.
#[cfg(not(feature = "onnx"))]
pub(crate) mod onnx {
    use cytoshade_core::Network;
    use cytoshade_safe_io::Meter;

    use crate::{Error, LoadOptions};

    pub(crate) struct OnnxFile {
        pub(crate) network: Network,
        pub(crate) parts: Vec<String>,
        pub(crate) ignored: Vec<String>,
    }

    pub(crate) fn read(
        _: &[u8],
        _: &LoadOptions,
        _: &mut Meter,
        _: impl FnMut(&str) -> Result<Vec<u8>, Error>,
    ) -> Result<OnnxFile, Error> {
        Err(Error::NotBuilt { format: "ONNX", feature: "onnx" })
    }
}
