//! The pipelines: stage after stage for an image, a stack, or a restoration.

pub(crate) mod diameter;
pub(crate) mod image;
pub(crate) mod restore;
pub(crate) mod run;
pub(crate) mod stack;
