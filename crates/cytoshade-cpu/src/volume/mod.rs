//! The stages of stacks. Each has the name of the stage of images that it replaces.

pub mod fill_holes;
pub mod follow_flows;
pub mod masks;
pub mod resize;
pub mod smooth;
pub mod stitch;
