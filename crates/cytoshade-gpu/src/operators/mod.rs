//! The operations of the network's plan as shaders.

pub(crate) mod conv3x3;
pub(crate) mod weights;
