//! Shaders made into pipelines. Nothing here depends on how a device was opened.

mod kernel;
mod variant;

pub(crate) use kernel::{Bound, Kernel};
pub(crate) use variant::Variant;
