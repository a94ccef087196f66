//! Compiles shaders into pipelines, independent of how the device was opened.

mod kernel;
mod variant;

pub(crate) use kernel::{Bound, Kernel};
pub(crate) use variant::Variant;
