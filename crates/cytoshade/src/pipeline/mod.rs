//! The pipelines: stage after stage for an image, a stack, or a restoration.

pub(crate) mod diameter;
pub(crate) mod image;
pub(crate) mod placed;
pub(crate) mod placed_volume;
pub(crate) mod plane_source;
pub(crate) mod restore;
pub(crate) mod run;
pub(crate) mod stack;
