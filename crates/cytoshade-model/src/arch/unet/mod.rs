//! The U-Net of Cellpose 1 to 3, in the tensors of a state dict and in an ONNX graph.

#[cfg(feature = "onnx")]
pub(crate) mod onnx;
mod tensors;

pub(crate) use tensors::UNetTensors;
